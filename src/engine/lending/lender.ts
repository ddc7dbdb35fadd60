/** Who gets an entry: the lender hands free entries to waiters in their order, and takes leases back. */

import {
  callSite,
  type CeilingName,
  type Clock,
  type PoolError,
  type PoolState,
  type PoolSummary,
  type RandomSource,
  type ResolvedPoolOptions,
  type ResourceFactory,
  queueMicrotask,
} from '../contract/index.js';
import { type Entry, EntrySet, type Lease } from '../entries/index.js';
import {
  FairQueue,
  grantLease,
  linkSignal,
  type NextTurn,
  type Queue,
  Refusals,
  refuseWaiter,
  type Waiter,
  type WaiterOwner,
  WaitQueue,
} from '../queue/index.js';
import { Statistics } from '../statistics/index.js';
import { DeadlineQueue, ignore, isAbortSignal, thisContext } from '../waiting/index.js';
import { abortedError, acquireTimeoutError, gaveUpError } from './acquire-errors.js';
import { type AcquireOptions, invalidMark } from './acquire-options.js';
import { Admission } from './admission.js';
import { Ceilings, type OpeningBound } from './ceilings.js';
import { closeIdleEntries, closeReasonOf } from './closing.js';
import { EntryReports, type LenderListener } from './entry-reports.js';
import type { LendingHold } from './hold.js';
import { OpeningPolicy } from './opening-policy.js';
import { isReady, WaiterReadying } from './readying.js';
import { type OpenFailure, Reporter } from './reporter.js';
import { type Patience, Supply } from './supply.js';

/**
 * Decides which waiter gets which entry. The heart of the pool: it has the pool's state and options, and leaves the reasons for changing them
 * to the pool. Where entries come from is the business of its {@link Supply}, and which acquires may wait of its {@link Admission}.
 */
export class Lender<R> {
  readonly entries: EntrySet<R>;
  readonly queue: Queue<R>;
  readonly statistics = new Statistics();
  readonly reporter: Reporter<R>;
  readonly supply: Supply<R>;
  readonly ceilings = new Ceilings();
  /** The limit in force: the least of `connectionLimit` and of the ceilings. A plain field: it is on the hot path. */
  limit: number;
  state: PoolState = 'running';
  /** Entries of an older generation are closed when they are given back. */
  generation = 0;
  /** Entries of a generation before this one are not lent, however many wait. */
  oldestLendable = 0;
  /** Nothing is opened or lent while it is there. */
  hold: LendingHold | undefined = undefined;
  readonly #waiterOwner: WaiterOwner<R>;
  /** The queue, when it is not the plain one. */
  readonly fair: FairQueue<R> | undefined;
  readonly #admission: Admission<R>;
  readonly refusals: Refusals<R>;
  readonly deadlines: DeadlineQueue;
  readonly #policy: OpeningPolicy;
  readonly #preparesEach: boolean;
  /** When the queue was last empty, while it is not. */
  #queuedSince = 0;
  /** The queue is being served: what changes meanwhile is seen by the loop that runs, not by a nested one. */
  #serving = false;
  #serveAgain = false;

  constructor(
    private readonly factory: ResourceFactory<R>,
    public options: ResolvedPoolOptions,
    private readonly clock: Clock,
    random: RandomSource,
    private readonly listener: LenderListener,
    patience: Patience = 'refused',
    nextTurn?: NextTurn,
  ) {
    const { scheduling, fairnessLimit, connectionLimit } = options;
    this.limit = connectionLimit;
    this.#preparesEach = factory.preparesEach === true;
    this.refusals = new Refusals(nextTurn);
    this.fair = scheduling === 'fair' ? new FairQueue(fairnessLimit) : undefined;
    this.queue = this.fair ?? new WaitQueue();
    this.#policy = new OpeningPolicy(random);
    this.deadlines = new DeadlineQueue(clock, { holdsProcess: true });
    this.#waiterOwner = { timedOut: (waiter, now) => this.#timeOutWaiter(waiter, now) };
    this.reporter = new Reporter(this, factory);
    this.entries = new EntrySet(factory, clock, options, new EntryReports(this, listener, patience), {
      releaseLease: (lease) => this.#releaseLease(lease),
      destroyLease: (lease) => this.#destroyLease(lease),
    });
    this.supply = new Supply(this, factory, this.#policy, clock, random, (now) => this.serveAndRefill(now), patience === 'impatient');
    this.#admission = new Admission(this, this.fair !== undefined);
  }

  /** The last failed opening, if none has succeeded since. */
  get lastOpenFailure(): OpenFailure | undefined {
    return this.supply.lastFailure;
  }

  /** Nothing is opened or lent for now, and callers wait. */
  get paused(): boolean {
    return this.state === 'suspended' || this.hold !== undefined;
  }

  /** Lends the newest idle entry, if it may be lent as it is and no waiter is before this caller. */
  tryAcquireIdleEntry(): Lease<R> | undefined {
    const entry = this.entries.idle.newest;
    if (entry === undefined || !entry.plain || this.queue.size > 0 || this.state !== 'running' || this.hold !== undefined) return undefined;
    const now = this.clock.now();
    if (!this.supply.isLendable(entry, now)) return undefined;
    this.statistics.acquires += 1;
    return this.#lendEntry(entry, now, 0);
  }

  /** Takes a waiter into the queue, or refuses it, as a rule in the next turn of the event loop. It may be served before this returns. */
  enqueueWaiter(waiter: Waiter<R>, options: AcquireOptions): void {
    // Read once, before anything is counted: a caller's getter may throw, and may answer differently the next time.
    const { timeout = this.options.acquireTimeout, signal, priority, fairnessKey, mark } = options;
    const aborted = signal !== undefined && isAbortSignal(signal) && signal.aborted;
    if (waiter.owner !== undefined) throw new Error('This waiter is already waiting.');
    const now = this.clock.now();
    const refusal = aborted
      ? abortedError(signal.reason, this.reporter.summary(now))
      : ((mark && invalidMark(mark, this.factory)) ?? this.#admission.refusalOf(timeout, signal, priority, fairnessKey, now));
    this.statistics.acquires += 1;
    if (refusal !== undefined) {
      if (aborted) this.statistics.cancelled += 1;
      else this.statistics.refused += 1;
      // What the caller itself says does not change with time.
      if (aborted || refusal.code === 'POOL_OPTION_INVALID') refuseWaiter(waiter, refusal);
      else this.refusals.add(waiter, refusal);
      return;
    }
    waiter.owner = this.#waiterOwner;
    waiter.enqueuedAt = now;
    if (mark !== waiter.mark) waiter.withRarities().mark = mark;
    if (this.options.leakDetectionThreshold > 0) waiter.withRarities().stack = callSite();
    if (this.queue.size === 0) {
      this.#queuedSince = now;
      this.#admission.noteEmptyQueue(now);
    }
    if (this.fair === undefined) this.queue.push(waiter);
    else this.fair.push(waiter, priority, fairnessKey);
    this.deadlines.add(waiter, timeout === 0 ? Number.POSITIVE_INFINITY : now + timeout);
    const unlinked = signal && linkSignal(waiter, signal, this.#waiterOwner, (reason) => this.cancelWaiter(waiter, reason));
    if (unlinked !== undefined) this.#refuseQueuedWaiter(waiter, unlinked);
    if (this.#admission.mayRefuseWaiters) {
      this.#admission.refuseExcessWaiters(now, (excess, error) => this.#refuseExcessWaiter(excess, error));
    }
    this.#serveQueue(now);
    // Served from now on in the middle of another's work.
    if (waiter.owner !== undefined && (waiter.runsCode || this.#preparesEach)) waiter.context ??= thisContext();
  }

  /** Refuses a waiter that is not to be queued, for a reason of the layer above: in the next turn of the event loop. */
  refuseUnqueued(waiter: Waiter<R>, error: PoolError): void {
    this.refusals.add(waiter, error);
    this.supply.noteRefusal(this.clock.now());
  }

  /** Refuses a waiter whose caller gives up. Returns false when it waits no longer, or in another pool. */
  cancelWaiter(waiter: Waiter<R>, reason: unknown): boolean {
    const { owner } = waiter;
    const now = this.clock.now();
    if (owner instanceof WaiterReadying && owner.lender === this) {
      owner.cancel(reason, now);
      return true;
    }
    if (owner !== this.#waiterOwner) return false;
    this.#dequeueWaiter(waiter);
    this.statistics.cancelled += 1;
    refuseWaiter(waiter, gaveUpError(reason, this.reporter.summary(now)));
    this.listener.noteChange(now);
    return true;
  }

  /** Refuses every waiter of this moment that has waited for `patienceMs`, but none that comes meanwhile. */
  refuseQueue(errorFor: (summary: PoolSummary) => PoolError, now: number, patienceMs = 0): void {
    const summary = this.reporter.summary(now);
    for (const waiter of this.queue.all()) {
      // A waiter that was refused before may have taken this one out, and so may the function that makes the error: it may be a caller's.
      if (waiter.owner !== this.#waiterOwner || now - waiter.enqueuedAt < patienceMs) continue;
      const error = errorFor(summary);
      if (waiter.owner === this.#waiterOwner) this.#refuseQueuedWaiter(waiter, error);
    }
  }

  get openingLimit(): number {
    return this.ceilings.forOpening(this.limit);
  }

  changeOptions(options: ResolvedPoolOptions, now: number): void {
    this.options = options;
    this.#applyLimits(now);
  }

  /** @throws PoolError `POOL_OPTION_INVALID`; nothing is changed then */
  setCeiling(name: CeilingName, count: number | undefined, now: number, whenOpening?: OpeningBound): void {
    this.ceilings.set(name, count, whenOpening);
    if (this.ceilings.below(this.options.connectionLimit) !== this.limit) this.#applyLimits(now);
  }

  /** Closes an entry in any state; see {@link EntrySet.closeEntry} for `force` and `allowedMs`. */
  closeEntry(entry: Entry<R>, force: boolean, now: number, allowedMs?: number): void {
    if (entry.lease !== undefined) this.endLease(entry, now);
    if (force || entry.state !== 'closing') this.entries.closeEntry(entry, 'pool', force, now, allowedMs);
  }

  /** Precondition: the entry is lent. */
  endLease(entry: Entry<R>, now: number): void {
    const usedMs = now - entry.leasedAt;
    entry.lease = undefined;
    entry.borrowedAt = undefined;
    this.statistics.released += 1;
    this.statistics.use.record(usedMs);
    this.fair?.noteReturn(entry);
    this.#policy.noteUse(usedMs, now);
    if (entry.leakReported) {
      entry.leakReported = false;
      // When this transition is over: a listener may do anything with the pool.
      queueMicrotask(() => this.listener.reportEvent('leakReturned', { id: entry.id, heldMs: usedMs }));
    }
  }

  /** A step ended well: the entry is lent, goes idle, or is closed. Precondition: no step of it runs, and it is not lent. */
  lendOrClose(entry: Entry<R>, now: number): void {
    const reason = closeReasonOf(this, entry, now);
    // A waiter is served by an outdated entry rather than by none: it is closed when it comes back.
    const isLendable = (reason === 'evicted' || reason === 'surplus') && entry.generation >= this.oldestLendable;
    const outdated = isLendable && this.queue.first !== undefined && !this.paused;
    if (reason === undefined || outdated) this.#lendOrPark(entry, now);
    else this.entries.closeEntry(entry, reason, false, now);
    this.serveAndRefill(now);
  }

  /** An entry or a place has become free, or the limits have changed: serves waiters, then refills the reserve. */
  serveAndRefill(now: number): void {
    if (this.queue.size > 0) this.#serveQueue(now);
    this.supply.refillReserve(now);
    this.listener.noteChange(now);
  }

  /** Precondition: the queue is empty, and no entry is left. */
  stopTimers(): void {
    this.supply.cancelRetry();
    this.entries.stopTimers();
    this.deadlines.stop();
  }

  /** Precondition: the entry is idle and lendable, or a step of it has just ended well. */
  #lendEntry(entry: Entry<R>, now: number, waitedMs: number): Lease<R> {
    this.statistics.acquired += 1;
    this.statistics.acquire.record(waitedMs);
    this.#policy.noteLease(now);
    if (this.options.leakDetectionThreshold > 0) entry.borrowedAt = callSite();
    return this.entries.lendEntry(entry, now);
  }

  /** Precondition: a waiter is first in the queue; the entry is free to be lent. */
  #lendToFirstWaiter(entry: Entry<R>, now: number): void {
    const waiter = this.queue.first as Waiter<R>;
    this.fair?.noteServing(waiter, entry);
    this.queue.remove(waiter);
    this.#admission.noteServed(now);
    if ((waiter.mark === undefined && entry.plain) || isReady(this.factory, waiter, entry)) this.lendReady(waiter, entry, now);
    else new WaiterReadying(this, this.factory, waiter, entry).start(now);
  }

  /** Hands an entry over to a waiter. Precondition: the waiter has left the queue; the entry is idle, or no step of it runs. */
  lendReady(waiter: Waiter<R>, entry: Entry<R>, now: number): void {
    waiter.owner = undefined;
    this.deadlines.remove(waiter);
    const lease = this.#lendEntry(entry, now, now - waiter.enqueuedAt);
    entry.borrowedAt = waiter.rarities?.stack ?? entry.borrowedAt;
    grantLease(waiter, lease);
  }

  /** Precondition: the waiter is in the queue. Its signal is let go when it is granted or refused, which follows. */
  #dequeueWaiter(waiter: Waiter<R>): void {
    waiter.owner = undefined;
    this.queue.remove(waiter);
    this.deadlines.remove(waiter);
  }

  #releaseLease(lease: Lease<R>): boolean {
    const { entry } = lease;
    if (entry.lease !== lease) return false;
    const now = this.clock.now();
    this.endLease(entry, now);
    const reason = closeReasonOf(this, entry, now);
    if (reason !== undefined) {
      this.entries.closeEntry(entry, reason, false, now);
      this.#serveReturnedKey(now);
      return true;
    }
    const cleaning = this.entries.startCleaning(entry);
    if (cleaning === undefined && entry.state === 'used' && entry.doomed === undefined) {
      entry.provenAt = now;
      this.#lendOrPark(entry, now);
      return true;
    }
    // The factory may have lost or doomed the resource while it was asked.
    if (entry.state !== 'used') Promise.resolve(cleaning).catch(ignore);
    else if (cleaning === undefined) this.entries.closeEntry(entry, entry.doomed ?? 'lost', false, now);
    else this.entries.cleanEntry(entry, cleaning, now);
    this.#serveReturnedKey(now);
    return true;
  }

  #destroyLease(lease: Lease<R>): boolean {
    const { entry } = lease;
    if (entry.lease !== lease) return false;
    const now = this.clock.now();
    this.endLease(entry, now);
    this.entries.closeEntry(entry, 'destroyed', true, now);
    this.#serveReturnedKey(now);
    return true;
  }

  /** An entry was given back that no waiter gets now: its key may have another in its place. */
  #serveReturnedKey(now: number): void {
    if (this.fair?.first === undefined) return;
    this.#serveQueue(now);
    if (this.state === 'draining') this.listener.noteChange(now);
  }

  /** Idle entries above the limit are closed now, lent ones when they are released. Waiters and the reserve get what there is more. */
  #applyLimits(now: number): void {
    const { entries } = this;
    this.limit = this.ceilings.below(this.options.connectionLimit);
    closeIdleEntries(entries, 'surplus', now, () => entries.size - entries.closing <= this.limit);
    this.serveAndRefill(now);
  }

  /** Precondition: the entry is not lent, it works, and its session is clean. */
  #lendOrPark(entry: Entry<R>, now: number): void {
    if (this.#serving || this.queue.first === undefined || this.paused) {
      this.entries.parkEntry(entry, now);
      this.#serveAgain = true;
      return;
    }
    this.#serving = true;
    this.#serveAgain = false;
    this.#lendToFirstWaiter(entry, now);
    this.#serving = false;
    if (this.#serveAgain) this.#serveQueue(now);
    if (this.state === 'draining') this.listener.noteChange(now);
  }

  /** Serves waiters with idle entries, then has entries checked and opened for the rest of them. */
  #serveQueue(now: number): void {
    if (this.#serving) {
      this.#serveAgain = true;
      return;
    }
    this.#serving = true;
    do {
      this.#serveAgain = false;
      // Looked at each time: a waiter that is served may suspend the pool.
      while (this.queue.first !== undefined && !this.paused) {
        const entry = this.entries.idle.newest && this.supply.lendableForFirst(now);
        if (entry === undefined) break;
        this.#lendToFirstWaiter(entry, now);
      }
      if (this.queue.size > 0 && !this.paused && this.supply.supplyWaiters(now - this.#queuedSince, now)) this.#serveAgain = true;
    } while (this.#serveAgain);
    this.#serving = false;
  }

  /** Precondition: the waiter is in the queue. */
  #timeOutWaiter(waiter: Waiter<R>, now: number): void {
    this.#dequeueWaiter(waiter);
    this.statistics.countTimeout(now - waiter.enqueuedAt, this.options.acquireTimeout);
    refuseWaiter(waiter, acquireTimeoutError(now - waiter.enqueuedAt, this.reporter.failureContext(now)));
    this.listener.noteChange(now);
  }

  /** Precondition: the waiter is in the queue. */
  #refuseExcessWaiter(waiter: Waiter<R>, error: PoolError): void {
    this.#dequeueWaiter(waiter);
    this.statistics.refused += 1;
    this.refusals.add(waiter, error);
  }

  /** Precondition: the waiter is in the queue. */
  #refuseQueuedWaiter(waiter: Waiter<R>, error: PoolError): void {
    this.#dequeueWaiter(waiter);
    this.statistics.refused += 1;
    refuseWaiter(waiter, error);
  }
}
