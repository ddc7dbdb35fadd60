/** Points of a cache: how it was at one moment, and what it has counted since the point before. */

import type { QueryCache } from '../../cache/serving/index.js';
import type { CacheStats } from '../../cache/contract/index.js';

/** How a cache was at one moment, and what it has counted since the moment before. */
export interface CachePoint {
  readonly entries: number;
  readonly bytes: number;
  readonly hitsMemory: number;
  readonly hitsRedis: number;
  readonly stale: number;
  readonly misses: number;
  readonly coalesced: number;
  readonly bypassed: number;
  readonly evictions: number;
  readonly invalidations: number;
  /** Loaders that failed, and failures of Redis. */
  readonly errors: number;
  /** Mean times of each tier, in milliseconds; null where nothing was measured. Of the memory's answers one in 64 is. */
  readonly memoryMs: number | null;
  readonly redisMs: number | null;
  readonly loadMs: number | null;
}

/** Makes points of one cache, each out of what has changed since the one before. */
export class CachePointMaker {
  readonly #cache: QueryCache;
  #last: CacheStats;

  constructor(cache: QueryCache) {
    this.#cache = cache;
    this.#last = cache.stats();
  }

  next(): CachePoint {
    const before = this.#last;
    const now = this.#cache.stats();
    this.#last = now;
    const mean = (tier: keyof CacheStats['latency']): number | null => {
      const count = now.latency[tier].count - before.latency[tier].count;
      return count === 0 ? null : (now.latency[tier].sumMs - before.latency[tier].sumMs) / count;
    };
    return {
      entries: now.entries,
      bytes: now.bytes,
      hitsMemory: now.hits.memory - before.hits.memory,
      hitsRedis: now.hits.redis - before.hits.redis,
      stale: now.stale - before.stale,
      misses: now.misses - before.misses,
      coalesced: now.coalesced - before.coalesced,
      bypassed: now.bypassed - before.bypassed,
      evictions: now.evictions - before.evictions,
      invalidations: now.invalidations - before.invalidations,
      errors: errorsOf(now) - errorsOf(before),
      memoryMs: mean('memory'),
      redisMs: mean('redis'),
      loadMs: mean('load'),
    };
  }
}

function errorsOf({ loadErrors, redis }: CacheStats): number {
  return loadErrors + (redis === undefined ? 0 : Object.values(redis.errors).reduce((sum, count) => sum + count, 0));
}
