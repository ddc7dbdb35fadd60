/** The ways into the cache for Drizzle and Kysely. */

export { type DrizzleCacheOptions, withDrizzleCache } from './drizzle.js';
export { kyselyCache, type KyselyCache, type KyselyCacheOptions } from './kysely.js';
