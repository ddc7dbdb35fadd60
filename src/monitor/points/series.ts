/** Reads a series of points: percentiles of a time range, and since when something has been so. */

import { LIVE_BOUNDS_MS } from './live-buckets.js';
import type { LivePoint } from './live-points.js';

/** How far back the past of a pool is kept, in milliseconds: a day. */
export const KEPT_MS = 86_400_000;

/** The durations that points count. */
export type DurationName = 'acquire' | 'use' | 'query' | 'connect';

const BUCKETS = LIVE_BOUNDS_MS.length + 1;
const PERCENTILES = [0.5, 0.9, 0.99];

/** The points of the last `rangeMs`. Each covers the time before it. */
export function pointsWithin(points: readonly LivePoint[], rangeMs: number, now: number): readonly LivePoint[] {
  const first = points.findIndex(({ at }) => at > now - rangeMs);
  return first === -1 ? [] : points.slice(first);
}

/** Points that lie in the same step of time, together. Steps begin at round times, and a point covers the time before it. None is empty. */
export function inSteps(points: readonly LivePoint[], stepMs: number): readonly (readonly LivePoint[])[] {
  const groups: LivePoint[][] = [];
  let current: number | undefined;
  for (const point of points) {
    const step = stepOf(point, stepMs);
    if (step === current) groups.at(-1)?.push(point);
    else groups.push([point]);
    current = step;
  }
  return groups;
}

/** The step that a point belongs to: that of a full minute is of the minute that has ended. */
export function stepOf({ at }: LivePoint, stepMs: number): number {
  return Math.ceil(at / stepMs);
}

/** How many durations of all these points each bucket has. */
export function bucketsOf(points: readonly LivePoint[], name: DurationName): Float64Array {
  const counts = new Float64Array(BUCKETS);
  for (const point of points) {
    const sparse = point[name];
    for (let index = 0; index < sparse.length; index += 2) {
      const bucket = sparse[index] as number;
      counts[bucket] = (counts[bucket] as number) + (sparse[index + 1] as number);
    }
  }
  return counts;
}

/**
 * p50, p90 and p99 as upper bounds, in milliseconds; null where nothing was measured. Of acquires, callers that failed count as those that waited
 * longest: where they reach a percentile, it is Infinity.
 */
export function percentilesOf(points: readonly LivePoint[], name: DurationName): (number | null)[] {
  const counts = bucketsOf(points, name);
  const failed = name === 'acquire' ? points.reduce((sum, point) => sum + point.timedOut + point.refused + point.breakerRefused, 0) : 0;
  const total = counts.reduce((sum, count) => sum + count, failed);
  if (total === 0) return PERCENTILES.map(() => null);
  return PERCENTILES.map((fraction) => {
    const rank = Math.ceil(total * fraction);
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += counts[bucket] as number;
      if (seen >= rank) return LIVE_BOUNDS_MS[bucket] ?? (LIVE_BOUNDS_MS.at(-1) as number);
    }
    return Number.POSITIVE_INFINITY;
  });
}

/** Since when, without a break, something has been so; undefined when it is not so now. */
export function sinceWhen(
  points: readonly LivePoint[],
  isSo: (point: LivePoint) => boolean,
): { readonly at: number; readonly orLonger: boolean } | undefined {
  let index = points.length;
  while (index > 0 && isSo(points[index - 1] as LivePoint)) index -= 1;
  const first = points[index];
  return first === undefined ? undefined : { at: first.at, orLonger: index === 0 };
}
