/** Merges a series of points until it has few enough. */

import { inSteps, type LivePoint } from '../points/index.js';
import { mergedPoint } from './merged-point.js';

/** Points of a range. */
export interface Stretch {
  /** About how long each point covers at most, in milliseconds. */
  readonly resolutionMs: number;
  /** The oldest first. */
  readonly points: readonly LivePoint[];
}

/** What a reader of a chart counts in, in seconds; each is a divisor of a day. */
const STEPS = [
  1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 300, 360, 600, 720, 900, 1_200, 1_800, 3_600, 7_200, 14_400, 21_600,
];

/**
 * The same in at most so many points. Steps begin at round times, so that a second answer has the same ones.
 *
 * @param points the oldest first
 * @param resolutionMs what each covers at most
 */
export function fewer(points: readonly LivePoint[], most: number, resolutionMs: number): Stretch {
  if (points.length <= most) return { resolutionMs, points };
  for (const seconds of STEPS) {
    const stepMs = seconds * 1_000;
    if (stepMs <= resolutionMs || stepMs % resolutionMs !== 0) continue;
    const groups = inSteps(points, stepMs);
    if (groups.length <= most) return { resolutionMs: stepMs, points: groups.map(mergedPoint) };
  }
  const size = Math.ceil(points.length / most);
  const groups = Array.from({ length: Math.ceil(points.length / size) }, (_, index) => points.slice(index * size, (index + 1) * size));
  const longest = Math.max(...groups.map((group) => spanOf(group)));
  return { resolutionMs: Math.ceil(longest / resolutionMs) * resolutionMs, points: groups.map(mergedPoint) };
}

function spanOf(points: readonly LivePoint[]): number {
  const [first] = points;
  const last = points.at(-1);
  return first === undefined || last === undefined ? 0 : last.at - first.at + first.sinceMs;
}
