/** A clock that continues while the process stands still or its machine sleeps: by it a process measures its lease. */

import type { Clock } from '../../engine/contract/index.js';

/**
 * The monotonic clock, and what the wall clock has gone ahead of it since the last `rebase()`: a monotonic clock may stop while a machine sleeps. A wall
 * clock that is set forward ends a lease early, until the next renewal; one that is set back changes nothing.
 */
export class ProcessClock {
  #added = 0;
  #skewAtBase: number;
  #mostSkew: number;

  /** @param wall milliseconds of the wall clock */
  constructor(
    private readonly clock: Clock,
    private readonly wall: () => number,
  ) {
    this.#skewAtBase = this.#skew();
    this.#mostSkew = this.#skewAtBase;
  }

  /** Milliseconds since some fixed moment; never steps back. */
  now(): number {
    this.#mostSkew = Math.max(this.#mostSkew, this.#skew());
    return this.clock.now() + this.#added + this.#mostSkew - this.#skewAtBase;
  }

  /** From now on the two clocks are compared again. To be called at each renewal. */
  rebase(): void {
    this.#added = this.now() - this.clock.now();
    this.#skewAtBase = this.#skew();
    this.#mostSkew = this.#skewAtBase;
  }

  #skew(): number {
    return this.wall() - this.clock.now();
  }
}
