/** Merges points: what they count adds up, and of how the pool was the worst moment stays. */

import type { CachePoint, LivePoint, SparseCounts } from '../points/index.js';

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
  const sum = (count: (point: LivePoint) => number): number => points.reduce((all, point) => all + count(point), 0);
  const durations = (name: 'acquire' | 'use' | 'connect' | 'query'): SparseCounts => addedUp(points.map((point) => point[name]));
  return {
    at: last.at,
    sinceMs: sum(({ sinceMs }) => sinceMs),
    limit,
    idle,
    used,
    opening,
    checking,
    closing,
    waiting: most(points, ({ waiting }) => waiting),
    longestWaitMs: most(points, ({ longestWaitMs }) => longestWaitMs),
    breakerRefused: sum(({ breakerRefused }) => breakerRefused),
    cache: mergedCache(points.flatMap(({ cache }) => (cache === null ? [] : [cache]))),
    acquired: sum(({ acquired }) => acquired),
    timedOut: sum(({ timedOut }) => timedOut),
    cancelled: sum(({ cancelled }) => cancelled),
    refused: sum(({ refused }) => refused),
    opened: sum(({ opened }) => opened),
    closed: sum(({ closed }) => closed),
    connectErrors: sum(({ connectErrors }) => connectErrors),
    queryErrors: sum(({ queryErrors }) => queryErrors),
    retries: sum(({ retries }) => retries),
    kills: sum(({ kills }) => kills),
    leaks: sum(({ leaks }) => leaks),
    acquire: durations('acquire'),
    use: durations('use'),
    connect: durations('connect'),
    query: durations('query'),
  };
}

/** The one with fewer connections left; of equals that with more in use, then the later one. */
function fuller(one: LivePoint, other: LivePoint): LivePoint {
  const left = one.limit - one.used - (other.limit - other.used);
  return left < 0 || (left === 0 && one.used > other.used) ? one : other;
}

function most<T>(points: readonly T[], value: (point: T) => number): number {
  return points.reduce((highest, point) => Math.max(highest, value(point)), 0);
}

function addedUp(all: readonly SparseCounts[]): SparseCounts {
  const filled = all.filter(({ length }) => length > 0);
  if (filled.length <= 1) return filled[0] ?? [];
  const counts = new Map<number, number>();
  for (const sparse of filled) {
    for (let index = 0; index < sparse.length; index += 2) {
      const bucket = sparse[index] as number;
      counts.set(bucket, (counts.get(bucket) ?? 0) + (sparse[index + 1] as number));
    }
  }
  return [...counts].toSorted(([one], [other]) => one - other).flat();
}

/** Null: none of the points had a cache. */
function mergedCache(points: readonly CachePoint[]): CachePoint | null {
  if (points.length === 0) return null;
  const sum = (count: (point: CachePoint) => number): number => points.reduce((all, point) => all + count(point), 0);
  const slowest = (time: (point: CachePoint) => number | null): number | null =>
    points.reduce<number | null>((worst, point) => {
      const ms = time(point);
      return ms === null || (worst !== null && worst >= ms) ? worst : ms;
    }, null);
  return {
    entries: most(points, ({ entries }) => entries),
    bytes: most(points, ({ bytes }) => bytes),
    hitsMemory: sum(({ hitsMemory }) => hitsMemory),
    hitsRedis: sum(({ hitsRedis }) => hitsRedis),
    stale: sum(({ stale }) => stale),
    misses: sum(({ misses }) => misses),
    coalesced: sum(({ coalesced }) => coalesced),
    bypassed: sum(({ bypassed }) => bypassed),
    evictions: sum(({ evictions }) => evictions),
    invalidations: sum(({ invalidations }) => invalidations),
    errors: sum(({ errors }) => errors),
    memoryMs: slowest(({ memoryMs }) => memoryMs),
    redisMs: slowest(({ redisMs }) => redisMs),
    loadMs: slowest(({ loadMs }) => loadMs),
  };
}
