/** Counts of the calls within a sliding window of time. */

/** The window moves in steps of a tenth of it. */
const BUCKETS = 10;

/** Counts calls of the last while: a ring of buckets with running totals. Noting one allocates nothing. */
export class CallWindow {
  /** Calls in the window, with those that failed. */
  calls = 0;
  failures = 0;
  slow = 0;
  readonly #bucketMs: number;
  readonly #windowMs: number;
  readonly #calls = new Float64Array(BUCKETS);
  readonly #failures = new Float64Array(BUCKETS);
  readonly #slow = new Float64Array(BUCKETS);
  #current = 0;
  #currentEnds = Number.NEGATIVE_INFINITY;

  /** @param windowMs how far it looks back, to within a tenth */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
    this.#bucketMs = windowMs / BUCKETS;
  }

  note(failed: boolean, slow: boolean, now: number): void {
    if (now >= this.#currentEnds || now < this.#currentEnds - this.#windowMs) this.advance(now);
    const current = this.#current;
    this.calls += 1;
    this.#calls[current] = (this.#calls[current] as number) + 1;
    if (failed) {
      this.failures += 1;
      this.#failures[current] = (this.#failures[current] as number) + 1;
    }
    if (slow) {
      this.slow += 1;
      this.#slow[current] = (this.#slow[current] as number) + 1;
    }
  }

  /** Forgets what is too old by now. */
  advance(now: number): void {
    // A caller may have read the clock a little earlier than another; farther back than a window, the clock itself was stepped.
    if (now < this.#currentEnds && now >= this.#currentEnds - this.#windowMs) return;
    const steps = Math.floor((now - this.#currentEnds) / this.#bucketMs) + 1;
    if (!(steps > 0 && steps < BUCKETS)) {
      this.clear();
      this.#currentEnds = now + this.#bucketMs;
      return;
    }
    for (let step = 0; step < steps; step += 1) this.#dropOldest();
    this.#currentEnds += steps * this.#bucketMs;
  }

  /** No call in it counts as failed any more. */
  acquit(): void {
    this.failures = 0;
    this.#failures.fill(0);
  }

  clear(): void {
    this.calls = 0;
    this.failures = 0;
    this.slow = 0;
    for (const counts of [this.#calls, this.#failures, this.#slow]) counts.fill(0);
  }

  /** The oldest bucket becomes the current one. */
  #dropOldest(): void {
    const oldest = (this.#current + 1) % BUCKETS;
    this.calls -= this.#calls[oldest] as number;
    this.failures -= this.#failures[oldest] as number;
    this.slow -= this.#slow[oldest] as number;
    this.#calls[oldest] = 0;
    this.#failures[oldest] = 0;
    this.#slow[oldest] = 0;
    this.#current = oldest;
  }
}
