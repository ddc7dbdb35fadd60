export {
  type AcquireOptions,
  type Borrowed,
  type CloseReason,
  type ConnectFailure,
  type DrainOptions,
  type DrainReport,
  type DurationSummary,
  POOL_ERROR_CODES,
  PoolError,
  type PoolErrorCode,
  type PoolEvents,
  type PoolState,
  type PoolSummary,
  type Priority,
} from './engine/index.js';
export { createPool, getPool } from './mysql/create-pool.js';
export type { BreakersByName, PoolBreakerOptions } from './mysql/breakers.js';
export type { ClassifyError, ErrorClass, ServerError } from './mysql/error-classes.js';
export type { CheckStatus, Health, HealthCheck, HealthThresholds } from './mysql/health.js';
export type { Credentials, Endpoint, Hygiene, PoolOptions } from './mysql/options.js';
export type { Pool, PublicOptions } from './mysql/pool.js';
export type { PoolConnection } from './mysql/pool-connection.js';
export type { PoolStats } from './mysql/pool-core.js';
export type { PoolLogger } from './mysql/pool-logger.js';
export { pools } from './mysql/registry.js';
export type { SlowQuery, SlowQueryOrder, SlowQueryReport } from './mysql/slow-queries.js';
export type { StatementOptions, StatementResult } from './mysql/statement.js';
export type { RetryCounts } from './mysql/retry-tally.js';
export type { StatementRetryOptions } from './mysql/statement-retries.js';
export type { TlsMode } from './mysql/tls.js';
export type { IsolationLevel, Transaction, TransactionOptions } from './mysql/transaction.js';
