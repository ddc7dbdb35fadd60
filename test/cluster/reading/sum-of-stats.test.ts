import { describe, expect, it } from 'vitest';
import { sumOf, sumOfCounts, withDurationsOfAll } from '../../../src/cluster/reading/sum-of-stats.js';
import { Histogram } from '../../../src/engine/index.js';
import type { PoolStats } from '../../../src/mysql/index.js';

/** A node whose reads all took as long. */
function node(reads: number, eachMs: number) {
  const times = new Histogram();
  for (let read = 0; read < reads; read += 1) times.record(eachMs);
  const none = new Histogram().summary();
  return { times, stats: { acquired: reads, acquire: times.summary(), use: none, connect: none, query: none } as unknown as PoolStats };
}

describe('the statistics of several nodes', () => {
  it('have the percentiles of all reads together, not those of the slowest node', () => {
    const nodes = [node(990, 1), node(10, 1_000)] as const;
    const [fast, slow] = nodes;
    const sum = sumOf(fast.stats, [slow.stats]);
    const merged = withDurationsOfAll(sum, (which, bounds) =>
      sumOfCounts(nodes.map(({ times }) => (which === 'acquire' ? times : new Histogram()).countsUpTo(bounds))),
    );
    expect(merged).toMatchObject({
      acquired: 1_000,
      acquire: { count: 1_000, sumMs: 990 + 10_000, p50Ms: 1, p90Ms: 1, p99Ms: 1, p999Ms: 1_000, maxMs: 1_000 },
      query: { count: 0, p99Ms: 0 },
    });
    expect(Object.isFrozen(merged)).toBe(true);
  });
});
