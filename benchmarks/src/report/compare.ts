import { isRival, type Report, type Row } from './report.js';
import { median } from './statistics.js';

/** How far one of our figures has moved against the rivals of the same run. */
export interface Change {
  readonly scenario: string;
  readonly case: string;
  readonly ours: string;
  readonly metric: string;
  /** Our figure over the rivals', now over then: above 1, we have become slower. */
  readonly factor: number;
  /** The same for each rival. */
  readonly byRival: Readonly<Record<string, number>>;
}

/** More than this is named. */
export const TOLERANCE = 0.15;

/**
 * Compares a run with a baseline. Only ratios to what rivals did in the same run are compared, so another machine, or a busy one, moves
 * them little; the median over the rivals is taken, so one rival that has changed moves it little too.
 */
export function compare(baseline: Report, current: Report): Change[] {
  const changes: Change[] = [];
  for (const own of current.ours) {
    for (const row of current.rows.filter(({ contestant }) => contestant === own)) {
      for (const [metric, { compared }] of Object.entries(current.metrics)) {
        if (compared !== true) continue;
        const byRival = factorsOf(baseline, current, row.case, own, metric);
        const factors = Object.values(byRival);
        if (factors.length === 0) continue;
        changes.push({ scenario: current.scenario, case: row.case, ours: own, metric, factor: median(factors), byRival });
      }
    }
  }
  return changes;
}

export function isRegression({ factor }: Change): boolean {
  return factor > 1 + TOLERANCE;
}

function factorsOf(baseline: Report, current: Report, caseName: string, own: string, metric: string): Record<string, number> {
  const factors: Record<string, number> = {};
  for (const { case: name, contestant, ratios } of current.rows) {
    if (name !== caseName || !isRival(current, contestant)) continue;
    const now = ratios[metric]?.[own]?.median;
    const then = rowOf(baseline, caseName, contestant)?.ratios[metric]?.[own]?.median;
    if (now !== undefined && then !== undefined && now > 0 && then > 0) factors[contestant] = then / now;
  }
  return factors;
}

function rowOf(report: Report, caseName: string, contestant: string): Row | undefined {
  return report.rows.find((row) => row.case === caseName && row.contestant === contestant);
}
