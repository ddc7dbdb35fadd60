/** Time and chance as the engine sees them: the clock, its timers, the source of random numbers. */

import { clearImmediate, clearTimeout, performance, setImmediate, setTimeout } from './node-timers.js';

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
  /**
   * Calls `callback` once, not before `delayMs` milliseconds have passed.
   *
   * @param callback `readUntil`, in milliseconds of {@link now}: what had arrived by then was read. Other code may have run since, so what
   * became due in between may have been answered. Default: now.
   */
  setTimer(callback: (readUntil?: number) => void, delayMs: number): Timer;
}

/** A number in [0, 1), as `Math.random` gives. */
export type RandomSource = () => number;

/** Node's timers take at most a signed 32-bit number of milliseconds; more would fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A timer that is later than this says that the process stood still, and not that another party was silent for so long. */
export const STALL_MS = 50;

/**
 * A timer of Node's that calls back after one look at the sockets. Node runs timers first: when the process stood still, an answer that came in
 * time would be found after its time was up.
 */
class SystemTimer implements Timer {
  readonly #timeout: NodeJS.Timeout;
  #turn: NodeJS.Immediate | undefined = undefined;
  #held = true;

  constructor(callback: (readUntil?: number) => void, delayMs: number) {
    const fire = (): void => {
      this.#turn = setImmediate(callback, performance.now());
      if (!this.#held) this.#turn.unref();
    };
    this.#timeout = setTimeout(fire, Math.min(delayMs, LONGEST_TIMER_MS));
  }

  cancel(): void {
    clearTimeout(this.#timeout);
    if (this.#turn !== undefined) clearImmediate(this.#turn);
  }

  ref(): void {
    this.#held = true;
    this.#timeout.ref();
    this.#turn?.ref();
  }

  unref(): void {
    this.#held = false;
    this.#timeout.unref();
    this.#turn?.unref();
  }
}

/** The process's monotonic clock, whose timers call back when what has arrived was read. The wall clock may be stepped without any effect on the pool. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer: (callback, delayMs) => new SystemTimer(callback, delayMs),
};
