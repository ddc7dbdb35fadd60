import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Entry, type EntryOwner, IdleList, Lease } from '../../../src/engine/entries/entry.js';

const owner: EntryOwner<string> = { stepOverdue: () => undefined, releaseLease: () => true, destroyLease: () => true };

let lastId = 0;

function newEntry(): Entry<string> {
  lastId += 1;
  const entry = new Entry<string>(lastId, owner, 0, 0);
  entry.resource = `resource ${lastId}`;
  return entry;
}

function fromNewest(list: IdleList<string>): Entry<string>[] {
  const entries: Entry<string>[] = [];
  for (let entry = list.newest; entry !== undefined; entry = entry.older) entries.push(entry);
  return entries;
}

function fromOldest(list: IdleList<string>): Entry<string>[] {
  const entries: Entry<string>[] = [];
  for (let entry = list.oldest; entry !== undefined; entry = entry.newer) entries.push(entry);
  return entries;
}

describe('IdleList', () => {
  it('is a stack that gives up entries from any place, and can be walked from both ends', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 60 }), (steps) => {
        const list = new IdleList<string>();
        const model: Entry<string>[] = [];
        const gone: Entry<string>[] = [];
        for (const step of steps) {
          if (step === undefined || model.length === 0) {
            const entry = newEntry();
            list.push(entry);
            model.push(entry);
          } else {
            const [entry] = model.splice(step % model.length, 1) as [Entry<string>];
            list.remove(entry);
            gone.push(entry);
          }
          expect(gone.every(({ newer, older }) => newer === undefined && older === undefined)).toBe(true);
          expect(list.size).toBe(model.length);
          expect(fromOldest(list)).toEqual(model);
          expect(fromNewest(list)).toEqual(model.toReversed());
        }
      }),
    );
  });
});

describe('Lease', () => {
  it('is active while it is the lease of its entry', () => {
    const entry = newEntry();
    const lease = new Lease(entry);
    expect(lease.active).toBe(false);
    entry.lease = lease;
    expect(lease.active).toBe(true);
    entry.lease = new Lease(entry);
    expect(lease.active).toBe(false);
  });

  it('I1: evicts its entry only while it is active', () => {
    const entry = newEntry();
    const over = new Lease(entry);
    const current = new Lease(entry);
    entry.lease = current;
    over.evict();
    expect(entry.doomed).toBeUndefined();
    current.evict();
    expect(entry.doomed).toBe('evicted');
  });

  it('an entry that is doomed already keeps its reason', () => {
    const entry = newEntry();
    const lease = new Lease(entry);
    entry.lease = lease;
    entry.doomed = 'lost';
    lease.evict();
    expect(entry.doomed).toBe('lost');
  });
});

describe('Entry', () => {
  it('reports an overdue step to its owner', () => {
    const told: unknown[] = [];
    const entry = new Entry<string>(1, { ...owner, stepOverdue: (...args) => told.push(args) }, 0, 0);
    entry.expire(42, 7);
    expect(told).toEqual([[entry, 42, 7]]);
  });
});
