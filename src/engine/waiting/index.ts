/** How anything waits: deadlines on one timer, abort signals, bounds and pauses. */

export { isAbortSignal, onAbort } from './abort.js';
export { Deadline, DeadlineQueue } from './deadlines.js';
export { throwLater } from './waiting.js';
