/** poolwright/engine: a pool of any resource, without a driver. */

export { isAbortSignal, onAbort } from './waiting/index.js';
export type { Clock, RandomSource, Timer } from './contract/index.js';
export { LONGEST_TIMER_MS, systemClock } from './contract/index.js';
export type { Lease } from './entries/index.js';
export type { CloseReason, EntryState } from './contract/index.js';
export { codeOf, messageOf, POOL_ERROR_CODES, PoolError, type PoolErrorCode, type PoolErrorDetails } from './contract/index.js';
export type { Priority } from './queue/index.js';
export type { PoolEvents } from './contract/index.js';
export type { CloseRequest, Description, ResourceMark, OpenContext, Preparation, ResourceFactory } from './contract/index.js';
export type { DurationCounts, DurationSummary } from './statistics/index.js';
export { BRIEF_WAIT_MS, BUCKET_EDGES_MS, Histogram } from './statistics/index.js';
export {
  asGiven,
  invalid,
  invalidUnquoted,
  checkedSize,
  isRangeLike,
  LARGEST_CONNECTION_LIMIT,
  nearestName,
  type OptionSpec,
  type PoolOptions,
  poolOptionTable,
  refuseUnknownOptions,
  type Resizable,
  type ResolvedPoolOptions,
  resolveFromTable,
  resolvePoolOptions,
  sizeText,
  type SizeRange,
} from './contract/index.js';
export { type AcquireOptions, connectFailedError, type LendingHold } from './lending/index.js';
export { Pool } from './pool.js';
export { Sizer, type UseWindow } from './sizing/index.js';
export type { PoolEnvironment } from './pool-environment.js';
export type { DrainOptions, DrainReport } from './lending/index.js';
export { keepShape } from './contract/index.js';
export type { RecordedDuration } from './statistics/index.js';
export { LabelledCounts, type PoolStats } from './statistics/index.js';
export type { Borrowed, CeilingName, ConnectFailure, PoolState, PoolSummary } from './contract/index.js';
export { Waiter } from './queue/index.js';
