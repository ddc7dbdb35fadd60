/** The cache's options, policies, rules and statistics. */

export { type CallerLimits, checkLimits, type Wanted, withinLimits } from './caller-limits.js';
export type { Invalidation } from './invalidation.js';
export {
  type Encryption,
  type MemoryCacheOptions,
  type QueryCacheOptions,
  type RedisCacheOptions,
  resolveCacheOptions,
  type ResolvedCacheOptions,
} from './options.js';
export { type CachePolicy, checkedNames, policyNames, type ResolvedPolicy, resolvePolicy } from './policy.js';
export type { CacheRule } from './rules.js';
export type { CacheStats, RedisStats } from './stats.js';
