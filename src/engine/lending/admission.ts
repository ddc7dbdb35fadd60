/** Which acquires may wait: the checks of a new one, and the choice of whom to refuse when more wait than may. */

import type { EntrySet } from '../entries/index.js';
import { invalid, PoolError, type PoolState, type ResolvedPoolOptions } from '../contract/index.js';
import { LoadShedder, PRIORITIES, type Priority, type Queue, type Waiter } from '../queue/index.js';
import type { Statistics } from '../statistics/index.js';
import { invalidMilliseconds, invalidSignal } from '../waiting/index.js';
import { closedError, connectFailedError, drainingError, nothingFreeError, overloadedError, queueFullError } from './acquire-errors.js';
import type { LendingHold } from './hold.js';
import type { Reporter } from './reporter.js';
import type { Supply } from './supply.js';

/** What the admission reads of its pool. */
export interface AdmittingPool<R> {
  readonly entries: EntrySet<R>;
  readonly queue: Queue<R>;
  readonly statistics: Statistics;
  readonly reporter: Reporter<R>;
  readonly supply: Supply<R>;
  readonly options: ResolvedPoolOptions;
  /** The most entries now. */
  readonly limit: number;
  readonly state: PoolState;
  readonly paused: boolean;
  readonly hold: LendingHold | undefined;
}

/** Decides which acquires are taken into the queue, and which of those that wait are refused so that the others need not wait too long. */
export class Admission<R> {
  /** Whether waiters that were taken into the queue may be refused later for the sake of others. */
  readonly mayRefuseWaiters: boolean;
  readonly #shedder: LoadShedder | undefined;

  /** @param isFair whether the queue knows priorities and keys */
  constructor(
    private readonly pool: AdmittingPool<R>,
    private readonly isFair: boolean,
  ) {
    const { waitTarget, waitInterval } = pool.options;
    this.#shedder = waitTarget > 0 ? new LoadShedder(waitTarget, waitInterval) : undefined;
    this.mayRefuseWaiters = isFair || this.#shedder !== undefined;
  }

  /** Why an acquire cannot be taken now, if it cannot. */
  refusalOf(
    timeout: number,
    signal: AbortSignal | undefined,
    priority: Priority | undefined,
    fairnessKey: string | undefined,
    now: number,
  ): PoolError | undefined {
    return (
      invalidMilliseconds('timeout', timeout) ?? invalidSignal(signal) ?? this.#invalidPlace(priority, fairnessKey) ?? this.#refusal(now)
    );
  }

  /** A waiter comes to an empty queue. */
  noteEmptyQueue(now: number): void {
    this.pool.supply.noteEmptyQueue();
    this.#shedder?.noteEmptyQueue(now);
  }

  /** A waiter was served; it is in the queue no longer. */
  noteServed(now: number): void {
    this.#shedder?.noteServed(now - (this.pool.queue.oldest?.enqueuedAt ?? now), now);
  }

  /** More wait than may: refuses the least urgent, and of them the newest. */
  refuseExcessWaiters(now: number, refuse: (waiter: Waiter<R>, error: PoolError) => void): void {
    const { queue, options, reporter, paused, statistics } = this.pool;
    const { queueLimit } = options;
    if (queueLimit > 0 && this.#waitingForOthers() > queueLimit) {
      refuse(queue.leastUrgent as Waiter<R>, queueFullError(queueLimit, reporter.failureContext(now)));
    }
    const shedder = this.#shedder;
    if (shedder === undefined) return;
    // An operator wants them to wait, or another place to come.
    if (paused) shedder.noteEmptyQueue(now);
    const room = shedder.room(now);
    while (queue.size > room) {
      shedder.noteShed(now);
      statistics.shed += 1;
      refuse(queue.leastUrgent as Waiter<R>, overloadedError(options.waitTarget, reporter.failureContext(now)));
    }
  }

  /** How many wait for an entry that a borrower holds. Waiters that will get an entry that is idle, checked or being opened now do not count. */
  #waitingForOthers(): number {
    const { entries, queue, limit, paused } = this.pool;
    const served = paused ? 0 : Math.max(limit - entries.used - entries.preparing - entries.closing, 0);
    return queue.size - served;
  }

  #invalidPlace(priority: Priority | undefined, fairnessKey: string | undefined): PoolError | undefined {
    if (priority === undefined && fairnessKey === undefined) return undefined;
    if (!this.isFair) {
      const given = priority === undefined ? 'fairnessKey' : 'priority';
      return new PoolError('POOL_OPTION_INVALID', `${given} needs a pool with scheduling: 'fair'.`);
    }
    if (priority !== undefined && !PRIORITIES.includes(priority)) return invalid('priority', priority, `one of ${PRIORITIES.join(', ')}`);
    if (fairnessKey === undefined || (typeof fairnessKey === 'string' && fairnessKey !== '')) return undefined;
    return invalid('fairnessKey', fairnessKey, 'a string that is not empty');
  }

  #refusal(now: number): PoolError | undefined {
    const { state, options, reporter, supply, hold } = this.pool;
    if (state === 'closed') return closedError(reporter.summary(now));
    if (state === 'draining') return drainingError(reporter.summary(now));
    const held = state === 'suspended' ? undefined : hold?.refusal?.(reporter.summary(now));
    if (held !== undefined) return held;
    const { waitForConnections, queueLimit } = options;
    if (!waitForConnections || queueLimit > 0) {
      const waitForOthers = this.#waitingForOthers();
      if (!waitForConnections && waitForOthers >= 0) return nothingFreeError(reporter.failureContext(now));
      // A fair queue takes every waiter, and refuses the one that it can best spare.
      if (queueLimit > 0 && waitForOthers >= queueLimit && !this.isFair) return queueFullError(queueLimit, reporter.failureContext(now));
    }
    const failure = supply.refusingFailureAt(now);
    if (failure === undefined) return undefined;
    supply.noteRefusal(now);
    return connectFailedError(failure.error, reporter.summary(now));
  }
}
