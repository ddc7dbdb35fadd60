/** The cache for results of statements, in this process and in Redis: `createQueryCache`, and the ways in for Kysely and Drizzle. */
import { inRootContext } from '../engine/waiting/index.js';
import type { QueryCacheOptions } from './contract/index.js';
import { QueryCache } from './serving/index.js';

export { type DrizzleCacheOptions, withDrizzleCache } from './data-layers/index.js';
export { kyselyCache, type KyselyCache, type KyselyCacheOptions } from './data-layers/index.js';
export type {
  CachePolicy,
  CacheRule,
  CacheStats,
  CallerLimits,
  Encryption,
  Invalidation,
  MemoryCacheOptions,
  QueryCacheOptions,
  RedisCacheOptions,
  RedisStats,
} from './contract/index.js';
export type { QueryCache, WrapOptions } from './serving/index.js';

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
  // A client that is made inside a request outlives the request.
  return inRootContext(() => new QueryCache(options));
}
