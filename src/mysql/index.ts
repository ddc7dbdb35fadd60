/** Pools of MySQL connections: what the layers above use of them. */

export type { PoolConnection } from './connections/index.js';
export type {
  CallbackPoolView,
  IsolationLevel,
  PromisePool,
  StatementOptions,
  StatementResult,
  TransactionOptions,
} from './contract/index.js';
export { createPool, getPool } from './create-pool.js';
export type { ClassifyError, ErrorClass, ServerError } from './errors/index.js';
export {
  type BreakersByName,
  type CachedRead,
  cachedReads,
  givenTexts,
  type StatementToSend,
  statementsToSend,
  type CheckStatus,
  type Health,
  type HealthCheck,
  type HealthThresholds,
  type PoolBreakerOptions,
  type PoolLogger,
  type SlowQuery,
  type SlowQueryOrder,
  type SlowQueryReport,
  utilizationOf,
  wordsOf,
} from './observation/index.js';
export {
  type Credentials,
  type Endpoint,
  type Hygiene,
  isLoopback,
  type OptionsBesideMysql2,
  type PoolOptions,
  type ResolvedOptions,
  resolveOptions,
  type StatementRetryOptions,
  type TlsMode,
} from './options/index.js';
export type { Pool, PoolStats, PublicOptions, ServerProduct } from './pools/index.js';
export { pools, serverProductAt } from './registry.js';
export type { RetryCounts } from './statements/index.js';
export type { Transaction } from './transactions/index.js';
