export { isAbortSignal, onAbort } from './abort.js';
export type { Clock, RandomSource, Timer } from './clock.js';
export { LONGEST_TIMER_MS, systemClock } from './clock.js';
export type { CloseReason, EntryState, Lease } from './entry.js';
export { codeOf, messageOf, POOL_ERROR_CODES, PoolError, type PoolErrorCode, type PoolErrorDetails } from './errors.js';
export type { Priority } from './fair-queue.js';
export type { PoolEvents } from './events.js';
export type { CloseRequest, OpenContext, ResourceFactory } from './factory.js';
export type { DurationCounts, DurationSummary } from './histogram.js';
export { Histogram } from './histogram.js';
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
} from './options.js';
export type { AcquireOptions } from './lender.js';
export { Pool, type PoolEnvironment } from './pool.js';
export type { DrainOptions, DrainReport } from './shutdown.js';
export { keepShape } from './shape.js';
export type { RecordedDuration } from './statistics.js';
export { type Borrowed, type ConnectFailure, LabelledCounts, type PoolState, type PoolStats, type PoolSummary } from './stats.js';
export { Waiter } from './wait-queue.js';
