/** The pool: acquire, resize, suspend, drain, close. It puts the lender, the housekeeper and the shutdown together. */

import { EventEmitter } from 'node:events';
import {
  type AcquireOptions,
  awaitReadiness,
  closeIdleEntries,
  closedError,
  drainingError,
  type DrainOptions,
  type DrainReport,
  leavePlace,
  Lender,
  type LendingHold,
  type OpeningBound,
  reclaimEntry,
  Shutdown,
  type PoolGlance,
} from './lending/index.js';
import {
  type Borrowed,
  type CeilingName,
  type Clock,
  invalid,
  type PoolError,
  type PoolEvents,
  type PoolOptions,
  type PoolState,
  type PoolSummary,
  type Resizable,
  resizedOptions,
  type ResolvedPoolOptions,
  resolvePoolOptions,
  type ResourceFactory,
  systemClock,
} from './contract/index.js';
import { Housekeeper, type Lease } from './entries/index.js';
import { callListener, checkedMilliseconds, keepContextOfListeners } from './waiting/index.js';
import type { PoolEnvironment } from './pool-environment.js';
import { type DurationCounts, observeDurations, type PoolStats, type RecordedDuration } from './statistics/index.js';
import { PromiseWaiter, type Waiter } from './queue/index.js';
import { SizeKeeper } from './sizing/index.js';

/** Of most acquires: no object is made for each. */
const NO_OPTIONS: AcquireOptions = Object.freeze({});

const DEFAULT_DRAIN_TIMEOUT_MS = 30_000;
/** How long what borrowers have sent may still take when the pool is closed (HikariCP and mariadb allow 10 s). */
const CLOSE_BORROWED_TIMEOUT_MS = 10_000;

/**
 * A pool of resources. Acquires are served in order of arrival, by the resource that comes free first; the most recently used idle
 * resource is lent first, so that those which are not needed age and go.
 *
 * @example
 * ```ts
 * const pool = new Pool({ open, close, validate }, { connectionLimit: 10 });
 * const lease = await pool.acquire();
 * try {
 *   await use(lease.resource);
 * } finally {
 *   lease.release();
 * }
 * ```
 */
export class Pool<R> extends EventEmitter<PoolEvents> {
  readonly #clock: Clock;
  readonly #lender: Lender<R>;
  readonly #housekeeper: Housekeeper<R>;
  readonly #sizeKeeper: SizeKeeper;
  /** One for each caller of `ready()` that waits. */
  readonly #readinessChecks = new Set<() => void>();
  #shutdown: Shutdown | undefined = undefined;

  /**
   * @param factory opens, validates and closes the resources
   * @param options see {@link PoolOptions}
   * @throws PoolError `POOL_OPTION_INVALID`
   */
  constructor(factory: ResourceFactory<R>, options: PoolOptions = {}, environment: PoolEnvironment = {}) {
    super();
    const { clock = systemClock, random = Math.random, patience = 'refused', nextTurn, hold, keptOpen = 0 } = environment;
    const lender = new Lender(
      factory,
      resolvePoolOptions(options),
      clock,
      random,
      { reportEvent: (event, detail) => this.#emitEvent(event, detail), noteChange: (now) => this.#noteChange(now) },
      patience,
      nextTurn,
    );
    lender.hold = hold;
    this.#clock = clock;
    this.#lender = lender;
    this.#housekeeper = new Housekeeper(lender.entries, clock, () => lender.options, {
      keptOpen,
      quietMs: (entry, now) => lender.reporter.quietMs(entry, now) ?? now - entry.leasedAt,
      entryLeaked: (entry, now) => this.#emitEvent('leak', lender.reporter.leak(entry, now)),
      entryUsedLong: (entry, now) => this.#emitEvent('longUse', lender.reporter.borrowed(entry, now)),
      entryOverdue: (entry, now) => reclaimEntry(lender, entry, now),
      sweepEnded: (now) => lender.serveAndRefill(now),
    });
    this.#housekeeper.start();
    this.#sizeKeeper = new SizeKeeper(lender, clock);
    this.#sizeKeeper.follow(lender.options);
    lender.changeOptions(lender.options, clock.now());
  }

  get name(): string {
    return this.#lender.options.name;
  }

  /** The options in force. */
  get options(): ResolvedPoolOptions {
    return this.#lender.options;
  }

  get state(): PoolState {
    return this.#lender.state;
  }

  /** How many acquires wait. */
  get waiting(): number {
    return this.#lender.queue.size;
  }

  /** What is looked at each second: cheaper than all statistics. */
  glance(): PoolGlance {
    return this.#lender.reporter.glance(this.#clock.now());
  }

  /** How many resources are open and not on their way out. */
  get usable(): number {
    return this.#lender.entries.usable;
  }

  /** How many resources are lent. */
  get used(): number {
    return this.#lender.entries.used;
  }

  /**
   * Borrows a resource: at once when one is idle, else when one comes free or is opened.
   *
   * @throws PoolError `POOL_ACQUIRE_TIMEOUT`, `POOL_QUEUE_FULL`, `POOL_ABORTED`, `POOL_CONNECT_FAILED`, `POOL_SUSPENDED`,
   *   `POOL_DRAINING`, `POOL_CLOSED`
   */
  acquire(options?: AcquireOptions): Promise<Lease<R>> {
    if (options === undefined) {
      const lease = this.#lender.tryAcquireIdleEntry();
      if (lease !== undefined) return Promise.resolve(lease);
    }
    return new Promise((resolve) => this.enqueue(new PromiseWaiter(resolve), options));
  }

  /** Borrows an idle resource that needs no validation, or returns nothing. Never waits, never opens, never throws. */
  tryAcquire(): Lease<R> | undefined {
    return this.#lender.tryAcquireIdleEntry();
  }

  /**
   * What `acquire` does, with a waiter of your own. It may be granted before this returns. A refusal of the pool comes in the next turn of the event
   * loop at the earliest, so that a caller that asks again at once keeps out nothing that could change the answer.
   */
  enqueue(waiter: Waiter<R>, options: AcquireOptions = NO_OPTIONS): void {
    this.#lender.enqueueWaiter(waiter, options);
  }

  /** Takes a waiter out of the queue and refuses it with `POOL_ABORTED`. Returns false when it waits no longer. */
  cancel(waiter: Waiter<R>, reason: unknown): boolean {
    return this.#lender.cancelWaiter(waiter, reason);
  }

  /** Refuses a waiter that is in no queue, in the next turn of the event loop: a layer above has its reasons. It is not counted. */
  refuse(waiter: Waiter<R>, error: PoolError): void {
    this.#lender.refuseUnqueued(waiter, error);
  }

  /** Refuses every waiter of this moment: the caller of this knows that waiting is of no use. */
  refuseWaiting(errorFor: (summary: PoolSummary) => PoolError): void {
    const now = this.#clock.now();
    try {
      this.#lender.refuseQueue(errorFor, now);
    } finally {
      this.#noteChange(now);
    }
  }

  /**
   * Resolves when `minIdle` resources (at least one, at most as many as the limit in force) are open.
   *
   * @param options.timeout milliseconds; default: `connectTimeout`, or 30 000 if that is 0
   * @throws PoolError `POOL_CONNECT_FAILED` with the cause: at once when it will come again, else at the timeout; `POOL_CLOSED`
   */
  async ready(options: { readonly timeout?: number } = {}): Promise<void> {
    const ended = (): boolean => this.#shutdown !== undefined;
    await awaitReadiness(this.#lender, { checks: this.#readinessChecks, clock: this.#clock, ended }, options.timeout);
  }

  /**
   * Changes the limits. A lowered limit closes idle resources at once and lent ones when they are released.
   *
   * @throws PoolError `POOL_OPTION_INVALID`; nothing is changed then
   */
  resize(change: Resizable): void {
    const lender = this.#lender;
    const options = resizedOptions(lender.options, change);
    if (this.#shutdown === undefined) this.#sizeKeeper.follow(options);
    lender.changeOptions(options, this.#clock.now());
  }

  /** The most resources that may be open now: the least of `connectionLimit` and of the ceilings. */
  get limit(): number {
    return this.#lender.limit;
  }

  /** What the limit would be without this ceiling. */
  limitBeside(name: CeilingName): number {
    return this.#lender.ceilings.beside(name, this.#lender.options.connectionLimit);
  }

  /**
   * Bounds the limit beside `connectionLimit`, which stays as it is. The least of all is in force, for what is opened ahead, too. A lowered limit
   * is worked off as by `resize()`; a raised one serves waiters.
   *
   * @param name who sets it; each has one ceiling
   * @param count a whole number, at least 1; undefined takes the ceiling off
   * @param whenOpening asked before each opening: a bound that falls by itself when its time is over, also in a process that was frozen meanwhile
   * @throws PoolError `POOL_OPTION_INVALID`; nothing is changed then
   */
  setCeiling(name: CeilingName, count: number | undefined, whenOpening?: OpeningBound): void {
    this.#lender.setCeiling(name, count, this.#clock.now(), whenOpening);
  }

  /** Soft-evicts all: idle resources are closed now, lent ones when they are released. New ones are opened as needed. */
  evict(): void {
    const now = this.#clock.now();
    this.#lender.generation += 1;
    closeIdleEntries(this.#lender.entries, 'evicted', now);
    this.#lender.serveAndRefill(now);
  }

  /** Closes all that is not lent, and lends none of it to any caller; what is lent is closed when it is given back. New ones lead elsewhere. */
  leavePlace(): void {
    const now = this.#clock.now();
    leavePlace(this.#lender, now);
    this.#lender.serveAndRefill(now);
  }

  /** What the pool is held for now, if it is held; see {@link hold}. */
  get held(): LendingHold | undefined {
    return this.#lender.hold;
  }

  /** Opens and lends nothing until the hold is taken off with `hold(undefined)`. Beside `suspend()`, which is the user's. */
  hold(hold: LendingHold | undefined): void {
    const lender = this.#lender;
    lender.hold = hold;
    if (hold === undefined) lender.serveAndRefill(this.#clock.now());
    else if (hold.refusal !== undefined && this.state !== 'suspended') this.refuseWaiting(hold.refusal);
  }

  /** Lends nothing until `resume()`: acquires wait, and their deadlines run. Borrowers are not disturbed. */
  suspend(): void {
    if (this.state === 'running') this.#enterState('suspended');
  }

  resume(): void {
    if (this.state !== 'suspended') return;
    this.#enterState('running');
    this.#lender.serveAndRefill(this.#clock.now());
  }

  /**
   * The graceful end: takes no new acquires, serves waiters, lets borrowers finish, says goodbye on every connection.
   * At the deadline the rest is cut off, and the report names the borrowers. A second call returns the same promise.
   *
   * @throws PoolError `POOL_OPTION_INVALID`; nothing is changed then
   */
  async drain(options: DrainOptions = {}): Promise<DrainReport> {
    const { timeout = DEFAULT_DRAIN_TIMEOUT_MS, queue = 'serve' } = options;
    checkedMilliseconds('timeout', timeout);
    if (queue !== 'serve' && queue !== 'refuse') throw invalid('queue', queue, "'serve' or 'refuse'");
    let shutdown = this.#shutdown;
    if (shutdown === undefined) {
      const now = this.#clock.now();
      // While suspended no waiter can be served, and an operator had reasons to suspend.
      const serve = queue === 'serve' && this.state === 'running';
      shutdown = this.#startShutdown('draining', now);
      shutdown.setDeadline(this.#clock, timeout, () => this.#cutOff());
      if (!serve) this.#lender.refuseQueue(drainingError, now);
      this.#lender.serveAndRefill(now);
    }
    return shutdown.report;
  }

  /**
   * The quick end: refuses waiters, closes idle resources, and lets borrowers' resources finish only what was sent to them
   * already. Resolves when all are closed. May be called during a drain, which it cuts short.
   */
  async close(): Promise<void> {
    const now = this.#clock.now();
    if (this.state !== 'closed') {
      const shutdown = this.#startShutdown('closed', now);
      const { entries, queue, reporter } = this.#lender;
      if (entries.used > 0 || queue.size > 0) shutdown.cutOff(reporter.borrowedBy(now), queue.size);
      this.#lender.refuseQueue(closedError, now);
      for (const entry of this.#lender.entries) {
        this.#lender.closeEntry(entry, false, now, entry.lease === undefined ? undefined : CLOSE_BORROWED_TIMEOUT_MS);
      }
      this.#noteChange(now);
    }
    await this.#shutdown?.report;
  }

  /** The pool's counts now. */
  summary(): PoolSummary {
    return this.#lender.reporter.summary(this.#clock.now());
  }

  /** Everything that the pool knows about itself now. */
  stats(): PoolStats {
    return this.#lender.reporter.stats(this.#clock.now());
  }

  /** Who holds entries now, the longest-held first. */
  borrowed(): readonly Borrowed[] {
    return this.#lender.reporter.borrowedBy(this.#clock.now());
  }

  /** The open resources: all of them, or the idle ones. */
  resources(which: 'all' | 'idle'): R[] {
    const entries = [...this.#lender.entries].filter(({ state }) =>
      which === 'idle' ? state === 'idle' : state !== 'opening' && state !== 'closing',
    );
    return entries.map((entry) => entry.resource as R);
  }

  /** Calls `listener` with each duration from now on, after the transition that recorded it. Returns a function that ends it. */
  observeDurations(which: RecordedDuration, listener: (durationMs: number) => void): () => void {
    return observeDurations(this.#lender.statistics[which], listener);
  }

  /** For metrics: how many recorded durations were at most as long as each bound (milliseconds, ascending). */
  durationCounts(which: RecordedDuration, boundsMs: readonly number[]): DurationCounts {
    return this.#lender.statistics[which].countsUpTo(boundsMs);
  }

  #enterState(state: PoolState): void {
    const from = this.state;
    this.#lender.state = state;
    this.#emitEvent('stateChanged', { from, to: state });
  }

  #startShutdown(state: 'draining' | 'closed', now: number): Shutdown {
    this.#housekeeper.stop();
    this.#sizeKeeper.stop();
    this.#lender.supply.cancelRetry();
    this.#shutdown ??= new Shutdown(now);
    this.#enterState(state);
    return this.#shutdown;
  }

  #noteChange(now: number): void {
    this.#advanceShutdown(now);
    for (const check of this.#readinessChecks) check();
  }

  /** Closes what is not needed any more, and ends when nothing is left. */
  #advanceShutdown(now: number): void {
    const shutdown = this.#shutdown;
    const { queue, entries } = this.#lender;
    if (shutdown === undefined || queue.size > 0) return;
    for (const entry of entries) {
      if (entry.state === 'idle' || entry.state === 'opening') this.#lender.closeEntry(entry, false, now);
    }
    if (entries.size > 0) return;
    if (this.state !== 'closed') this.#enterState('closed');
    this.#lender.stopTimers();
    shutdown.finish(now);
  }

  /** The drain's deadline has passed. */
  #cutOff(): void {
    const [lender, now] = [this.#lender, this.#clock.now()];
    this.#shutdown?.cutOff(lender.reporter.borrowedBy(now), lender.queue.size);
    lender.refuseQueue(drainingError, now);
    for (const entry of lender.entries) lender.closeEntry(entry, true, now);
    this.#advanceShutdown(now);
  }

  #emitEvent<K extends keyof PoolEvents>(event: K, detail: PoolEvents[K][0]): void {
    if (this.listenerCount(event) === 0) return;
    // One by one: a listener that throws does not keep the others from being called.
    for (const listener of this.rawListeners(event)) callListener(() => Reflect.apply(listener, this, [detail]), undefined);
  }
}

keepContextOfListeners(Pool.prototype);
