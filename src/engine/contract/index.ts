/** What the engine and its users agree on: options, errors, events, the factory of resources, the clock. */

export { applicationFrames, type CallSite, callSite, placeOf } from './call-site.js';
export { type Clock, LONGEST_TIMER_MS, type RandomSource, STALL_MS, systemClock, type Timer } from './clock.js';
export { codeOf, errorWithoutFrames, messageOf, POOL_ERROR_CODES, PoolError, type PoolErrorCode, type PoolErrorDetails } from './errors.js';
export type { PoolEvents } from './events.js';
export {
  answerOf,
  type CloseRequest,
  type Description,
  type ResourceMark,
  type OpenContext,
  type Preparation,
  type ResourceFactory,
} from './factory.js';
export type { CloseReason, EntryState } from './lifecycle.js';
export { nearestName } from './nearest-name.js';
export { type OptionSpec, resolveFromTable } from './option-table.js';
export { invalid, invalidUnquoted, isOptionsObject, refuseUnknownOptions } from './refusals.js';
export {
  asGiven,
  LARGEST_CONNECTION_LIMIT,
  type PoolOptions,
  poolOptionTable,
  type Resizable,
  resizedOptions,
  type ResolvedPoolOptions,
  resolvePoolOptions,
} from './options.js';
export {
  clearImmediate,
  clearInterval,
  clearTimeout,
  performance,
  queueMicrotask,
  setImmediate,
  setInterval,
  setTimeout,
} from './node-timers.js';
export { keepShape } from './shape.js';
export { checkedSize, isRangeLike, sizeText, type SizeRange } from './size-range.js';
export type { Borrowed, CeilingName, ConnectFailure, PoolState, PoolSummary } from './summary.js';
