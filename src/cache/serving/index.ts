/** The cache's public face, and behind it the parts that serve values, share their loading, and store them. */

export type { CachedValue } from './cached-values.js';
export { QueryCache, type WrapOptions } from './query-cache.js';
export type { CacheRequest, Departure } from './request.js';
