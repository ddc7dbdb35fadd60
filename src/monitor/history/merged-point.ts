/** Merges points: what they count adds up, and of how the pool was the worst moment stays. */

import { bucketsOf, type CachePoint, COUNTER_NAMES, type LivePoint, sparseOf } from '../points/index.js';

const CACHE_COUNTERS = [
  'hitsMemory',
  'hitsRedis',
  'stale',
  'misses',
  'coalesced',
  'bypassed',
  'evictions',
  'invalidations',
  'errors',
] as const satisfies readonly (keyof CachePoint)[];

const CACHE_SIZES = ['entries', 'bytes'] as const satisfies readonly (keyof CachePoint)[];
const CACHE_TIMES = ['memoryMs', 'redisMs', 'loadMs'] as const satisfies readonly (keyof CachePoint)[];

type Changeable<T> = { -readonly [Name in keyof T]: T[Name] };

/**
 * One point in place of several. No count is lost, not even that of a bucket of durations. Of the waiting callers, the longest wait and the
 * sizes and times of the cache the worst stays; the connections and the limit are those of the one moment that had the fewest left.
 *
 * @param points at least one, the oldest first
 */
export function mergedPoint(points: readonly LivePoint[]): LivePoint {
  const last = points.at(-1) as LivePoint;
  if (points.length === 1) return last;
  const { limit, idle, used, opening, checking, closing } = points.reduce(fuller);
  const merged: Changeable<LivePoint> = {
    ...last,
    limit,
    idle,
    used,
    opening,
    checking,
    closing,
    cache: mergedCache(points),
    acquire: sparseOf(bucketsOf(points, 'acquire')),
    use: sparseOf(bucketsOf(points, 'use')),
    connect: sparseOf(bucketsOf(points, 'connect')),
    query: sparseOf(bucketsOf(points, 'query')),
  };
  for (const point of points) {
    if (point === last) continue;
    for (const name of COUNTER_NAMES) merged[name] += point[name];
    merged.sinceMs += point.sinceMs;
    merged.waiting = Math.max(merged.waiting, point.waiting);
    merged.longestWaitMs = Math.max(merged.longestWaitMs, point.longestWaitMs);
  }
  return merged;
}

/** The one with fewer connections left; of equals that with more in use, then the later one. */
function fuller(one: LivePoint, other: LivePoint): LivePoint {
  const left = one.limit - one.used - (other.limit - other.used);
  return left < 0 || (left === 0 && one.used > other.used) ? one : other;
}

/** Null: none of the points had a cache. */
function mergedCache(points: readonly LivePoint[]): CachePoint | null {
  let merged: Changeable<CachePoint> | null = null;
  for (const { cache } of points) {
    if (cache === null) continue;
    if (merged === null) {
      merged = { ...cache };
      continue;
    }
    for (const name of CACHE_COUNTERS) merged[name] += cache[name];
    for (const name of CACHE_SIZES) merged[name] = Math.max(merged[name], cache[name]);
    for (const name of CACHE_TIMES) merged[name] = slower(merged[name], cache[name]);
  }
  return merged;
}

function slower(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}
