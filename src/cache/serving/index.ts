/** The cache's public face, the memory tier, and callers that share one loading. */

export { type CallerLimits, checkLimits, limited } from './flight.js';
export { type CacheRequest, type Departure, type Invalidation, namesOf, QueryCache, type WrapOptions } from './query-cache.js';
