/** How anything waits: deadlines on one timer, abort signals, bounds and pauses, and in which asynchronous context it continues. */

export { anySignal, isAbortSignal, onAbort } from './abort.js';
export { checkedMilliseconds, checkedSignal, invalidMilliseconds, invalidSignal } from './checks.js';
export { inContext, inRootContext, inThisContext, keepContextOfListeners, thisContext } from './context.js';
export { Deadline, DeadlineQueue } from './deadlines.js';
export { Rejection, type Settle } from './rejection.js';
export { callListener, ignore, ignoreRejection, throwLater } from './throw-later.js';
export { clearInterval, clearTimeout, performance, queueMicrotask, setImmediate, setInterval, setTimeout } from '../contract/index.js';
export { pause, type PauseOptions, type WaitBounds, waitOrAbort, type WaitTimer, within } from './within.js';
