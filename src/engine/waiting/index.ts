/** How anything waits: deadlines on one timer, abort signals, bounds and pauses. */

export { anySignal, isAbortSignal, onAbort } from './abort.js';
export { checkedMilliseconds, checkedSignal, invalidMilliseconds, invalidSignal } from './checks.js';
export { Deadline, DeadlineQueue } from './deadlines.js';
export { callListener, ignore, ignoreRejection, throwLater } from './throw-later.js';
export { pause, type PauseOptions, type WaitBounds, waitOrAbort, type WaitTimer, within } from './within.js';
