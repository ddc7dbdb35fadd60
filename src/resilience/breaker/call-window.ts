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
  /** By bucket; each made for the first call that counts there. Most windows see no failure, and many pools have few calls. */
  #calls: number[] | undefined = undefined;
  #failures: number[] | undefined = undefined;
  #slow: number[] | undefined = undefined;
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
    count((this.#calls ??= zeros()), current);
    if (failed) {
      this.failures += 1;
      count((this.#failures ??= zeros()), current);
    }
    if (slow) {
      this.slow += 1;
      count((this.#slow ??= zeros()), current);
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
    this.#failures?.fill(0);
  }

  clear(): void {
    this.calls = 0;
    this.failures = 0;
    this.slow = 0;
    for (const counts of [this.#calls, this.#failures, this.#slow]) counts?.fill(0);
  }

  /** The oldest bucket becomes the current one. */
  #dropOldest(): void {
    const oldest = (this.#current + 1) % BUCKETS;
    this.calls -= takeOut(this.#calls, oldest);
    this.failures -= takeOut(this.#failures, oldest);
    this.slow -= takeOut(this.#slow, oldest);
    this.#current = oldest;
  }
}

function zeros(): number[] {
  return Array.from({ length: BUCKETS }, () => 0);
}

function count(counts: number[], bucket: number): void {
  counts[bucket] = (counts[bucket] as number) + 1;
}

function takeOut(counts: number[] | undefined, bucket: number): number {
  if (counts === undefined) return 0;
  const taken = counts[bucket] as number;
  counts[bucket] = 0;
  return taken;
}
