/** When a member asks its ledger: each third of a lease, and sooner when there is a reason. */

import type { RandomSource } from '../../engine/contract/index.js';

/** Why it may be asked sooner. */
export interface Reasons {
  /** Callers wait at the ceiling. */
  readonly isHungry: boolean;
  /** What was asked back is closed. */
  readonly hasClosed: boolean;
}

/** Never more often than this part of a lease, except for what others wait for. */
const SOONEST = 1 / 20;
/** What is asked for again and again without a gain is asked for less often, up to these parts of a lease. */
const RAREST_WHILE_DUE = 1 / 10;
const REGULAR = 1 / 3;
/** After failures the pauses grow up to this part. */
const RAREST_RETRY = 1 / 6;

/** The times of one member's requests, with jitter: members that started together do not ask together. */
export class Renewals {
  #sentAt = Number.NEGATIVE_INFINITY;
  #nextAt = Number.NEGATIVE_INFINITY;
  #hungryPauseMs: number;
  #retryPauseMs: number;
  #isSoon = false;

  constructor(
    private readonly leaseMs: number,
    private readonly random: RandomSource,
  ) {
    this.#hungryPauseMs = leaseMs * SOONEST;
    this.#retryPauseMs = leaseMs * SOONEST;
  }

  /** Until the next look at the pool. */
  lookPauseMs(): number {
    return this.#jittered(this.leaseMs * SOONEST);
  }

  isDue(now: number, { isHungry, hasClosed }: Reasons): boolean {
    if (now >= this.#nextAt || hasClosed) return true;
    if (now - this.#sentAt < this.leaseMs * SOONEST) return false;
    return this.#isSoon || (isHungry && now - this.#sentAt >= this.#hungryPauseMs);
  }

  /** There is something to report. */
  soon(): void {
    this.#isSoon = true;
  }

  sent(now: number): void {
    this.#sentAt = now;
    this.#isSoon = false;
    this.#nextAt = now + this.#jittered(this.leaseMs * REGULAR);
  }

  answered({ isSoon, isDue, hasGained }: { readonly isSoon: boolean; readonly isDue: boolean; readonly hasGained: boolean }): void {
    this.#isSoon ||= isSoon;
    this.#retryPauseMs = this.leaseMs * SOONEST;
    const rarest = this.leaseMs * (isDue ? RAREST_WHILE_DUE : REGULAR);
    this.#hungryPauseMs = hasGained ? this.leaseMs * SOONEST : Math.min(this.#hungryPauseMs * 2, rarest);
  }

  failed(now: number): void {
    this.#nextAt = Math.min(this.#nextAt, now + this.#jittered(this.#retryPauseMs));
    this.#retryPauseMs = Math.min(this.#retryPauseMs * 2, this.leaseMs * RAREST_RETRY);
  }

  #jittered(milliseconds: number): number {
    return milliseconds * (0.8 + this.random() * 0.4);
  }
}
