/** Which of several fit replicas gets a read. */
import { expect, it } from 'vitest';
import { lessLoaded } from '../../../src/cluster/reading/balance.js';
import { ReadTarget, type ReadableNode } from '../../../src/cluster/reading/read-target.js';
import { FakeClock } from '../../engine/support/fake-clock.js';
import { randomFrom } from '../checked/random.js';
import { SimulatedCluster, serversNamed } from '../support/simulated-servers.js';

const READS = 10_000;

function nodeOf(
  name: string,
  { load = 0, share = 1, latencyMs = 1 }: { load?: number; share?: number; latencyMs?: number | undefined } = {},
) {
  return { name, load, share, node: { latencyMs } };
}

/** The part of many reads that each node gets. */
function sharesOf(nodes: readonly ReturnType<typeof nodeOf>[]): Readonly<Record<string, number>> {
  const random = randomFrom(1);
  const counts = Object.fromEntries(nodes.map(({ name }) => [name, 0]));
  for (let read = 0; read < READS; read += 1) {
    const { name } = lessLoaded(nodes, random);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / READS]));
}

it('replicas that are alike get the same number of reads', () => {
  for (const share of Object.values(sharesOf([nodeOf('a'), nodeOf('b'), nodeOf('c')]))) expect(share).toBeCloseTo(1 / 3, 1);
});

it('of two, the one that is less loaded gets the read, however slowly it answers the monitor', () => {
  expect(sharesOf([nodeOf('a', { load: 0.5 }), nodeOf('b', { load: 0.4, latencyMs: 50 })])).toEqual({ a: 0, b: 1 });
});

it('of three, the one that is loaded most gets none: another one is always in the choice', () => {
  const shares = sharesOf([nodeOf('a', { load: 0.9 }), nodeOf('b', { load: 0.1 }), nodeOf('c', { load: 0.2 })]);
  expect(shares['a']).toBe(0);
  expect(shares['b']).toBeGreaterThan(shares['c'] as number);
});

it('a replica that answers more slowly gets fewer reads, and a fifth at least', () => {
  const shares = sharesOf([nodeOf('a', { latencyMs: 1 }), nodeOf('b', { latencyMs: 2 })]);
  expect(shares['b']).toBeCloseTo(1 / 3, 1);
  expect(sharesOf([nodeOf('a', { latencyMs: 1 }), nodeOf('b', { latencyMs: 1_000 })])['b']).toBeCloseTo(0.2, 1);
});

it('a replica that comes back gets its share, and all reads when it is the only one', () => {
  expect(sharesOf([nodeOf('a'), nodeOf('b', { share: 0.1 })])['b']).toBeCloseTo(0.05, 1);
  expect(sharesOf([nodeOf('b', { share: 0.1 })])).toEqual({ b: 1 });
  expect(sharesOf([nodeOf('b', { share: 0 }), nodeOf('c', { share: 0 })])['b']).toBeCloseTo(0.5, 1);
});

it('the first replicas get their whole share at once; one that comes back, or joins, gets a tenth, and all of it after 10 s', async () => {
  const clock = new FakeClock();
  const node: ReadableNode & { state: 'up' | 'down' } = {
    name: 'b:3306',
    state: 'up',
    reading: undefined,
    latencyMs: 1,
    watch: { reason: undefined, askedAt: 0, readAt: 0 },
    readPool: () => {
      throw new Error('bug: nothing is read');
    },
    doubt: () => undefined,
  };
  const target = new ReadTarget(node, clock, false);
  target.looked(1_000, undefined);
  expect(target.share).toBe(1);
  const joined = new ReadTarget(node, clock, true);
  joined.looked(1_000, undefined);
  expect(joined.share).toBe(0.1);
  node.state = 'down';
  target.looked(1_000, undefined);
  node.state = 'up';
  target.looked(1_000, undefined);
  expect(target.share).toBe(0.1);
  await clock.advance(5_000);
  expect(target.share).toBe(0.5);
  await clock.advance(5_000);
  expect(target.share).toBe(1);
});

it('the pool of a replica keeps no connection that reads do not need, no matter which reserve the writer has', async () => {
  const cluster = new SimulatedCluster(serversNamed('a', 'b'), { minIdle: 5, connectionLimit: 9 });
  const pool = cluster.node('b:3306').readPool();
  expect(pool.options).toMatchObject({ minIdle: 0, connectionLimit: 9 });
  expect(pool.summary()).toMatchObject({ total: 0, opening: 0 });
  await pool.end();
});
