/** How many resources to open now, and when to try again after a failure. */

import type { RandomSource } from '../contract/index.js';

/**
 * Openings in flight at most, however high the limit: a restart of many pools must not flood the server's accept queue. Each success doubles it,
 * as in the slow start of TCP: the server keeps up. A failure takes it back to the first. The largest is half of the queue that MySQL and MariaDB
 * have for connections by default (`back_log`: 80).
 */
const FIRST_WINDOW = 10;
const LARGEST_WINDOW = 40;

/**
 * After a failure one opening is tried at a time, after a delay with decorrelated jitter: a random time between the smallest
 * delay and three times the last one, up to the largest (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015).
 * The largest is below a second, so that service resumes within a second of the server accepting again.
 */
const SMALLEST_BACKOFF_MS = 50;
const LARGEST_BACKOFF_MS = 750;
/** For failures that will come again, such as a wrong password: rarely enough not to trip account locks. */
const LARGEST_PERMANENT_BACKOFF_MS = 5_000;

const LONGEST_RESERVE_PAUSE_MS = 1_000;

/** The weight of the newest sample in the running averages. */
const NEWEST_WEIGHT = 1 / 8;

/**
 * The weight of the look before the last one. Without it, a burst whose callers come over some time is taken for a lasting load: in simulation
 * (`npm run bench -- growth`), bursts cost 255 % of the best in hindsight, not 193 %. With equal weights, a lasting load is served half a use later.
 */
const EARLIER_LOOK_WEIGHT = 1 / 8;

/** What the policy needs to know of the pool. */
export interface Demand {
  /** Waiters for whom nothing is being opened or checked yet. */
  readonly unserved: number;
  /** For how long the queue has not been empty. */
  readonly queuedMs: number;
  /** Waiters. */
  readonly queued: number;
  /** Waiters that were served since the queue was last empty. */
  readonly served: number;
  /** Openings in flight. */
  readonly opening: number;
  /** Entries that waiters can hope for: used or being checked. */
  readonly busy: number;
  /** How many more entries the limit allows. */
  readonly room: number;
}

/**
 * Decides how many resources to open, and when to try again after a failure.
 *
 * A waiter is served by the entry that comes free first, so opening one for each waiter of a burst is waste: most of
 * those would arrive after the queue is gone. The policy opens only for the waiters that the busy entries are not expected to
 * have served by the time that an opening takes.
 *
 * What they are expected to serve counts the waiters that come meanwhile, too. Each time that all busy entries have ended a use, the policy looks whether
 * the queue is shorter than before. One that is as long as it was is no burst, although its waiters are served: they come back, or
 * others come. After one such look it opens for most of them, and after two for all. The same holds for a queue that has lasted
 * for the time of an opening without a break.
 */
export class OpeningPolicy {
  readonly #random: RandomSource;
  #averageOpenMs: number | undefined = undefined;
  /** NaN: not known yet. A field that holds nothing but numbers is written without an allocation, and each use writes it. */
  #averageUseMs = Number.NaN;
  /** The last moment at which a lease began or ended. */
  #lastTurnover = 0;
  #failing = false;
  #backoffMs = SMALLEST_BACKOFF_MS;
  #retryAt = 0;
  #window = FIRST_WINDOW;
  /** The queue at the last look: its length, and how many it had served. */
  #queuedAtLook = 0;
  #servedAtLook = 0;
  /** By how much of a waiter the queue became shorter with each use, before the last look and before the one before it. 1: not known yet. */
  #shrankBy = 1;
  #shrankByBefore = 1;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** The last opening failed; the next one may start at `retryAt`. */
  get failing(): boolean {
    return this.#failing;
  }

  get retryAt(): number {
    return this.#retryAt;
  }

  /**
   * How long entries that are lent may be missed in the reserve before others are opened in their place: for the time of an opening. The uses that
   * began with a burst are over by then, or others would come too late for it.
   */
  get reservePauseMs(): number {
    return Math.min(this.#averageOpenMs ?? 0, LONGEST_RESERVE_PAUSE_MS);
  }

  noteLease(now: number): void {
    this.#lastTurnover = now;
  }

  noteUse(durationMs: number, now: number): void {
    const average = this.#averageUseMs;
    this.#averageUseMs = Number.isNaN(average) ? durationMs : nextAverage(average, durationMs);
    this.#lastTurnover = now;
  }

  noteOpening(durationMs: number): void {
    const average = this.#averageOpenMs;
    this.#averageOpenMs = average === undefined ? durationMs : nextAverage(average, durationMs);
    this.#failing = false;
    this.#backoffMs = SMALLEST_BACKOFF_MS;
    this.#window = Math.min(this.#window * 2, LARGEST_WINDOW);
  }

  noteFailure(now: number, permanent: boolean): void {
    const largest = permanent ? LARGEST_PERMANENT_BACKOFF_MS : LARGEST_BACKOFF_MS;
    const spread = this.#backoffMs * 3 - SMALLEST_BACKOFF_MS;
    this.#failing = true;
    this.#window = FIRST_WINDOW;
    this.#backoffMs = Math.min(SMALLEST_BACKOFF_MS + this.#random() * spread, largest);
    this.#retryAt = now + this.#backoffMs;
  }

  /** What was away seems to be back. One opening may start now; when it fails, the delay is as long as it would have been. */
  tryAt(now: number): void {
    this.#retryAt = Math.min(this.#retryAt, now);
  }

  /** The next opening leads elsewhere. */
  forgetFailures(): void {
    this.#failing = false;
    this.#backoffMs = SMALLEST_BACKOFF_MS;
  }

  /** How many openings to start now for the waiters. At least one is in flight while a caller waits, unless the policy backs off. */
  openingsForWaiters(demand: Demand, now: number): number {
    const { unserved, opening, room } = demand;
    this.#lookAtQueue(demand);
    if (this.#failing) return this.#oneAttempt(opening, room, now);
    const needed = unserved - this.#expectedFromBusy(demand, now);
    const wanted = opening === 0 ? Math.max(needed, 1) : needed;
    return Math.max(Math.min(Math.ceil(wanted), room, this.#window - opening), 0);
  }

  /** How many openings to start now to keep `missing` more entries ready. */
  openingsForReserve(missing: number, opening: number, room: number, now: number): number {
    if (this.#failing) return missing > 0 ? this.#oneAttempt(opening, room, now) : 0;
    return Math.max(Math.min(missing, room, this.#window - opening), 0);
  }

  /** Once for as many served waiters as there are busy entries. */
  #lookAtQueue({ queued, served, busy }: Demand): void {
    // Before the first is served, the whole burst may not have come yet.
    if (served === 0 || served < this.#servedAtLook) {
      this.#shrankBy = 1;
      this.#shrankByBefore = 1;
    } else {
      const uses = served - this.#servedAtLook;
      if (uses < busy || busy === 0) return;
      this.#shrankByBefore = this.#shrankBy;
      this.#shrankBy = Math.min(Math.max((this.#queuedAtLook - queued) / uses, 0), 1);
    }
    this.#queuedAtLook = queued;
    this.#servedAtLook = served;
  }

  #oneAttempt(opening: number, room: number, now: number): number {
    return opening === 0 && room > 0 && now >= this.#retryAt ? 1 : 0;
  }

  /** How many waiters the busy entries will have served when an opening that starts now is done. */
  #expectedFromBusy({ busy, queuedMs }: Demand, now: number): number {
    if (this.#averageOpenMs === undefined || Number.isNaN(this.#averageUseMs) || busy === 0) return 0;
    // The busy entries have had the time, and callers still wait: served callers come back, or others come.
    if (queuedMs >= this.#averageOpenMs) return 0;
    // If no lease has begun or ended for a while, the policy assumes that current leases are slower than average.
    const expectedUseMs = Math.max(this.#averageUseMs, now - this.#lastTurnover);
    const uses = expectedUseMs === 0 ? Number.POSITIVE_INFINITY : (busy * this.#averageOpenMs) / expectedUseMs;
    const shrinksBy = this.#shrankBy + (this.#shrankByBefore - this.#shrankBy) * EARLIER_LOOK_WEIGHT;
    return shrinksBy === 0 ? 0 : uses * shrinksBy;
  }
}

function nextAverage(average: number, sample: number): number {
  return average + (sample - average) * NEWEST_WEIGHT;
}
