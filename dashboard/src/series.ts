/** Reads points for charts: time frames, groups, rates. */

import { bucketsOf, type DurationName, type LivePoint, percentilesOf, pointsWithin } from '../../src/monitor/points/index.js';

export { bucketsOf, type DurationName, percentilesOf };

const LEAST_SPAN_MS = 60_000;

/** What a chart shows of time. */
export interface Frame {
  readonly from: number;
  readonly to: number;
  /** The points in it. */
  readonly shown: readonly LivePoint[];
  /** The same, so many together as have one place in a curve. */
  readonly groups: readonly (readonly LivePoint[])[];
}

/** The chosen time, or what there is of it; not less than a minute, so that a new pool's curves do not look like years. */
export function frameOf(points: readonly LivePoint[], rangeMs: number, now: number): Frame {
  const shown = pointsWithin(points, rangeMs, now);
  const span = Math.min(rangeMs, Math.max(LEAST_SPAN_MS, now - (shown[0]?.at ?? now)));
  return { from: now - span, to: now, shown, groups: groupsOf(shown, rangeMs) };
}

/** Rates and percentiles of single seconds jump: a curve is made of groups, about as many as it has places. */
function groupsOf(points: readonly LivePoint[], rangeMs: number): readonly (readonly LivePoint[])[] {
  const stepMs = Math.max(1_000, rangeMs / 150);
  const groups: LivePoint[][] = [];
  let current: number | undefined;
  for (const point of points) {
    const step = Math.floor(point.at / stepMs);
    if (step === current) groups.at(-1)?.push(point);
    else groups.push([point]);
    current = step;
  }
  return groups;
}

type Counter =
  | 'acquired'
  | 'timedOut'
  | 'refused'
  | 'breakerRefused'
  | 'queryErrors'
  | 'connectErrors'
  | 'cancelled'
  | 'retries'
  | 'kills'
  | 'opened'
  | 'closed';

/** Per second. */
export function rateOf(points: readonly LivePoint[], ...counters: Counter[]): number {
  const seconds = points.reduce((sum, { sinceMs }) => sum + sinceMs, 0) / 1_000;
  const count = points.reduce((sum, point) => sum + counters.reduce((all, counter) => all + point[counter], 0), 0);
  return seconds === 0 ? 0 : count / seconds;
}

export function totalOf(points: readonly LivePoint[], ...counters: Counter[]): number {
  return points.reduce((sum, point) => sum + counters.reduce((all, counter) => all + point[counter], 0), 0);
}

/** Queries per second. */
export function queryRate(points: readonly LivePoint[]): number {
  const seconds = points.reduce((sum, { sinceMs }) => sum + sinceMs, 0) / 1_000;
  const count = bucketsOf(points, 'query').reduce((sum, bucket) => sum + bucket, 0);
  return seconds === 0 ? 0 : count / seconds;
}
