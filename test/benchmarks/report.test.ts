import { describe, expect, it } from 'vitest';
import { chartOf } from '../../benchmarks/src/report/chart.js';
import { compare, isRegression } from '../../benchmarks/src/report/compare.js';
import { formatted, formattedRatio } from '../../benchmarks/src/report/format.js';
import { gainsTable } from '../../benchmarks/src/report/gains.js';
import { lossesOf, markdownOf } from '../../benchmarks/src/report/markdown.js';
import { performanceFigures } from '../../benchmarks/src/report/performance.js';
import { runtimesPage } from '../../benchmarks/src/report/runtimes.js';
import { ratiosOf, spreadOf } from '../../benchmarks/src/report/statistics.js';
import { shuffled } from '../../benchmarks/src/runner/shuffle.js';
import { reportOfRounds } from './support.js';

describe('ratios', () => {
  it('are taken round by round, so that a slow round favors no contestant', () => {
    expect(ratiosOf([20, 200, 20], [10, 100, 10])).toEqual({ median: 2, lowest: 2, highest: 2 });
  });

  it('leave out rounds in which ours was zero', () => {
    expect(ratiosOf([20, 20], [0, 10])).toEqual({ median: 2, lowest: 2, highest: 2 });
    expect(ratiosOf([20], [0])).toBeUndefined();
  });

  it('show a rival whose figure was zero', () => {
    expect(ratiosOf([0], [10])).toEqual({ median: 0, lowest: 0, highest: 0 });
  });

  it('are marked when rounds disagree on who was ahead', () => {
    expect(formattedRatio(spreadOf([0.9, 1.2, 1.3]))).toBe('≈ 1.20 × (0.90–1.30)');
    expect(formattedRatio(spreadOf([1.1, 1.2, 1.3]))).toBe('1.20 × (1.10–1.30)');
  });
});

describe('figures', () => {
  it('have a unit that suits their size', () => {
    expect(formatted(1_234, { label: '', unit: 'ns' })).toBe('1 234 ns');
    expect(formatted(0.0123, { label: '', unit: 'ms' })).toBe('12.3 µs');
    expect(formatted(50_000, { label: '', unit: 'ns', rate: 'queries' })).toBe('50.0 µs (20 000/s)');
  });

  it('at their cap are said to be beyond it', () => {
    expect(formatted(10_000, { label: '', unit: 'ms', cap: 10_000 })).toBe('> 10.0 s');
  });
});

describe('a report', () => {
  it('names every rival that is ahead, and no yardstick', () => {
    const report = reportOfRounds({ ours: [10, 10, 10], faster: [5, 5, 5], slower: [20, 20, 20], limit: [1, 1, 1] });
    expect(lossesOf(report)).toEqual(['- few: faster beats ours in "time": 5 ns, 0.50 × (0.50–0.50) of ours.']);
  });

  it('shows a rival that gave up', () => {
    const report = reportOfRounds({ ours: [10, 10, 10], slow: 'not done after 12 s' });
    expect(markdownOf(report)).toContain('| slow | not done after 12 s |');
    expect(chartOf(report)).toContain('not done after 12 s');
  });

  it('has bars whose lengths are as the figures', () => {
    const chart = chartOf(reportOfRounds({ ours: [10, 10, 10], slower: [20, 20, 20] }));
    const [ours, theirs] = [...chart.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) => Number(width));
    expect(theirs).toBeCloseTo(2 * (ours as number), 0);
  });
});

describe('the comparison with a baseline', () => {
  const baseline = reportOfRounds({ ours: [10, 10, 10], a: [20, 20, 20], b: [30, 30, 30], c: [10, 10, 10] });

  it('finds nothing when the whole machine is slower', () => {
    const current = reportOfRounds({ ours: [50, 50, 50], a: [100, 100, 100], b: [150, 150, 150], c: [50, 50, 50] });
    expect(compare(baseline, current).filter(isRegression)).toEqual([]);
  });

  it('names what has become slower against the rivals', () => {
    const current = reportOfRounds({ ours: [12, 12, 12], a: [20, 20, 20], b: [30, 30, 30], c: [10, 10, 10] });
    const [change, ...others] = compare(baseline, current).filter(isRegression);
    expect(change).toMatchObject({ case: 'few', ours: 'ours', metric: 'time' });
    expect(change?.factor).toBeCloseTo(1.2);
    expect(others).toEqual([]);
  });

  it('is not moved by one rival that has become faster', () => {
    const current = reportOfRounds({ ours: [10, 10, 10], a: [2, 2, 2], b: [30, 30, 30], c: [10, 10, 10] });
    expect(compare(baseline, current).filter(isRegression)).toEqual([]);
  });

  it('looks at no figure of a rival that gave up', () => {
    const current = reportOfRounds({ ours: [10, 10, 10], a: 'not done after 12 s', b: [30, 30, 30], c: [10, 10, 10] });
    expect(Object.keys(compare(baseline, current)[0]?.byRival ?? {})).toEqual(['b', 'c']);
  });
});

describe('the table of gains', () => {
  /** mysql2's time in each round, where Poolwright's is 10 ns, in a case of the README. */
  const tableOf = (theirs: readonly number[]): string => {
    const report = reportOfRounds({ poolwright: theirs.map(() => 10), mysql2: theirs });
    const rows = report.rows.map((row) => ({
      ...row,
      case: 'plain',
      figures: { first: row.figures['time'] },
      ratios: {
        first:
          row.contestant === 'mysql2'
            ? {
                poolwright: ratiosOf(
                  theirs,
                  theirs.map(() => 10),
                ),
              }
            : {},
      },
    }));
    const metrics = { first: { label: 'first answer', unit: 'ns', compared: true } };
    return gainsTable([{ ...report, scenario: 'startup', metrics, rows } as unknown as typeof report]).join('\n');
  };

  it('shows a gain plainly, a loss in bold, and what the run does not decide with a sign', () => {
    expect(tableOf([20, 20, 20])).toContain('| New process, first answer | 10 ns | 20 ns | 2.00 × |');
    expect(tableOf([5, 5, 5])).toContain('| 10 ns | 5 ns | **0.50 ×** |');
    expect(tableOf([5, 9, 20])).toContain('| 10 ns | 9 ns | ≈ 0.90 × |');
  });

  it('is left out when none of its cases was run', () => {
    expect(gainsTable([reportOfRounds({ ours: [10] })])).toEqual([]);
  });
});

describe('the order of a round', () => {
  it('is drawn again for each round, is the same at each run, and leaves no contestant out', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const orders = Array.from({ length: 20 }, (_, round) => shuffled(names, round));
    expect(orders).toEqual(Array.from({ length: 20 }, (_, round) => shuffled(names, round)));
    expect(new Set(orders.map(String)).size).toBeGreaterThan(10);
    for (const order of orders) expect(order.toSorted()).toEqual(names);
  });
});

describe('a report of a run on MySQL', () => {
  const report = reportOfRounds({ ours: [10, 10, 10], slower: [20, 20, 20] }, { server: 'mysql', version: '9.7.4' });

  it('says on which server, and how to make it again', () => {
    expect(markdownOf(report)).toContain('MySQL 9.7.4');
    expect(markdownOf(report)).toContain('`npm run bench -- example --server mysql`');
  });

  it('stands on the page beside those on MariaDB, in short', () => {
    const page = performanceFigures([reportOfRounds({ ours: [10, 10, 10], slower: [20, 20, 20] })], [report], new Set(['example']));
    expect(page).toContain('![An example](../benchmarks/results/example.svg)');
    expect(page).toContain('[On each line of Node](../benchmarks/results/example-runtimes.md)');
    expect(page).toContain('### On MySQL');
    expect(page).toContain('[All figures](../benchmarks/results/mysql/example.md)');
  });
});

describe('the page of the lines of Node', () => {
  const on = (node: string, ours: number, theirs: number): ReturnType<typeof reportOfRounds> => {
    const report = reportOfRounds({ ours: [ours], rival: [theirs] });
    return { ...report, machine: { ...report.machine, node } };
  };

  it('has a column for each of them', () => {
    const page = runtimesPage([on('v24.1.0', 10, 15), on('v20.1.0', 10, 12)]);
    expect(page).toContain('| rival | figure | Node 24.1.0 | Node 20.1.0 |');
    expect(page).toContain('| rival | time | 1.50 × (1.50–1.50) | 1.20 × (1.20–1.20) |');
  });

  it('is not made of one line alone', () => {
    expect(runtimesPage([on('v24.1.0', 10, 15)])).toBeUndefined();
  });
});
