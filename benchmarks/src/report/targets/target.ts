import type { Report, Row } from '../report.js';

/** What was to be reached, and what was. */
export interface Target {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  readonly met: boolean;
}

/** None where nothing was measured. */
export function atLeast(what: string, measured: number | undefined, bound: number, note = ''): Target[] {
  if (measured === undefined) return [];
  return [{ what, target: `≥ ${bound} ×`, measured: `${measured.toFixed(2)} ×${note}`, met: measured >= bound }];
}

/** None where nothing was measured. */
export function atMost(what: string, measured: number | undefined, bound: number, unit: string, digits = 2): Target[] {
  if (measured === undefined) return [];
  return [{ what, target: `≤ ${bound} ${unit}`, measured: `${measured.toFixed(digits)} ${unit}`, met: measured <= bound }];
}

export function rowOf(report: Report | undefined, caseName: string, contestant: string): Row | undefined {
  return report?.rows.find((one) => one.case === caseName && one.contestant === contestant);
}

/** How many times ours a rival's figure is: the median of the rounds. */
export function ratioOf(
  report: Report | undefined,
  caseName: string,
  contestant: string,
  metric: string,
  own = 'poolwright',
): number | undefined {
  return rowOf(report, caseName, contestant)?.ratios[metric]?.[own]?.median;
}

/** What share of a rival's figure ours is, from how many times ours it is. */
export function shareFrom(ratio: number | undefined): number | undefined {
  return ratio === undefined ? undefined : 1 / ratio;
}
