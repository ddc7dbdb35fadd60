import { describe, expect, it } from 'vitest';
import { gainsChart } from '../../benchmarks/src/report/gains-chart.js';
import type { Report, Row } from '../../benchmarks/src/report/report.js';
import { runtimesPage } from '../../benchmarks/src/report/runtimes.js';
import { processTargets } from '../../benchmarks/src/report/targets/process-targets.js';
import { targets } from '../../benchmarks/src/report/targets/targets.js';
import { reportOfRounds } from './support.js';

/** Of mysql2, with the rounds' median as the only one. */
function row(caseName: string, metric: string, ratio: number): Row {
  const spread = { median: ratio, lowest: ratio, highest: ratio };
  return { case: caseName, contestant: 'mysql2', figures: {}, ratios: { [metric]: { poolwright: spread } }, rounds: [] };
}

function processesOn(node: string, rows: readonly Row[]): Report {
  const report = reportOfRounds({ ours: [1, 1, 1] });
  return { ...report, scenario: 'processes', machine: { ...report.machine, node }, rows };
}

describe('targets', () => {
  it('are met at their bound, and missed below it', () => {
    const report = processesOn('v24.0.0', [
      row('query, 20 callers', 'time', 1.1),
      row('query, 200 callers', 'time', 1.34),
      row('execute, 200 callers', 'cpu', 1.25),
    ]);
    expect(processTargets(report)).toEqual([
      { what: 'query, 20 callers: rate against mysql2', target: '≥ 1.1 ×', measured: '1.10 ×', met: true },
      { what: 'query, 200 callers: rate against mysql2', target: '≥ 1.35 ×', measured: '1.34 ×', met: false },
      { what: 'execute, 200 callers: CPU against mysql2', target: '≤ 0.75 ×', measured: '0.80 ×', met: false },
    ]);
  });

  it('are none where nothing was measured', () => {
    expect(targets([])).toEqual([]);
    expect(targets([reportOfRounds({ ours: [1, 1, 1] })])).toEqual([]);
    expect(processTargets(processesOn('v24.0.0', []))).toEqual([]);
  });

  it('have a column for each line of Node, with what was missed in bold', () => {
    const [one, other] = [1.2, 1].map((ratio, index) => processesOn(`v${24 - 2 * index}.0.0`, [row('query, 20 callers', 'time', ratio)]));
    const page = runtimesPage([one as Report, other as Report]);
    expect(page).toContain('| | target | Node 24.0.0 | Node 22.0.0 |');
    expect(page).toContain('| query, 20 callers: rate against mysql2 | ≥ 1.1 × | 1.20 × | **1.00 ×** |');
    expect(page).toContain('| met | | 1 of 1 | 0 of 1 |');
  });
});

describe('the chart of what is gained', () => {
  it('has bars to the right of 1 × for a gain, to the left for a loss, and grey ones where the rounds disagree', () => {
    const gain = { what: 'a & b', own: '1 ms', theirs: '4 ms', ratio: 4, undecided: false };
    const chart = gainsChart([gain, { ...gain, ratio: 0.5 }, { ...gain, ratio: 1.1, undecided: true }]);
    const bars = [...chart.matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)" height="16" fill="(#\w+)"/g)];
    const [right, left, undecided] = bars.map(([, x, width, fill]) => ({ x: Number(x), width: Number(width), fill }));
    expect(bars).toHaveLength(3);
    expect((left?.x ?? 0) + (left?.width ?? 0)).toBeCloseTo(right?.x ?? 0, 0);
    // The scale is logarithmic: four times as good is twice as far from 1 × as half as good.
    expect((right?.width ?? 0) / (left?.width ?? 1)).toBeCloseTo(2, 1);
    expect(new Set([right?.fill, left?.fill, undecided?.fill]).size).toBe(3);
    expect(chart).toContain('a &amp; b');
    expect(chart).toContain('≈ 1.10 ×');
  });
});
