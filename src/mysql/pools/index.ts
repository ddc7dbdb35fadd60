/** The two faces of a pool, promise and callback, and the core that both share. */

export { type ClusterNamespace, guardNamespace } from './cluster-statements.js';
export type { CallbackPool } from './callback-pool.js';
export { type Borrowing, DataLayerPool, type LendingCounts } from './data-layer-pool.js';
export { PoolCore, type ServerProduct } from './pool-core.js';
export { COUNT_CONNECTIONS } from './pool-fleet.js';
export type { PoolStats } from './pool-stats.js';
export { coreOf, Pool, type PublicOptions, steer } from './pool.js';
export type { Doubt, PoolSteering } from './steering.js';
