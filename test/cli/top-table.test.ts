import { describe, expect, it } from 'vitest';
import { sorted, SORTS, tableOf, type TableLine } from '../../src/cli/commands/top-table.js';
import { histogramName, histogramsIn, percentileBetween } from '../../src/cli/commands/top-window.js';
import { Terminal } from '../../src/cli/console/index.js';

const WELL: TableLine = {
  name: 'orders',
  status: 'healthy',
  state: 'running',
  used: 3,
  limit: 20,
  waiting: 0,
  longestWaitMs: 0,
  queriesPerSecond: 512,
  failuresPerSecond: 0,
  acquireP99Ms: 0.42,
  queryP50Ms: 1.25,
  queryP99Ms: 8,
};
const STUCK: TableLine = {
  ...WELL,
  name: 'a pool with a name that is long',
  status: 'unhealthy',
  used: 1_000,
  limit: 1_000,
  waiting: 12_345,
  longestWaitMs: 29_999,
  queriesPerSecond: 0,
  failuresPerSecond: 4_321,
  acquireP99Ms: null,
  queryP50Ms: null,
  queryP99Ms: 29_000,
};
const SUSPENDED: TableLine = { ...WELL, name: 'reports', status: 'degraded', state: 'suspended', used: 0 };

describe('the table of top', () => {
  it('fits 80 columns, and shows states by marks and words', () => {
    const lines = tableOf(new Terminal(false), [STUCK, SUSPENDED, WELL], true);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.slice(1).map((line) => line.slice(0, 16).trimEnd())).toEqual([
      'X a pool with …',
      '! reports',
      '  reports is sus',
      '  orders',
    ]);
    expect(lines[3]).toBe('  reports is suspended');
  });

  it('is sorted by what is asked for', () => {
    const order = (by: (typeof SORTS)[number]): string[] => sorted([WELL, SUSPENDED, STUCK], by).map(({ name }) => name.slice(0, 7));
    expect(SORTS.map((by) => order(by)[0])).toEqual(['a pool ', 'a pool ', 'a pool ', 'a pool ', 'a pool ', 'a pool ']);
    expect(order('severity')).toEqual(['a pool ', 'reports', 'orders']);
    expect(order('used')).toEqual(['a pool ', 'orders', 'reports']);
  });
});

describe('percentiles between two readings', () => {
  const reading = (counts: readonly number[]) =>
    histogramsIn(
      ['0.001', '0.01', '0.1', '+Inf'].map((le, at) => `poolwright_query_seconds_bucket{le="${le}",pool="a\\"b"} ${counts[at]}\n`).join(''),
    );
  const NAME = histogramName('query', 'a"b');
  const between = (before: readonly number[], after: readonly number[], share: number): number | null =>
    percentileBetween(reading(before).get(NAME), reading(after).get(NAME), share);

  it('cover what ended meanwhile, and nothing from before', () => {
    expect(between([1_000, 1_000, 1_000, 1_000], [1_000, 1_000, 1_100, 1_100], 0.5)).toBe(55);
    expect(between([0, 0, 0, 0], [50, 100, 100, 100], 0.5)).toBe(1);
    expect(between([0, 0, 0, 0], [0, 0, 0, 10], 0.99)).toBe(100);
  });

  it('are unknown when nothing ended, the process was restarted, or a reading is missing', () => {
    expect(between([5, 5, 5, 5], [5, 5, 5, 5], 0.99)).toBeNull();
    expect(between([50, 50, 50, 50], [5, 5, 5, 5], 0.99)).toBeNull();
    expect(percentileBetween(undefined, reading([1, 1, 1, 1]).get(NAME), 0.99)).toBeNull();
  });
});
