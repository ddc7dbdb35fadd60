/** A drain or a close that is under way: its deadline and its report. */

import { type Borrowed, type Clock, LONGEST_TIMER_MS, type Timer } from '../contract/index.js';

/** How a pool is drained. */
export interface DrainOptions {
  /** How long borrowers and waiters have, in milliseconds; 0 = none. Default: 30 000. */
  readonly timeout?: number;
  /** Whether waiters are still served, or refused with `POOL_DRAINING`. Default: 'serve'. */
  readonly queue?: 'serve' | 'refuse';
}

/** What a drain did. */
export interface DrainReport {
  /** Every borrower finished and every waiter was served or refused before the deadline, and before any `close()`. */
  readonly complete: boolean;
  readonly durationMs: number;
  /** The borrowers that still held a resource then; their resources were closed. */
  readonly cutOff: readonly Borrowed[];
  /** How many were still waiting then; they were refused. */
  readonly refused: number;
}

/** A drain or a close that is under way: its deadline and its report. */
export class Shutdown {
  readonly report: Promise<DrainReport>;
  readonly #startedAt: number;
  #resolve: (report: DrainReport) => void = () => undefined;
  #timer: Timer | undefined = undefined;
  #cutOff: readonly Borrowed[] = [];
  #refused = 0;
  #overdue = false;

  constructor(now: number) {
    this.#startedAt = now;
    this.report = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  setDeadline(clock: Clock, timeoutMs: number, onDeadline: () => void): void {
    if (timeoutMs > LONGEST_TIMER_MS) return;
    this.#timer = clock.setTimer(onDeadline, timeoutMs);
  }

  /** The deadline has passed, or a close() has come, with these still out. Only the first time counts. */
  cutOff(borrowed: readonly Borrowed[], refused: number): void {
    if (this.#overdue) return;
    this.#overdue = true;
    this.#cutOff = borrowed;
    this.#refused = refused;
  }

  finish(now: number): void {
    this.#timer?.cancel();
    this.#resolve(
      Object.freeze({ complete: !this.#overdue, durationMs: now - this.#startedAt, cutOff: this.#cutOff, refused: this.#refused }),
    );
  }
}
