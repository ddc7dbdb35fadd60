/** Node's own timers and its clock, as they were when the package was loaded. */

import { performance as clock } from 'node:perf_hooks';
import * as timers from 'node:timers';

/*
 * All of the package takes its timers from here, and lint sees to it. The globals are not always Node's: jsdom's and Electron's timers are numbers,
 * without `unref`, and test tools put timers in their place that fire when a test says so. A pool that waits on those would wait without end, or
 * fail. Test tools change Node's modules as well, but not the names that modules have imported from
 * them (only `syncBuiltinESMExports` does), and not what was taken before. For a pool under a fake clock there is the
 * engine's `Clock`.
 */

export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate } = timers;

/** Not in any of Node's modules. */
export const { queueMicrotask } = globalThis;

/** Behind what a test may have put on the object before. */
const prototype = Object.getPrototypeOf(clock) as { readonly now?: () => number };
const now = prototype.now?.bind(clock) ?? clock.now.bind(clock);

/** The monotonic clock: `now()` in milliseconds since the start of the process. */
export const performance: { readonly now: () => number } = { now };
