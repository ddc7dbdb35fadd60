/** poolwright: managed pools of MySQL and MariaDB connections. */

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
export {
  type Cluster,
  type ClusterEvents,
  type ClusterOptions,
  type ClusterStats,
  type Consistency,
  createCluster,
  type DiscoveryKind,
  type FailureDetectionOptions,
  type MonitorOptions,
  type NodeAddress,
  type NodeOptions,
  type NodeRole,
  type NodeState,
  type Peer,
  type ReadOptions,
  type Topology,
  type TopologyChange,
  type TopologyNode,
} from './cluster/index.js';
export { createPool, getPool } from './mysql/index.js';
export type { BreakersByName, PoolBreakerOptions } from './mysql/index.js';
export type { ClassifyError, ErrorClass, ServerError } from './mysql/index.js';
export type { CheckStatus, Health, HealthCheck, HealthThresholds } from './mysql/index.js';
export type { Credentials, Endpoint, Hygiene, PoolOptions, ServerRole } from './mysql/index.js';
export type { Pool, PublicOptions } from './mysql/index.js';
export type { PoolConnection } from './mysql/index.js';
export type { PoolStats } from './mysql/index.js';
export type { PoolLogger } from './mysql/index.js';
export { pools } from './mysql/index.js';
export type { SlowQuery, SlowQueryOrder, SlowQueryReport } from './mysql/index.js';
export type { StatementOptions, StatementResult } from './mysql/index.js';
export type { RetryCounts } from './mysql/index.js';
export type { StatementRetryOptions } from './mysql/index.js';
export type { TlsMode } from './mysql/index.js';
export type { AcquireInfo, BorrowOptions, OnAcquire, OnRelease, ReleaseInfo, SessionSettings } from './mysql/index.js';
export type { Transaction } from './mysql/index.js';
export type { IsolationLevel, TransactionOptions } from './mysql/index.js';
