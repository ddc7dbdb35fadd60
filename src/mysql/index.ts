/** Pools of MySQL connections: what the layers above use of them. */

export {
  ConnectionWaiter,
  saysReadOnly,
  type LoneConnection,
  type ManagedConnection,
  openLone,
  type PoolConnection,
  READ_ONLY_VARIABLES,
} from './connections/index.js';
export {
  type AcquireInfo,
  type BorrowOptions,
  type CallbackPoolView,
  checkedReading,
  type CommitListener,
  type Consistency,
  type IsolationLevel,
  limitsFrom,
  ownStatementWith,
  type PromisePool,
  type OnAcquire,
  type OnRelease,
  READING_OPTION_NAMES,
  type ReadingOptions,
  type ReleaseInfo,
  type SessionSettings,
  readingRefused,
  type StatementOptions,
  type StatementResult,
  type TransactionOptions,
} from './contract/index.js';
export { createPool, getPool, makePool } from './create-pool.js';
export { type ClassifyError, type ErrorClass, isPermanentConnectError, isServerError, type ServerError } from './errors/index.js';
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
  knownOptionNames as optionNames,
  type OptionsBesideMysql2,
  type PoolOptions,
  type ServerRole,
  type ResolvedOptions,
  resolveOptions,
  type StatementRetryOptions,
  type TlsMode,
} from './options/index.js';
export {
  COUNT_CONNECTIONS,
  coreOf,
  type Doubt,
  Pool,
  PoolCore,
  type PoolSteering,
  type PoolStats,
  type PublicOptions,
  type ServerProduct,
  steer,
} from './pools/index.js';
export { pools, register, serverProductAt, uniqueName } from './registry.js';
export type { RetryCounts, StatementPool } from './statements/index.js';
export type { Transaction } from './transactions/index.js';
