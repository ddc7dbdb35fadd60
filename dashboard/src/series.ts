/** Reads points for charts: time frames, groups, gaps, rates. */

import { bucketsOf, type DurationName, inSteps, type LivePoint, percentilesOf } from '../../src/monitor/points/index.js';
import type { Span } from './time/window.js';

export { bucketsOf, type DurationName, percentilesOf };

/** What a chart shows of time. */
export interface Frame extends Span {
  /** How much time one place in a curve covers, in milliseconds. */
  readonly stepMs: number;
  /** The points in it. */
  readonly shown: readonly LivePoint[];
  /** The same, so many together as have one place in a curve. None is empty. */
  readonly groups: readonly (readonly LivePoint[])[];
  /** The end of each group, in milliseconds since 1970. */
  readonly times: readonly number[];
  /** Where nothing was kept. */
  readonly gaps: readonly Span[];
}

/** Steps that one can say. */
const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600].map((seconds) => seconds * 1_000);
const MOST_PLACES = 180;
/** A server that is busy looks late. */
const LATE_MS = 3_000;

/**
 * The points of a stretch of time, in groups that cover the same time each.
 *
 * @param points the oldest first
 * @param resolutionMs how much time a point covers; default: a second
 */
export function frameOf(points: readonly LivePoint[], { from, to }: Span, resolutionMs = 1_000): Frame {
  const shown = points.filter(({ at, sinceMs }) => at > from && at - sinceMs < to);
  const stepMs = Math.max(stepOf({ from, to }), resolutionMs);
  // Rates and percentiles of single seconds jump: a curve is made of groups, about as many as it has places.
  const groups = inSteps(shown, stepMs);
  const times = groups.map((group) => Math.min(to, (group.at(-1) as LivePoint).at));
  return { from, to, stepMs, shown, groups, times, gaps: gapsOf(shown, { from, to }, resolutionMs) };
}

/** How much time a place in a curve covers, where points are as fine. */
export function stepOf({ from, to }: Span): number {
  return STEPS_MS.find((step) => (to - from) / step <= MOST_PLACES) ?? 600_000;
}

function gapsOf(points: readonly LivePoint[], { from, to }: Span, resolutionMs: number): readonly Span[] {
  const tolerated = Math.max(LATE_MS, resolutionMs * 1.5);
  const gaps: Span[] = [];
  let known = from;
  for (const { at, sinceMs } of points) {
    if (at - sinceMs - known > tolerated) gaps.push({ from: known, to: at - sinceMs });
    known = Math.max(known, at);
  }
  return to - known > tolerated ? [...gaps, { from: known, to }] : gaps;
}

/** The most of a group. */
export function most(points: readonly LivePoint[], read: (point: LivePoint) => number): number {
  return points.reduce((worst, point) => Math.max(worst, read(point)), 0);
}

/** The point of a group in which most connections were in use and most callers waited. */
export function busiestOf(points: readonly LivePoint[]): LivePoint {
  return points.reduce((worst, point) =>
    point.used > worst.used || (point.used === worst.used && point.waiting > worst.waiting) ? point : worst,
  );
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

/** Callers that had no connection. */
export const FAILED_CALLERS = ['timedOut', 'refused', 'breakerRefused'] as const;
/** All failures that a chart shows. */
export const FAILURES = [...FAILED_CALLERS, 'queryErrors', 'connectErrors'] as const;

/** How much time points cover, in seconds. */
export function secondsOf(points: readonly LivePoint[]): number {
  return points.reduce((sum, { sinceMs }) => sum + sinceMs, 0) / 1_000;
}

/** Per second. */
export function rateOf(points: readonly LivePoint[], ...counters: Counter[]): number {
  const seconds = secondsOf(points);
  return seconds === 0 ? 0 : totalOf(points, ...counters) / seconds;
}

export function totalOf(points: readonly LivePoint[], ...counters: Counter[]): number {
  return points.reduce((sum, point) => sum + counters.reduce((all, counter) => all + point[counter], 0), 0);
}

/** Queries per second. */
export function queryRate(points: readonly LivePoint[]): number {
  const seconds = secondsOf(points);
  const count = bucketsOf(points, 'query').reduce((sum, bucket) => sum + bucket, 0);
  return seconds === 0 ? 0 : count / seconds;
}
