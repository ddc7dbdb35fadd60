/** What is usual at a size, so that another workload shows. */

import type { Measurement, UseWindow } from './window.js';

/**
 * A workload may be another one when the rate has changed by this fraction, and by this many times what its windows usually differ; then the next
 * sizes are tried. It is another one when the rate has changed by the larger fraction: then all sizes are.
 */
const CHANGED = 0.1;
export const CHANGED_MUCH = 0.25;
const CHANGED_DEVIATIONS = 3;
/** It is asked of each window whether the mean has drifted, so chance must be ruled out more strictly. */
const DRIFTED_DEVIATIONS = 5;

/** The weight of the newest window. */
const NEWEST = 1 / 8;

/** This many windows say what the rate was when the size was found. */
const WINDOWS_OF_A_BEGINNING = 20;

/** What is usual at a size: the rate, how it differs from window to window, and what a use takes. */
export class Usual {
  #windows = 0;
  #rate = 0;
  #variance = 0;
  #useMs = 0;
  /** The mean of the first windows, and the sum of the squares of how they differ from it. */
  #beginning = 0;
  #squares = 0;
  #windowsOfBeginning = 0;

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
    if (this.#windowsOfBeginning < WINDOWS_OF_A_BEGINNING) {
      this.#windowsOfBeginning += 1;
      const before = this.#beginning;
      this.#beginning += (rate - before) / this.#windowsOfBeginning;
      this.#squares += (rate - before) * (rate - this.#beginning);
    }
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

  /** Whether the rate is another one than in the beginning, though no window differed much from those before it. */
  get hasDrifted(): boolean {
    if (this.#windowsOfBeginning < WINDOWS_OF_A_BEGINNING) return false;
    // An exponential average is as good as the mean of 2 / weight − 1 windows.
    const variance = this.#squares / (WINDOWS_OF_A_BEGINNING - 1);
    const error = Math.sqrt(variance * (1 / WINDOWS_OF_A_BEGINNING + 1 / (2 / NEWEST - 1)));
    return Math.abs(this.#rate - this.#beginning) > Math.max(CHANGED * this.#beginning, DRIFTED_DEVIATIONS * error);
  }

  /** What is usual now is the beginning. */
  settle(): void {
    this.#windowsOfBeginning = 0;
    this.#squares = 0;
  }

  isUnlike(rate: number): boolean {
    if (this.#windows === 0) return false;
    // A few windows say little of how they differ.
    const least = this.#windows < 4 ? CHANGED_MUCH : CHANGED;
    return Math.abs(rate - this.#rate) > Math.max(least * this.#rate, CHANGED_DEVIATIONS * Math.sqrt(this.#variance));
  }
}
