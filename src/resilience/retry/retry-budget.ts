/** The budget of retries: this many per call at most, over all callers that share it. */

import { type Clock, systemClock } from '../../engine/contract/index.js';
import { CallWindow } from '../breaker/index.js';

/** How many retries there may be in proportion to calls. */
export interface RetryBudgetOptions {
  /** Retries allowed in the window, in percent of the calls in it. Default: 10. */
  readonly percent?: number;
  /** Retries that are always allowed in the window, so that quiet services may retry too. Default: 10. */
  readonly minimum?: number;
  /** In milliseconds. Default: 10 000. */
  readonly window?: number;
  readonly clock?: Clock;
}

/** Bounds retries to a share of the calls: when everything fails, retries must not multiply the load. Several callers may share one. */
export class RetryBudget {
  readonly #percent: number;
  readonly #minimum: number;
  readonly #clock: Clock;
  readonly #calls: CallWindow;
  readonly #retries: CallWindow;
  readonly #recentCalls: () => number;

  /** @param recentCalls how many calls there were in the window, where another part of the program counts them; default: those noted by {@link called} */
  constructor({ percent = 10, minimum = 10, window = 10_000, clock = systemClock }: RetryBudgetOptions = {}, recentCalls?: () => number) {
    this.#percent = percent;
    this.#minimum = minimum;
    this.#clock = clock;
    this.#calls = new CallWindow(window);
    this.#retries = new CallWindow(window);
    this.#recentCalls =
      recentCalls ??
      (() => {
        this.#calls.advance(this.#clock.now());
        return this.#calls.calls;
      });
  }

  /** A call was made for the first time. */
  called(): void {
    this.#calls.note(false, false, this.#clock.now());
  }

  /** Takes one retry out of the budget; false when there is none left. */
  take(): boolean {
    const now = this.#clock.now();
    this.#retries.advance(now);
    if (this.#retries.calls >= Math.max(this.#minimum, (this.#recentCalls() * this.#percent) / 100)) return false;
    this.#retries.note(false, false, now);
    return true;
  }
}
