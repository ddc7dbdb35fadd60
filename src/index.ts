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
export type { BreakersByName, PoolBreakerOptions } from './mysql/observation/breakers.js';
export type { ClassifyError, ErrorClass, ServerError } from './mysql/errors/error-classes.js';
export type { CheckStatus, Health, HealthCheck, HealthThresholds } from './mysql/observation/health.js';
export type { Credentials, Endpoint, Hygiene, PoolOptions } from './mysql/options/resolve.js';
export type { Pool, PublicOptions } from './mysql/pools/pool.js';
export type { PoolConnection } from './mysql/connections/borrowed-connection.js';
export type { PoolStats } from './mysql/pools/pool-core.js';
export type { PoolLogger } from './mysql/observation/logger.js';
export { pools } from './mysql/registry.js';
export type { SlowQuery, SlowQueryOrder, SlowQueryReport } from './mysql/observation/slow-queries.js';
export type { StatementOptions, StatementResult } from './mysql/contract/statement-options.js';
export type { RetryCounts } from './mysql/statements/retry-tally.js';
export type { StatementRetryOptions } from './mysql/options/retry-options.js';
export type { TlsMode } from './mysql/options/tls.js';
export type { Transaction } from './mysql/transactions/transaction.js';
export type { IsolationLevel, TransactionOptions } from './mysql/contract/transaction-options.js';
