/** The two faces of a pool, promise and callback, and the core that both share. */

export { type ClusterNamespace, guardNamespace } from './cluster-statements.js';
export type { CallbackPool } from './callback-pool.js';
export type { PoolStats, ServerProduct } from './pool-core.js';
export { Pool, type PublicOptions } from './pool.js';
