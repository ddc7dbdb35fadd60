export { isAbortSignal, onAbort } from './waiting/abort.js';
export type { Clock, RandomSource, Timer } from './contract/clock.js';
export { LONGEST_TIMER_MS, systemClock } from './contract/clock.js';
export type { Lease } from './entries/entry.js';
export type { CloseReason, EntryState } from './contract/lifecycle.js';
export { codeOf, messageOf, POOL_ERROR_CODES, PoolError, type PoolErrorCode, type PoolErrorDetails } from './contract/errors.js';
export type { Priority } from './queue/fair-queue.js';
export type { PoolEvents } from './contract/events.js';
export type { CloseRequest, OpenContext, ResourceFactory } from './contract/factory.js';
export type { DurationCounts, DurationSummary } from './statistics/histogram.js';
export { Histogram } from './statistics/histogram.js';
export {
  invalid,
  invalidUnquoted,
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
} from './contract/options.js';
export type { AcquireOptions } from './lending/lender.js';
export { Pool, type PoolEnvironment } from './pool.js';
export type { DrainOptions, DrainReport } from './lending/shutdown.js';
export { keepShape } from './contract/shape.js';
export type { RecordedDuration } from './statistics/statistics.js';
export { LabelledCounts, type PoolStats } from './statistics/stats.js';
export type { Borrowed, ConnectFailure, PoolState, PoolSummary } from './contract/summary.js';
export { Waiter } from './queue/wait-queue.js';
