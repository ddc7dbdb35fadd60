/** Who gets which entry, when entries are opened, and the waits for the pool's start and end. */

export type { AcquireOptions } from './acquire-options.js';
export { closedError, connectFailedError, drainingError, headlineOf } from './acquire-errors.js';
export { closeIdleEntries, leavePlace, reclaimEntry } from './closing.js';
export type { LendingHold } from './hold.js';
export { Lender } from './lender.js';
export { awaitReadiness } from './readiness.js';
export type { PoolGlance } from './reporter.js';
export type { Patience } from './supply.js';
export { type DrainOptions, type DrainReport, Shutdown } from './shutdown.js';
export type { OpeningBound } from './ceilings.js';
