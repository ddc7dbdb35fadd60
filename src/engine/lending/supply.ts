/** Where entries come from: openings for waiters and for the reserve, checks of idle entries before they are lent, retries after failures. */

import type { Entry, EntrySet } from '../entries/index.js';
import {
  answerOf,
  type Clock,
  type PoolState,
  type RandomSource,
  type ResolvedPoolOptions,
  type ResourceFactory,
  type Timer,
} from '../contract/index.js';
import { inRootContext } from '../waiting/index.js';
import type { Queue } from '../queue/index.js';
import type { Statistics } from '../statistics/index.js';
import type { OpeningPolicy } from './opening-policy.js';
import type { OpenFailure } from './reporter.js';

/** `maxLifetime` and `maxUses` are shortened by up to this fraction, so that connections opened together do not end together (HikariCP: up to 25 %). */
const LIFETIME_JITTER = 0.1;

/** An entry that fails within this time of its opening, before it was lent, is no better than one that was not opened. */
const FLAPPING_MS = 1_000;

/** How callers take failed openings; see `PoolEnvironment`. */
export type Patience = 'refused' | 'patient' | 'impatient';

/** What the supply reads of its pool. */
export interface SuppliedPool<R> {
  readonly entries: EntrySet<R>;
  readonly queue: Queue<R>;
  readonly statistics: Statistics;
  readonly options: ResolvedPoolOptions;
  /** The most entries now. */
  readonly limit: number;
  /** The most entries after an opening now: at most the limit. */
  readonly openingLimit: number;
  readonly state: PoolState;
  /** Nothing is opened for now. */
  readonly paused: boolean;
  readonly generation: number;
}

/** Opens entries and checks idle ones, as many as the waiters and `minIdle` need. Which waiter gets which entry, the lender decides. */
export class Supply<R> {
  /** Callers of `ready()`: at least one entry is wanted for them, even where `minIdle` is 0. */
  readinessAwaited = 0;
  #lastFailure: OpenFailure | undefined = undefined;
  /** Entries that were last known to work before this moment are validated before they are lent. */
  #suspectSince = Number.NEGATIVE_INFINITY;
  #retryTimer: Timer | undefined = undefined;

  /**
   * @param onRetry the time for the next attempt has come: look again at what is needed
   * @param impatient callers do not wait for the next attempt
   */
  constructor(
    private readonly pool: SuppliedPool<R>,
    private readonly factory: ResourceFactory<R>,
    private readonly policy: OpeningPolicy,
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly onRetry: (now: number) => void,
    private readonly impatient: boolean,
  ) {}

  /** The last failed opening, if none has succeeded since. */
  get lastFailure(): OpenFailure | undefined {
    return this.#lastFailure;
  }

  /** No entry is there or on its way. */
  get isExhausted(): boolean {
    return this.pool.entries.usable === 0 && this.pool.entries.opening === 0;
  }

  /** The failure that a caller is refused with now: nothing is tried before the next attempt is due, and it would fail again, or is not worth a wait. */
  refusingFailureAt(now: number): OpenFailure | undefined {
    const failure = this.#lastFailure;
    if (failure === undefined || (!failure.permanent && (failure.misplaced || !this.impatient))) return undefined;
    return now < this.policy.retryAt && this.isExhausted ? failure : undefined;
  }

  /** Whether an entry may be lent without a check. Precondition: it is idle. */
  isLendable(entry: Entry<R>, now: number): boolean {
    const { provenAt } = entry;
    return provenAt >= this.#suspectSince && now - provenAt <= this.pool.options.validateAfterIdle && now < entry.retireAt;
  }

  /**
   * Validates idle entries and opens new ones for the waiters for whom nothing is under way. Precondition: the newest idle entry, if there is
   * one, may not be lent as it is.
   *
   * @returns whether the newest idle entry had to be closed: the next one may be lendable
   */
  supplyWaiters(queuedMs: number, now: number): boolean {
    const { entries, queue } = this.pool;
    let unserved = queue.servable - entries.checking - entries.opening;
    for (let entry = entries.idle.newest && this.#idleEntry(); unserved > 0 && entry !== undefined; entry = this.#idleEntry()) {
      if (now >= entry.retireAt) {
        entries.closeEntry(entry, 'lifetime', false, now);
        return true;
      }
      entries.validateEntry(entry, now);
      unserved -= 1;
    }
    if (unserved <= 0) return false;
    const room = this.pool.openingLimit - entries.size;
    if (room <= 0) return false;
    const { opening } = entries;
    this.#openEntries(
      this.policy.openingsForWaiters({ unserved, queuedMs, opening, busy: entries.used + entries.checking + entries.preparing, room }, now),
      now,
    );
    return false;
  }

  /** The idle entry that serves the first waiter best, if one may be lent without a check. Precondition: a waiter is there. */
  lendableForFirst(now: number): Entry<R> | undefined {
    const { entries, queue } = this.pool;
    const { newest } = entries.idle;
    if (newest === undefined) return undefined;
    const mark = queue.first?.mark;
    if (mark !== newest.mark && mark?.key !== newest.mark?.key) return entries.idle.bestFor(mark, (entry) => this.isLendable(entry, now));
    return this.isLendable(newest, now) ? newest : undefined;
  }

  /** Opens ahead what `minIdle` and the callers of `ready()` ask for. Waiters come first: what is opened for them is not idle. */
  refillReserve(now: number): void {
    const { state, paused, queue, options, entries } = this.pool;
    if (state !== 'running' || paused || queue.size > 0) return;
    const { opening, checking, idle, usable, size } = entries;
    const wantedIdle = options.minIdle - idle.size - checking - opening;
    const wantedOpen = this.readinessAwaited > 0 && usable + opening === 0 ? 1 : 0;
    const missing = Math.max(wantedIdle, wantedOpen);
    if (missing <= 0) return;
    const room = this.pool.openingLimit - size;
    this.#openEntries(this.policy.openingsForReserve(missing, opening, room, now), now);
  }

  /** An entry was opened: its life begins. */
  noteOpening(entry: Entry<R>, openMs: number, now: number): void {
    const { options, statistics } = this.pool;
    const { maxLifetime, maxUses } = options;
    if (maxLifetime > 0) entry.retireAt = now + maxLifetime * (1 - this.random() * LIFETIME_JITTER);
    if (maxUses > 0) entry.lastUse = Math.ceil(maxUses * (1 - this.random() * LIFETIME_JITTER));
    statistics.opened += 1;
    statistics.connect.record(openMs);
    this.policy.noteOpening(openMs);
    this.#lastFailure = undefined;
  }

  /**
   * An opening has failed with an error of this code.
   *
   * @returns milliseconds until the next attempt
   */
  noteOpenFailure(error: unknown, code: string, now: number): number {
    const { statistics } = this.pool;
    const permanent = answerOf(() => this.factory.isPermanent?.(error), false);
    statistics.connectErrors += 1;
    statistics.connectErrorsByCode.add(code);
    this.policy.noteFailure(now, permanent);
    this.#lastFailure = { error, at: now, permanent, misplaced: false };
    return this.policy.retryAt - now;
  }

  /** An entry was opened in vain: it is not what the pool is for, and is closed already. */
  noteMisplaced(error: unknown, openMs: number, now: number): void {
    const { statistics } = this.pool;
    statistics.opened += 1;
    statistics.connect.record(openMs);
    statistics.closed += 1;
    statistics.closedByReason.role += 1;
    this.policy.noteFailure(now, false);
    this.#lastFailure = { error, at: now, permanent: false, misplaced: true };
  }

  /** An open entry has failed by itself: where one connection broke, the others may be broken too. */
  noteEntryFailure(entry: Entry<R>, now: number): void {
    this.noteUseless(entry, now);
    this.#suspectSince = now;
  }

  /** An open entry could not be used. A server that accepts and drops at once must not be asked without end. */
  noteUseless(entry: Entry<R>, now: number): void {
    if (entry.leasedAt === 0 && now - entry.provenAt < FLAPPING_MS) this.policy.noteFailure(now, false);
  }

  /** What failed says nothing about the place to which the next opening leads. */
  forgetFailures(): void {
    this.cancelRetry();
    this.policy.forgetFailures();
    this.#lastFailure = undefined;
  }

  /** No background work any more. */
  cancelRetry(): void {
    this.#retryTimer?.cancel();
    this.#retryTimer = undefined;
  }

  #idleEntry(): Entry<R> | undefined {
    const { entries, queue } = this.pool;
    const { newest } = entries.idle;
    if (newest === undefined) return undefined;
    const mark = queue.first?.mark;
    return mark === newest.mark || mark?.key === newest.mark?.key ? newest : entries.idle.bestFor(mark, () => true);
  }

  /** Opens `count` entries. After a failed opening, the policy says when to try again, and a timer does it. */
  #openEntries(count: number, now: number): void {
    const { entries } = this.pool;
    // The room is looked at each time: a factory that calls the pool may have made it open others meanwhile.
    for (let i = 0; i < count && entries.size < this.pool.openingLimit; i += 1) entries.openEntry(this.pool.generation, now);
    if (!this.policy.failing || entries.opening > 0 || this.#retryTimer !== undefined) return;
    // Without room there is nothing to try; when there is room again, the pool looks again.
    if (entries.size >= this.pool.openingLimit) return;
    const retry = (): void => {
      this.#retryTimer = undefined;
      this.onRetry(this.clock.now());
    };
    this.#retryTimer = inRootContext(() => this.clock.setTimer(retry, Math.max(this.policy.retryAt - now, 0)));
    // A waiter keeps the process alive by its own deadline.
    this.#retryTimer.unref();
  }
}
