/** When a queue is overload and no burst, and how many may wait then. */

/** Of the target: how long waiters that are let in should wait on average, so that nearly all of them stay below it. */
const AIM = 0.5;

/** The weight of the newest interval in the rate at which waiters are served. */
const NEWEST_WEIGHT = 0.5;

/**
 * Decides when a queue is not a burst that passes but more load than can be served, and how many may wait then. After CoDel (RFC 8289): what counts is
 * that for an interval there was always a waiter that had waited too long, because a burst is over when there is one; what differs is that
 * the newest are refused and not the oldest, and as many at once as it takes.
 */
export class LoadShedder {
  /** The last moment at which no waiter had been waiting longer than the target. */
  #fineAt = 0;
  #shedAt = Number.NEGATIVE_INFINITY;
  #intervalBegan = 0;
  #servedInInterval = 0;
  #servedPerMs: number | undefined = undefined;

  /**
   * @param targetMs how long one may wait
   * @param intervalMs for how long a waiter must have been waiting longer
   */
  constructor(
    private readonly targetMs: number,
    private readonly intervalMs: number,
  ) {}

  /** A waiter comes to an empty queue. */
  noteEmptyQueue(now: number): void {
    this.#noteShortWait(now);
    // There may have been no waiter to serve for a long time.
    if (this.#servedInInterval === 0) this.#intervalBegan = now;
  }

  /** A waiter was served. Of those that still wait, the oldest has been waiting for so long. */
  noteServed(longestWaitMs: number, now: number): void {
    if (longestWaitMs < this.targetMs) this.#noteShortWait(now);
    this.#servedInInterval += 1;
    this.#measureRate(now);
  }

  /** A waiter was refused so that others need not wait too long. */
  noteShed(now: number): void {
    this.#shedAt = now;
  }

  /** How many may wait now; `Infinity` as long as all is well. */
  room(now: number): number {
    if (now - this.#fineAt < this.targetMs + this.intervalMs) return Number.POSITIVE_INFINITY;
    this.#measureRate(now);
    return Math.max(Math.floor((this.#servedPerMs ?? 0) * this.targetMs * AIM), 1);
  }

  /** While others are refused, short waits are no sign that all could be served. */
  #noteShortWait(now: number): void {
    if (now - this.#shedAt >= this.intervalMs) this.#fineAt = now;
  }

  #measureRate(now: number): void {
    const elapsedMs = now - this.#intervalBegan;
    if (elapsedMs < this.intervalMs) return;
    const rate = this.#servedInInterval / elapsedMs;
    this.#servedPerMs = this.#servedPerMs === undefined ? rate : this.#servedPerMs + (rate - this.#servedPerMs) * NEWEST_WEIGHT;
    this.#intervalBegan = now;
    this.#servedInInterval = 0;
  }
}
