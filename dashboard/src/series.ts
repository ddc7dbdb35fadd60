import { LIVE_BOUNDS_MS } from '../../src/monitor/live/live-buckets.js';
import type { LivePoint } from '../../src/monitor/live/live-points.js';

export type DurationName = 'acquire' | 'use' | 'query' | 'connect';

const BUCKETS = LIVE_BOUNDS_MS.length + 1;
const PERCENTILES = [0.5, 0.9, 0.99];

/** The points that the chosen time range shows. */
export function within(points: readonly LivePoint[], rangeMs: number, now: number): readonly LivePoint[] {
  const first = points.findIndex(({ at }) => at >= now - rangeMs);
  return first === -1 ? [] : points.slice(first);
}

/** How many durations each bucket has, of all these points. */
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

/** Upper bounds, in milliseconds; null while there was nothing. */
export function percentilesOf(points: readonly LivePoint[], name: DurationName): (number | null)[] {
  const counts = bucketsOf(points, name);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return PERCENTILES.map(() => null);
  return PERCENTILES.map((fraction) => {
    const rank = Math.ceil(total * fraction);
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += counts[bucket] as number;
      if (seen >= rank) return LIVE_BOUNDS_MS[bucket] ?? (LIVE_BOUNDS_MS.at(-1) as number);
    }
    return null;
  });
}

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
  const shown = within(points, rangeMs, now);
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
