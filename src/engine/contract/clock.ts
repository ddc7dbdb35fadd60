/** Time and chance as the engine sees them: the clock, its timers, the source of random numbers. */

import { setTimeout, clearTimeout, performance } from './node-timers.js';

/** A timer that was set; see {@link Clock.setTimer}. */
export interface Timer {
  cancel(): void;
  /** While referenced (the default), the timer keeps the process alive. */
  ref(): void;
  unref(): void;
}

/** Time as the engine sees it. Tests and the simulation inject their own. */
export interface Clock {
  /** Milliseconds since some fixed moment, with fractions; never steps back. */
  now(): number;
  /** Calls `callback` once, not before `delayMs` milliseconds have passed. */
  setTimer(callback: () => void, delayMs: number): Timer;
}

/** A number in [0, 1), as `Math.random` gives. */
export type RandomSource = () => number;

/** Node's timers take at most a signed 32-bit number of milliseconds; more would fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

class SystemTimer implements Timer {
  readonly #timeout: NodeJS.Timeout;

  constructor(callback: () => void, delayMs: number) {
    this.#timeout = setTimeout(callback, Math.min(delayMs, LONGEST_TIMER_MS));
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  ref(): void {
    this.#timeout.ref();
  }

  unref(): void {
    this.#timeout.unref();
  }
}

/** The process's monotonic clock: the wall clock may be stepped without any effect on the pool. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer: (callback, delayMs) => new SystemTimer(callback, delayMs),
};
