/** Merges points: what they count adds up, and of how the pool was the worst moment stays. */

import { type CachePoint, LIVE_BOUNDS_MS, type LivePoint, type SparseCounts } from '../points/index.js';

const COUNTERS = [
  'sinceMs',
  'breakerRefused',
  'acquired',
  'timedOut',
  'cancelled',
  'refused',
  'opened',
  'closed',
  'connectErrors',
  'queryErrors',
  'retries',
  'kills',
  'leaks',
] as const satisfies readonly (keyof LivePoint)[];

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

const BUCKETS = LIVE_BOUNDS_MS.length + 1;

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
    acquire: addedUp(points, 'acquire'),
    use: addedUp(points, 'use'),
    connect: addedUp(points, 'connect'),
    query: addedUp(points, 'query'),
  };
  for (const point of points) {
    if (point === last) continue;
    for (const name of COUNTERS) merged[name] += point[name];
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

function addedUp(points: readonly LivePoint[], name: 'acquire' | 'use' | 'connect' | 'query'): SparseCounts {
  const counts = new Float64Array(BUCKETS);
  for (const point of points) {
    const sparse = point[name];
    for (let index = 0; index < sparse.length; index += 2) {
      const bucket = sparse[index] as number;
      counts[bucket] = (counts[bucket] ?? 0) + (sparse[index + 1] as number);
    }
  }
  const all: number[] = [];
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) if (counts[bucket] !== 0) all.push(bucket, counts[bucket] as number);
  return all;
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
