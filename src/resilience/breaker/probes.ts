/** The probes of a half-open breaker: how many may be under way, how many have succeeded, when silent ones are replaced. */

/** Moments that differ by less than this, in milliseconds, are the same: the end of a duration less the duration is not its beginning to the last bit. */
export const TOLERANCE_MS = 0.001;

/** Counts the probes of one half-open time. */
export class Probes {
  /** Under way. */
  #admitted = 0;
  #succeeded = 0;
  /** From this moment on, those that are under way count as lost. */
  #renewAt: number;

  /**
   * @param most how many are let through at once; as many successes are enough
   * @param timeoutMs how long a probe may be silent
   */
  constructor(
    private readonly most: number,
    private readonly timeoutMs: number,
    now: number,
  ) {
    this.#renewAt = now + timeoutMs;
  }

  /** Whether one more call is let through now; it counts as under way then. */
  admit(now: number): boolean {
    // Either the probes have had their time, or the clock was stepped back since they began.
    if (now >= this.#renewAt || now < this.#renewAt - this.timeoutMs - TOLERANCE_MS) {
      this.#admitted = 0;
      this.#renewAt = now + this.timeoutMs;
    }
    if (this.#admitted + this.#succeeded >= this.most) return false;
    this.#admitted += 1;
    return true;
  }

  /** All places are taken by a probe that is made elsewhere. */
  occupy(now: number): void {
    this.#admitted = this.most;
    this.#renewAt = now + this.timeoutMs;
  }

  /** A probe ended without a verdict: another may take its place. */
  noteGivenUp(): void {
    if (this.#admitted > 0) this.#admitted -= 1;
  }

  /** @returns whether enough have succeeded */
  noteSuccess(): boolean {
    this.noteGivenUp();
    this.#succeeded += 1;
    return this.#succeeded >= this.most;
  }

  /** The clock was stepped back by so much. */
  stepBack(stepMs: number): void {
    this.#renewAt -= stepMs;
  }
}
