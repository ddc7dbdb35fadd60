/** How long a breaker stays open: each time in a row longer, with jitter. */

import type { RandomSource } from '../../engine/contract/index.js';
import type { ResolvedBreakerOptions } from './breaker-options.js';

/** Decorrelated jitter: a random time between the shortest and three times the last one (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015). */
export class OpenTime {
  #lastMs: number;

  constructor(
    private readonly options: ResolvedBreakerOptions,
    private readonly random: RandomSource,
  ) {
    this.#lastMs = options.shortestOpen;
  }

  /** Milliseconds. */
  next(): number {
    const { shortestOpen, longestOpen } = this.options;
    this.#lastMs = Math.min(shortestOpen + this.random() * (this.#lastMs * 3 - shortestOpen), longestOpen);
    return this.#lastMs;
  }

  /** The breaker is closed again: the next time is a short one. */
  reset(): void {
    this.#lastMs = this.options.shortestOpen;
  }
}
