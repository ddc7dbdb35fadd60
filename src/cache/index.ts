import type { QueryCacheOptions } from './contract/options.js';
import { QueryCache } from './serving/query-cache.js';

export { type DrizzleCacheOptions, withDrizzleCache } from './data-layers/drizzle.js';
export { kyselyCache, type KyselyCache, type KyselyCacheOptions } from './data-layers/kysely.js';
export type { Encryption } from './values/codec.js';
export type { CallerLimits } from './serving/flight.js';
export type { MemoryCacheOptions, QueryCacheOptions, RedisCacheOptions } from './contract/options.js';
export type { CachePolicy } from './contract/policy.js';
export type { Invalidation, QueryCache, WrapOptions } from './serving/query-cache.js';
export type { CacheRule } from './contract/rules.js';
export type { CacheStats, RedisStats } from './contract/stats.js';

/**
 * Makes a cache for results of statements, and for anything else. Attach it to pools with `createPool({ cache })`; several pools may share it.
 *
 * @throws PoolError `POOL_OPTION_INVALID`; Error `MODULE_NOT_FOUND` when `redis` is given and the package ioredis is not installed
 *
 * @example
 * ```ts
 * const cache = createQueryCache({ redis: process.env.REDIS_URL, defaults: { ttl: 5_000 } });
 * const pool = createPool(process.env.DATABASE_URL, { cache });
 * const [rows] = await pool.query({ sql: 'SELECT * FROM users WHERE id = ?', values: [7], cache: { ttl: 60_000 } });
 * ```
 */
export function createQueryCache(options: QueryCacheOptions = {}): QueryCache {
  return new QueryCache(options);
}
