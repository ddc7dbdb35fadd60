/** What is usual at a size, so that another workload shows. */

import type { Measurement, UseWindow } from './window.js';

/**
 * A workload may be another one when the rate has changed by this fraction, and by so many times what its windows usually differ; then the next
 * sizes are tried. It is another one when the rate has changed by the larger fraction: then all sizes are.
 */
const CHANGED = 0.1;
export const CHANGED_MUCH = 0.25;
const CHANGED_DEVIATIONS = 3;

/** The weight of the newest window. */
const NEWEST = 1 / 8;

/** What is usual at a size: the rate, how it differs from window to window, and what a use takes. */
export class Usual {
  #windows = 0;
  #rate = 0;
  #variance = 0;
  #useMs = 0;

  get rate(): number {
    return this.#rate;
  }

  get useMs(): number {
    return this.#useMs;
  }

  note(rate: number, { usedMs, completed }: UseWindow): void {
    this.#windows += 1;
    const weight = Math.max(1 / this.#windows, NEWEST);
    const difference = rate - this.#rate;
    this.#rate += difference * weight;
    this.#variance = (1 - weight) * (this.#variance + weight * difference ** 2);
    if (completed > 0) this.#useMs += (usedMs / completed - this.#useMs) * weight;
  }

  /** What was measured, as windows that were noted. */
  static of(measured: Measurement): Usual {
    const usual = new Usual();
    usual.#windows = measured.windows;
    usual.#rate = measured.rate;
    usual.#variance = measured.rateError ** 2 * measured.windows;
    usual.#useMs = measured.useMs;
    return usual;
  }

  isUnlike(rate: number): boolean {
    if (this.#windows === 0) return false;
    // A few windows say little of how they differ.
    const least = this.#windows < 4 ? CHANGED_MUCH : CHANGED;
    return Math.abs(rate - this.#rate) > Math.max(least * this.#rate, CHANGED_DEVIATIONS * Math.sqrt(this.#variance));
  }
}
