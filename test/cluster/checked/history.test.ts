import { expect, it } from 'vitest';
import { Ages, brokenWrites, longestBreak, type Read, staleReads, type Write } from './history.js';

function write(given: Partial<Write>): Write {
  return { worker: 0, way: 'insert', id: undefined, register: 1, version: 0, sentAt: 0, acknowledgedAt: 10, code: undefined, ...given };
}

function read(given: Partial<Read>): Read {
  return {
    worker: 0,
    kind: 'process',
    way: 'query',
    register: 1,
    version: 1,
    floor: 0,
    askedAt: 100,
    answeredAt: 110,
    server: 2,
    ...given,
  };
}

it('the check finds a read that is older than what it must see', () => {
  const stale = read({ version: 4, floor: 5 });
  expect(staleReads([read({ version: 5, floor: 5 }), stale])).toEqual([stale]);
});

it('the check knows for how long a newer version had been acknowledged', () => {
  const ages = new Ages([
    write({ version: 1, acknowledgedAt: 10 }),
    write({ version: 2, acknowledgedAt: 40 }),
    write({ version: 3, acknowledgedAt: 30 }),
    write({ version: 4, acknowledgedAt: undefined }),
    write({ register: 2, version: 9, acknowledgedAt: 5 }),
  ]);
  expect(ages.of({ register: 1, version: 3, askedAt: 100 })).toBe(0);
  expect(ages.of({ register: 1, version: 1, askedAt: 100 })).toBe(70);
  expect(ages.of({ register: 1, version: 1, askedAt: 20 })).toBe(0);
  expect(ages.of({ register: 3, version: 0, askedAt: 20 })).toBe(0);
});

it('the check finds writes that are lost, doubled, refused and yet there, without a code, and on the wrong server', () => {
  const writes = [
    write({ id: 1 }),
    write({ id: 2 }),
    write({ id: 3, acknowledgedAt: undefined, code: 'POOL_ACQUIRE_TIMEOUT' }),
    write({ id: 4, acknowledgedAt: undefined, code: '' }),
    write({ id: 5, acknowledgedAt: undefined, code: 'POOL_CONNECTION_LOST', sentAt: 50 }),
    write({ id: 6, acknowledgedAt: undefined, code: 'POOL_CONNECTION_LOST', sentAt: 50 }),
  ];
  const strays = [
    { id: 5, server: 'a:3306', followedAt: new Map([[0, 40]]) },
    { id: 6, server: 'a:3306', followedAt: new Map([[0, 60]]) },
  ];
  const rows = new Map([
    [2, 2],
    [3, 1],
    [7, 1],
  ]);
  expect(brokenWrites(writes, rows, strays)).toEqual([
    'write 1 of process 0 (insert) was acknowledged, and is lost',
    'write 2 of process 0 (insert) is there 2 times',
    'write 3 of process 0 (insert) failed with POOL_ACQUIRE_TIMEOUT, and is there',
    'write 4 of process 0 (insert) failed without a code',
    'row 7 was written by no process',
    'row 5 was written to a:3306 after its process had followed another writer',
  ]);
});

it('the check measures the longest break that touches a span', () => {
  const moments = [0, 10, 60, 70, 170];
  expect(longestBreak(moments, 20, 65)).toBe(50);
  expect(longestBreak(moments, 62, 80)).toBe(100);
});
