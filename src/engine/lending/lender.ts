import {
  abortedError,
  acquireTimeoutError,
  closedError,
  connectFailedError,
  drainingError,
  nothingFreeError,
  overloadedError,
  queueFullError,
} from './acquire-errors.js';
import { DeadlineQueue, invalidMilliseconds, invalidSignal, isAbortSignal } from '../waiting/index.js';
import {
  answerOf,
  callSite,
  type Clock,
  type CloseReason,
  invalid,
  PoolError,
  type PoolEvents,
  type PoolState,
  type PoolSummary,
  type RandomSource,
  type ResolvedPoolOptions,
  type ResourceFactory,
  type Timer,
} from '../contract/index.js';
import { type CheckKind, type Entry, EntrySet, type Lease } from '../entries/index.js';
import {
  Abortion,
  FairQueue,
  LoadShedder,
  PRIORITIES,
  type Priority,
  type Queue,
  type Waiter,
  type WaiterOwner,
  WaitQueue,
} from '../queue/index.js';
import { OpeningPolicy } from './opening-policy.js';
import { type OpenFailure, Reporter } from './reporter.js';
import { Statistics } from '../statistics/index.js';

/** How one acquire may wait. */
export interface AcquireOptions {
  /** Milliseconds, 0 = for ever. Default: the pool's `acquireTimeout`. */
  readonly timeout?: number;
  /** Gives up waiting when it aborts. The opening of a connection is never cancelled by it. */
  readonly signal?: AbortSignal;
  /** With `scheduling: 'fair'`: the more urgent are served first, and refused last. Default: 'normal'. */
  readonly priority?: Priority;
  /** With `scheduling: 'fair'`: on whose behalf, for example a tenant. Keys take turns, whatever each of them asks for. */
  readonly fairnessKey?: string;
}

/** `maxLifetime` is shortened by up to this fraction, so that connections opened together do not end together (HikariCP: up to 25 %). */
const LIFETIME_JITTER = 0.1;

/** An entry that fails within this time of its opening, before anybody has used it, is no better than one that was not opened. */
const FLAPPING_MS = 1_000;

/** What the lender tells its pool. */
export interface LenderListener {
  tell<K extends keyof PoolEvents>(event: K, detail: PoolEvents[K][0]): void;
  /** Something has ended: a waiter, an entry. */
  moved(now: number): void;
}

/**
 * Decides who gets which entry, and when entries are opened for those who wait. The heart of the pool: it knows its state
 * and options, and leaves the reasons for changing them to the pool.
 */
export class Lender<R> {
  readonly entries: EntrySet<R>;
  readonly queue: Queue<R>;
  readonly statistics = new Statistics();
  readonly reporter: Reporter<R>;
  state: PoolState = 'running';
  /** Entries of an older generation are closed when they are given back. */
  generation = 0;
  /** Callers of `ready()`: at least one entry is wanted for them, whatever `minIdle` says. */
  readinessAwaited = 0;
  lastOpenFailure: OpenFailure | undefined = undefined;
  readonly #waiterOwner: WaiterOwner<R>;
  /** The queue, when it is not the plain one. */
  readonly #fair: FairQueue<R> | undefined;
  readonly #shedder: LoadShedder | undefined;
  readonly #deadlines: DeadlineQueue;
  readonly #policy: OpeningPolicy;
  /** Entries that were last known to work before this moment are validated before they are lent. */
  #suspectSince = Number.NEGATIVE_INFINITY;
  /** Since this moment somebody has been waiting without a break, if anybody waits. */
  #queuedSince = 0;
  #retryTimer: Timer | undefined = undefined;
  /** Hand-overs are going on: what changes meanwhile is looked at by the loop that runs, not by a nested one. */
  #serving = false;
  #serveAgain = false;

  constructor(
    private readonly factory: ResourceFactory<R>,
    public options: ResolvedPoolOptions,
    private readonly clock: Clock,
    private readonly random: RandomSource,
    private readonly listener: LenderListener,
  ) {
    const { scheduling, fairnessLimit, waitTarget, waitInterval } = options;
    this.#fair = scheduling === 'fair' ? new FairQueue(fairnessLimit) : undefined;
    this.queue = this.#fair ?? new WaitQueue();
    this.#shedder = waitTarget > 0 ? new LoadShedder(waitTarget, waitInterval) : undefined;
    this.#policy = new OpeningPolicy(random);
    this.#deadlines = new DeadlineQueue(clock, { holdsProcess: true });
    this.#waiterOwner = { timedOut: (waiter, now) => this.#timedOut(waiter, now) };
    this.reporter = new Reporter(this, factory);
    this.entries = new EntrySet(
      factory,
      clock,
      options,
      {
        opened: (entry, openMs, now) => this.#opened(entry, openMs, now),
        openFailed: (entry, error, now) => this.#openFailed(entry, error, now),
        checked: (entry, kind, now) => this.#checked(entry, kind, now),
        failed: (entry, now) => this.#failed(entry, now),
        leaving: (entry, error, now) => this.#leaving(entry, error, now),
        gone: (entry, reason, now) => this.#gone(entry, reason, now),
      },
      { release: (lease) => this.#release(lease), destroy: (lease) => this.#destroy(lease) },
    );
  }

  tryAcquire(): Lease<R> | undefined {
    const entry = this.entries.idle.newest;
    if (entry === undefined || this.queue.size > 0 || this.state !== 'running') return undefined;
    const now = this.clock.now();
    if (!this.#lendable(entry, now)) return undefined;
    this.statistics.acquires += 1;
    return this.#lend(entry, now, 0);
  }

  enqueue(waiter: Waiter<R>, options: AcquireOptions): void {
    if (waiter.owner !== undefined) throw new Error('This waiter waits already.');
    const { timeout = this.options.acquireTimeout, signal } = options;
    const now = this.clock.now();
    this.statistics.acquires += 1;
    if (isAbortSignal(signal) && signal.aborted) {
      this.statistics.cancelled += 1;
      waiter.refused(abortedError(signal.reason, this.reporter.summary(now)));
      return;
    }
    const refusal = invalidMilliseconds('timeout', timeout) ?? invalidSignal(signal) ?? this.#invalidPlace(options) ?? this.#refusal(now);
    if (refusal !== undefined) {
      this.statistics.refused += 1;
      waiter.refused(refusal);
      return;
    }
    waiter.owner = this.#waiterOwner;
    waiter.enqueuedAt = now;
    if (this.options.leakDetectionThreshold > 0) waiter.stack = callSite();
    if (signal !== undefined) waiter.abortion = new Abortion(signal, (reason) => this.cancel(waiter, reason));
    if (this.queue.size === 0) {
      this.#queuedSince = now;
      this.#shedder?.foundNobody(now);
    }
    if (this.#fair === undefined) this.queue.push(waiter);
    else this.#fair.push(waiter, options.priority, options.fairnessKey);
    this.#deadlines.add(waiter, timeout === 0 ? Number.POSITIVE_INFINITY : now + timeout);
    if (this.#fair !== undefined || this.#shedder !== undefined) this.#trim(now);
    this.#serve(now);
  }

  cancel(waiter: Waiter<R>, reason: unknown): boolean {
    if (waiter.owner !== this.#waiterOwner) return false;
    const now = this.clock.now();
    this.#dequeue(waiter);
    this.statistics.cancelled += 1;
    waiter.refused(abortedError(reason, this.reporter.summary(now)));
    this.listener.moved(now);
    return true;
  }

  /** Refuses everybody who waits now; those who come meanwhile are not concerned. */
  refuseQueue(errorFor: (summary: PoolSummary) => PoolError, now: number): void {
    const summary = this.reporter.summary(now);
    for (const waiter of this.queue.all()) {
      // Whoever was refused before may have taken this one out.
      if (waiter.owner !== this.#waiterOwner) continue;
      this.#dequeue(waiter);
      this.statistics.refused += 1;
      waiter.refused(errorFor(summary));
    }
  }

  /** Closes idle entries, from the oldest, until it is enough; whoever hears of an end may change what is enough. */
  closeIdle(reason: CloseReason, now: number, enough = (): boolean => false): void {
    const { idle } = this.entries;
    for (let entry = idle.oldest; entry !== undefined && !enough(); entry = idle.oldest) this.entries.close(entry, reason, false, now);
  }

  /** Closes an entry whatever it does; see {@link EntrySet.close} for `force` and `allowedMs`. */
  closeEntry(entry: Entry<R>, force: boolean, now: number, allowedMs?: number): void {
    if (entry.lease !== undefined) this.#endLease(entry, now);
    if (force || entry.state !== 'closing') this.entries.close(entry, 'pool', force, now, allowedMs);
  }

  /** Something changed for the better, or a place is free: whatever can go on, goes on. */
  progress(now: number): void {
    if (this.queue.size > 0) this.#serve(now);
    this.#keepReserve(now);
    this.listener.moved(now);
  }

  /** No background work any more: no retries. */
  rest(): void {
    this.#retryTimer?.cancel();
    this.#retryTimer = undefined;
  }

  /** Precondition: nobody waits, and no entry is left. */
  stop(): void {
    this.rest();
    this.entries.stop();
    this.#deadlines.stop();
  }

  /** Precondition: the entry is idle. */
  #lendable(entry: Entry<R>, now: number): boolean {
    const { provenAt } = entry;
    return provenAt >= this.#suspectSince && now - provenAt <= this.options.validateAfterIdle && now < entry.retireAt;
  }

  #lend(entry: Entry<R>, now: number, waitedMs: number): Lease<R> {
    this.statistics.acquired += 1;
    this.statistics.acquire.record(waitedMs);
    this.#policy.leased(now);
    if (this.options.leakDetectionThreshold > 0) entry.borrowedAt = callSite();
    return this.entries.lend(entry, now);
  }

  /** Precondition: someone waits; nobody holds the entry. */
  #grant(entry: Entry<R>, now: number): void {
    const waiter = this.queue.first as Waiter<R>;
    this.#fair?.serving(waiter, entry);
    this.#dequeue(waiter);
    this.#shedder?.served(now - (this.queue.oldest?.enqueuedAt ?? now), now);
    const lease = this.#lend(entry, now, now - waiter.enqueuedAt);
    if (waiter.stack !== undefined) entry.borrowedAt = waiter.stack;
    waiter.granted(lease);
  }

  #dequeue(waiter: Waiter<R>): void {
    waiter.owner = undefined;
    this.queue.remove(waiter);
    this.#deadlines.remove(waiter);
    if (waiter.abortion !== undefined) {
      waiter.abortion.unlink();
      waiter.abortion = undefined;
    }
  }

  #release(lease: Lease<R>): boolean {
    const { entry } = lease;
    if (entry.lease !== lease) return false;
    const now = this.clock.now();
    this.#endLease(entry, now);
    const end = this.#endOf(entry, now);
    if (end !== undefined) {
      this.entries.close(entry, end, false, now);
      this.#serveItsKey(now);
      return true;
    }
    const cleaning = this.#cleaningOf(entry.resource as R);
    if (cleaning === undefined) {
      entry.provenAt = now;
      this.#offer(entry, now);
    } else {
      this.entries.clean(entry, cleaning, now);
      this.#serveItsKey(now);
    }
    return true;
  }

  #destroy(lease: Lease<R>): boolean {
    const { entry } = lease;
    if (entry.lease !== lease) return false;
    const now = this.clock.now();
    this.#endLease(entry, now);
    this.entries.close(entry, 'destroyed', true, now);
    this.#serveItsKey(now);
    return true;
  }

  /** An entry was given back that nobody gets now: its key may have another in its place. */
  #serveItsKey(now: number): void {
    if (this.#fair?.first === undefined) return;
    this.#serve(now);
    if (this.state === 'draining') this.listener.moved(now);
  }

  #cleaningOf(resource: R): Promise<void> | undefined {
    try {
      return this.factory.recycle?.(resource);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Precondition: the entry is lent. */
  #endLease(entry: Entry<R>, now: number): void {
    const usedMs = now - entry.leasedAt;
    entry.lease = undefined;
    entry.borrowedAt = undefined;
    this.statistics.released += 1;
    this.statistics.use.record(usedMs);
    this.#fair?.returned(entry);
    this.#policy.used(usedMs, now);
    if (entry.leakReported) {
      entry.leakReported = false;
      // When this transition is over: a listener may do anything with the pool.
      queueMicrotask(() => this.listener.tell('leakReturned', { id: entry.id, heldMs: usedMs }));
    }
  }

  /** Why an entry that nobody holds must go now, if it must. */
  #endOf(entry: Entry<R>, now: number): CloseReason | undefined {
    if (entry.doomed !== undefined) return entry.doomed;
    if (now >= entry.retireAt) return 'lifetime';
    const { entries, options } = this;
    if (entries.size > options.connectionLimit && entries.size - entries.closing > options.connectionLimit) return 'surplus';
    if (this.state === 'closed' || (this.state === 'draining' && this.queue.size === 0)) return 'pool';
    if (entry.generation !== this.generation) return 'evicted';
    return undefined;
  }

  /** Precondition: nobody holds the entry, it works, and its session is clean. */
  #offer(entry: Entry<R>, now: number): void {
    if (this.#serving || this.queue.first === undefined || this.state === 'suspended') {
      this.entries.park(entry, now);
      this.#serveAgain = true;
      return;
    }
    this.#serving = true;
    this.#serveAgain = false;
    this.#grant(entry, now);
    this.#serving = false;
    if (this.#serveAgain) this.#serve(now);
    if (this.state === 'draining') this.listener.moved(now);
  }

  /** Serves waiters with what is idle, then starts what the rest of them needs. */
  #serve(now: number): void {
    if (this.#serving) {
      this.#serveAgain = true;
      return;
    }
    this.#serving = true;
    do {
      this.#serveAgain = false;
      // Looked at each time: whoever is served may suspend the pool.
      while (this.queue.first !== undefined && this.state !== 'suspended') {
        const entry = this.entries.idle.newest;
        if (entry === undefined || !this.#lendable(entry, now)) break;
        this.#grant(entry, now);
      }
      if (this.queue.size > 0 && this.state !== 'suspended') this.#replenish(now);
    } while (this.#serveAgain);
    this.#serving = false;
  }

  /** Validates idle entries and opens new ones for the waiters for whom nothing is under way. */
  #replenish(now: number): void {
    const { entries } = this;
    let unserved = this.queue.servable - entries.checking - entries.opening;
    for (let entry = entries.idle.newest; unserved > 0 && entry !== undefined; entry = entries.idle.newest) {
      if (now >= entry.retireAt) {
        entries.close(entry, 'lifetime', false, now);
        // The next one may be as good as new.
        this.#serveAgain = true;
        return;
      }
      entries.validate(entry, now);
      unserved -= 1;
    }
    const room = this.options.connectionLimit - entries.size;
    if (unserved <= 0 || room <= 0) return;
    const { opening } = entries;
    const demand = { unserved, queuedMs: now - this.#queuedSince, opening, busy: entries.used + entries.checking, room };
    this.#open(this.#policy.forWaiters(demand, now), now);
  }

  /** Opens ahead what `minIdle` and the callers of `ready()` ask for. Waiters come first: what is opened for them is not idle. */
  #keepReserve(now: number): void {
    if (this.state !== 'running' || this.queue.size > 0) return;
    const { opening, checking, idle, usable, size } = this.entries;
    const wantedIdle = this.options.minIdle - idle.size - checking - opening;
    const wantedOpen = this.readinessAwaited > 0 && usable + opening === 0 ? 1 : 0;
    const missing = Math.max(wantedIdle, wantedOpen);
    if (missing <= 0) return;
    const room = this.options.connectionLimit - size;
    this.#open(this.#policy.forReserve(missing, opening, room, now), now);
  }

  /** Opens `count` entries; after a failed opening, the policy says when to try again, and a timer does it. */
  #open(count: number, now: number): void {
    // The room is looked at each time: a factory that calls the pool may have made it open others meanwhile.
    for (let i = 0; i < count && this.entries.size < this.options.connectionLimit; i += 1) this.entries.open(this.generation, now);
    if (!this.#policy.failing || this.entries.opening > 0 || this.#retryTimer !== undefined) return;
    // Without room there is nothing to try; whatever makes room looks again.
    if (this.entries.size >= this.options.connectionLimit) return;
    const retry = (): void => {
      this.#retryTimer = undefined;
      this.progress(this.clock.now());
    };
    this.#retryTimer = this.clock.setTimer(retry, Math.max(this.#policy.retryAt - now, 0));
    // Whoever waits keeps the process alive by their own deadline.
    this.#retryTimer.unref();
  }

  #opened(entry: Entry<R>, openMs: number, now: number): void {
    const { maxLifetime } = this.options;
    if (maxLifetime > 0) entry.retireAt = now + maxLifetime * (1 - this.random() * LIFETIME_JITTER);
    this.statistics.opened += 1;
    this.statistics.connect.record(openMs);
    this.#policy.opened(openMs);
    this.lastOpenFailure = undefined;
    this.#settle(entry, now);
    this.listener.tell('opened', { id: entry.id, openMs });
  }

  #checked(entry: Entry<R>, kind: CheckKind, now: number): void {
    this.statistics[kind === 'validation' ? 'pings' : 'resets'] += 1;
    this.#settle(entry, now);
  }

  /** A step ended well: the entry is lent, goes idle, or has reached its end. */
  #settle(entry: Entry<R>, now: number): void {
    const end = this.#endOf(entry, now);
    // A waiter is served by an outdated entry rather than by none: it is closed when it comes back.
    const outdated = (end === 'evicted' || end === 'surplus') && this.queue.first !== undefined && this.state !== 'suspended';
    if (end === undefined || outdated) this.#offer(entry, now);
    else this.entries.close(entry, end, false, now);
    this.progress(now);
  }

  #openFailed(entry: Entry<R>, error: unknown, now: number): void {
    const permanent = answerOf(() => this.factory.isPermanent?.(error), false);
    const code = this.reporter.codeOf(error);
    this.statistics.connectErrors += 1;
    this.statistics.connectErrorsByCode.add(code);
    this.#policy.failed(now, permanent);
    this.lastOpenFailure = { error, at: now, permanent };
    this.listener.tell('connectFailed', { id: entry.id, error, code, retryInMs: this.#policy.retryAt - now });
    // Nobody is left who could serve those who wait: they are told now, not at the end of their patience.
    if (this.#nothingUnderWay() && this.state !== 'suspended') this.refuseQueue((summary) => connectFailedError(error, summary), now);
    this.progress(now);
  }

  #failed(entry: Entry<R>, now: number): void {
    // A server that accepts and drops at once must not be asked without end.
    if (entry.leasedAt === 0 && now - entry.provenAt < FLAPPING_MS) this.#policy.failed(now, false);
    if (entry.lease !== undefined) this.#endLease(entry, now);
    // Where one connection broke, the others may be broken too.
    this.#suspectSince = now;
  }

  #leaving(entry: Entry<R>, error: unknown, now: number): void {
    this.listener.tell('failed', { id: entry.id, error });
    this.progress(now);
  }

  #gone(entry: Entry<R>, reason: CloseReason, now: number): void {
    this.statistics.closed += 1;
    this.statistics.closedByReason[reason] += 1;
    this.listener.tell('closed', { id: entry.id, reason, ageMs: now - entry.createdAt });
    this.progress(now);
  }

  #timedOut(waiter: Waiter<R>, now: number): void {
    this.#dequeue(waiter);
    this.statistics.timedOut += 1;
    waiter.refused(acquireTimeoutError(now - waiter.enqueuedAt, this.reporter.failureContext(now)));
    this.listener.moved(now);
  }

  /** More wait than may: the least urgent are refused, and of them the newest. */
  #trim(now: number): void {
    const { queueLimit } = this.options;
    if (queueLimit > 0 && this.#waitingForOthers() > queueLimit) {
      const error = queueFullError(queueLimit, this.reporter.failureContext(now));
      this.#turnAway(this.queue.leastUrgent as Waiter<R>, error);
    }
    // Somebody wants them to wait.
    if (this.state === 'suspended') this.#shedder?.foundNobody(now);
    const room = this.#shedder?.room(now) ?? Number.POSITIVE_INFINITY;
    while (this.queue.size > room) {
      this.#shedder?.shed(now);
      this.statistics.shed += 1;
      const error = overloadedError(this.options.waitTarget, this.reporter.failureContext(now));
      this.#turnAway(this.queue.leastUrgent as Waiter<R>, error);
    }
  }

  #turnAway(waiter: Waiter<R>, error: PoolError): void {
    this.#dequeue(waiter);
    this.statistics.refused += 1;
    waiter.refused(error);
  }

  /** Those who will get an entry that is idle, checked or opened now do not wait for somebody else's. */
  #waitingForOthers(): number {
    const { used, closing } = this.entries;
    const served = this.state === 'suspended' ? 0 : Math.max(this.options.connectionLimit - used - closing, 0);
    return this.queue.size - served;
  }

  #invalidPlace({ priority, fairnessKey }: AcquireOptions): PoolError | undefined {
    if (priority === undefined && fairnessKey === undefined) return undefined;
    if (this.#fair === undefined) {
      const given = priority === undefined ? 'fairnessKey' : 'priority';
      return new PoolError('POOL_OPTION_INVALID', `${given} needs a pool with scheduling: 'fair'.`);
    }
    if (priority !== undefined && !PRIORITIES.includes(priority)) return invalid('priority', priority, `one of ${PRIORITIES.join(', ')}`);
    if (fairnessKey === undefined || (typeof fairnessKey === 'string' && fairnessKey !== '')) return undefined;
    return invalid('fairnessKey', fairnessKey, 'a text that is not empty');
  }

  /** Why an acquire cannot be taken now, if it cannot. */
  #refusal(now: number): PoolError | undefined {
    if (this.state === 'closed') return closedError(this.reporter.summary(now));
    if (this.state === 'draining') return drainingError(this.reporter.summary(now));
    const { waitForConnections, queueLimit } = this.options;
    if (!waitForConnections || queueLimit > 0) {
      const waitForOthers = this.#waitingForOthers();
      if (!waitForConnections && waitForOthers >= 0) return nothingFreeError(this.reporter.failureContext(now));
      // A fair queue takes everybody and refuses whom it can best spare.
      if (queueLimit > 0 && waitForOthers >= queueLimit && this.#fair === undefined)
        return queueFullError(queueLimit, this.reporter.failureContext(now));
    }
    const failure = this.lastOpenFailure;
    if (failure?.permanent === true && now < this.#policy.retryAt && this.#nothingUnderWay()) {
      return connectFailedError(failure.error, this.reporter.summary(now));
    }
    return undefined;
  }

  /** No entry is there or on its way. */
  #nothingUnderWay(): boolean {
    return this.entries.usable === 0 && this.entries.opening === 0;
  }
}
