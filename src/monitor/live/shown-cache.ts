/** The statistics of a cache as JSON has them. */

import type { CacheStats, RedisStats } from '../../cache/contract/index.js';
import type { ObservedPool } from '../../telemetry/index.js';

/** What a cache has counted, as JSON has it. */
export interface ShownCache {
  readonly name: string;
  readonly stats: Omit<CacheStats, 'redis'> & { readonly redis: RedisStats | null };
}

/** Null when the pool has none. */
export function shownCache({ cache }: Pick<ObservedPool, 'cache'>): ShownCache | null {
  if (cache === undefined) return null;
  const { redis = null, ...stats } = cache.stats();
  return { name: cache.name, stats: { ...stats, redis } };
}
