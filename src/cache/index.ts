import type { QueryCacheOptions } from './contract/index.js';
import { QueryCache } from './serving/index.js';

export { type DrizzleCacheOptions, withDrizzleCache } from './data-layers/index.js';
export { kyselyCache, type KyselyCache, type KyselyCacheOptions } from './data-layers/index.js';
export type { Encryption } from './values/index.js';
export type { CallerLimits } from './serving/index.js';
export type { MemoryCacheOptions, QueryCacheOptions, RedisCacheOptions } from './contract/index.js';
export type { CachePolicy } from './contract/index.js';
export type { Invalidation, QueryCache, WrapOptions } from './serving/index.js';
export type { CacheRule } from './contract/index.js';
export type { CacheStats, RedisStats } from './contract/index.js';

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
