import { getEventListeners } from 'node:events';
import type { RandomSource } from '../../src/engine/contract/clock.js';
import type { PoolError } from '../../src/engine/contract/errors.js';
import type { AcquireOptions } from '../../src/engine/lending/acquire-options.js';
import { Pool } from '../../src/engine/pool.js';
import type { DrainReport } from '../../src/engine/lending/shutdown.js';
import { FakeClock } from '../engine/support/fake-clock.js';
import { type Call, type CallEnds, type SimulatedLease, SimulatedWaiter } from './callers.js';
import type { Dice } from './dice.js';
import { Hostility } from './hostility.js';
import { LimitWatch } from './limit-watch.js';
import { unfitness, wrongEnd } from './lease-checks.js';
import { OpeningWatch } from './opening-watch.js';
import { randomOptions } from './random-options.js';
import { HEALTHY, SimulatedFactory, type SimulatedResource } from './simulated-factory.js';

/** The engine's deadlines pass up to this much late. */
const GRANULE_MS = 16;

/** How many things may be done from inside callbacks of the pool in one step, so that no step is endless. */
const REENTRANT_ACTIONS_PER_STEP = 6;

/** An ended lease is kept this long for the second releases of forgetful callers. */
const ENDED_LEASES_KEPT = 8;

/** Something that must never happen has happened. */
export class Violation extends Error {}

/**
 * A pool with its factory, its callers and its operators, on a clock of its own. It keeps its own account of who holds what
 * and who waits, and compares it with the pool's.
 */
export class World implements CallEnds {
  readonly clock = new FakeClock(1_000);
  readonly factory: SimulatedFactory;
  readonly pool: Pool<SimulatedResource>;
  /** Calls that have not ended, in order of arrival. */
  readonly waiting = new Map<number, Call>();
  readonly leases: SimulatedLease[] = [];
  readonly endedLeases: SimulatedLease[] = [];
  /** The last call of each lane that was served after it had waited in the queue. */
  readonly lastServed = new Map<string, number>();
  /** On whose behalf entries are lent, where a caller said so. */
  readonly #keys = new WeakMap<SimulatedLease, string>();
  readonly openings: OpeningWatch;
  readonly hostility: Hostility;
  /** Entries that were last known to work before this moment are suspect. */
  suspectSince = Number.NEGATIVE_INFINITY;
  drainDeadline = Number.POSITIVE_INFINITY;
  closedSince = Number.POSITIVE_INFINITY;
  /** Calls up to this one must have been refused, because nothing can be opened. */
  toldUntil = 0;
  /** Timers may be overdue, because the event loop was stalled. */
  stalled = false;
  /** When the event loop last came back from a stall. */
  runsSince = 0;
  readonly limits: LimitWatch;
  readinessAwaited = 0;
  drainReport: DrainReport | undefined = undefined;
  /** What the world does from inside the pool's callbacks; nothing by default. */
  reenter: () => void = () => undefined;
  #calls = 0;
  #entered = 0;
  #settledCalls = 0;
  readonly #violations: string[] = [];
  readonly #controllers: AbortController[] = [];

  /** @param hostility in percent: how often what runs inside the pool's callbacks throws */
  constructor(
    readonly dice: Dice,
    random: RandomSource,
    hostility = 0,
  ) {
    this.hostility = new Hostility(dice, hostility);
    this.factory = new SimulatedFactory(dice, this.clock);
    this.factory.mood = HEALTHY;
    this.pool = new Pool(this.factory, randomOptions(dice), { clock: this.clock, random, nextTurn: (callback) => callback() });
    this.openings = new OpeningWatch(this.clock, this.pool, (what) => this.violation(what));
    this.limits = new LimitWatch(this.pool as Pool<never>);
    this.factory.watchedBy({
      violation: (what) => this.violation(what),
      opening: (resource) => this.openings.began(resource),
      opened: (resource) => this.openings.succeeded(resource),
      mayGiveUp: (startedAt) => this.ending || this.#openingOverdue(startedAt),
      wasSurplus: () => {
        const { idle, used, checking, opening, limit } = this.pool.summary();
        return idle + used + checking + opening >= limit;
      },
      mayCutOff: () => this.pool.state === 'closed' || (this.pool.state === 'draining' && this.clock.now() >= this.drainDeadline),
    });
    this.#watchEvents();
    if (hostility > 0) this.#observeDurations();
  }

  get ending(): boolean {
    return this.pool.state === 'draining' || this.pool.state === 'closed';
  }

  get callsMade(): number {
    return this.#calls;
  }

  violation(what: string): void {
    this.#violations.push(what);
  }

  /** @throws Violation if there was one since the last time. */
  throwViolations(): void {
    if (this.#violations.length > 0) throw new Violation(this.#violations.join('; '));
  }

  /** A step begins: callbacks may do something again. */
  beginStep(): void {
    this.#entered = 0;
    this.openings.beginStep();
  }

  // What callers do

  acquire(immediate: boolean, options: AcquireOptions | undefined, controller?: AbortController): Call {
    this.#calls += 1;
    const seq = this.#calls;
    const timeout = options?.timeout ?? this.pool.options.acquireTimeout;
    const dueAt = timeout > 0 ? this.clock.now() + timeout : Number.POSITIVE_INFINITY;
    const { priority = 'normal', fairnessKey: key } = options ?? {};
    const lane = `${priority} ${key ?? ''}`;
    const given = controller === undefined ? options : { ...options, signal: controller.signal };
    if (controller !== undefined) this.#controllers.push(controller);
    if (immediate) {
      const waiter = new SimulatedWaiter(seq, key, lane, dueAt, controller, this);
      this.waiting.set(seq, waiter);
      this.pool.enqueue(waiter, given);
      return waiter;
    }
    const call: Call = { seq, key, lane, dueAt, controller, immediate: false, cancelled: false, settled: false };
    this.waiting.set(seq, call);
    this.pool.acquire(given).then(
      (lease) => this.granted(call, lease),
      (error: PoolError) => this.refused(call, error),
    );
    return call;
  }

  tryAcquire(): void {
    const { waiting: queued, state } = this.pool;
    const lease = this.pool.tryAcquire();
    if (lease === undefined) return;
    if (state !== 'running') this.violation(`tryAcquire lent while the pool is ${state}`);
    if (queued > 0) this.violation('I3: tryAcquire overtook the waiters');
    this.#borrowed(lease);
  }

  cancel(call: SimulatedWaiter): void {
    const cancelled = this.pool.cancel(call, 'enough');
    if (cancelled === call.cancelled)
      this.violation(`cancel() said ${String(cancelled)} of a call that had settled: ${String(call.settled)}`);
  }

  abort(call: Call): void {
    call.cancelled ||= !call.settled && call.immediate;
    call.controller?.abort('gone');
    if (call.immediate && !call.settled) this.violation(`call ${call.seq} was aborted and still waits`);
  }

  granted(call: Call, lease: SimulatedLease): void {
    if (call.cancelled) this.violation(`I3: call ${call.seq} was cancelled and got an entry`);
    this.#settle(call);
    this.lastServed.set(call.lane, Math.max(this.lastServed.get(call.lane) ?? 0, call.seq));
    if (call.key !== undefined) this.#keys.set(lease, call.key);
    if (this.pool.state === 'suspended' && call.immediate) this.violation(`call ${call.seq} was served while the pool is suspended`);
    this.#borrowed(lease, !call.immediate);
    if (!call.immediate) return;
    this.#reenter();
    this.hostility.throwInGranted(lease, () => this.#forget(lease));
  }

  refused(call: Call, error: PoolError): void {
    this.#settle(call);
    const early = this.clock.now() < call.dueAt;
    if (early && error.code === 'POOL_ACQUIRE_TIMEOUT') this.violation(`I2: call ${call.seq} timed out early`);
    if (call.immediate) this.#actInCallback();
  }

  release(index: number): void {
    const lease = this.#endLease(index);
    for (const what of wrongEnd(lease, lease.active, lease.release(), this.ending)) this.violation(what);
  }

  destroy(index: number): void {
    const lease = this.#endLease(index);
    for (const what of wrongEnd(lease, lease.active, lease.destroy(), this.ending)) this.violation(what);
  }

  evictLease(lease: SimulatedLease): void {
    lease.evict();
    // It may have been lost, and is closed then.
    lease.resource.outdated = true;
  }

  releaseAgain(index: number): void {
    const lease = this.endedLeases[index] as SimulatedLease;
    if (lease.active || lease.release() || lease.destroy()) this.violation(`I1: a lease of ${lease.resource.id} ended twice`);
    lease.evict();
  }

  // What the world does to resources

  lose(resource: SimulatedResource): void {
    resource.lost = true;
    resource.context.lost(new Error('lost'));
    if (resource.delivered && !resource.closed) this.violation(`I7: resource ${resource.id} was lost and is not closed`);
  }

  doom(resource: SimulatedResource): void {
    resource.doomed ||= resource.holder === undefined;
    resource.context.doom();
  }

  answer(index: number, error?: Error): void {
    this.factory.answer(index, error);
  }

  // What operators do

  evict(): void {
    this.pool.evict();
    for (const resource of this.factory.resources.slice(-20)) resource.outdated ||= resource.delivered && resource.unheardChecks === 0;
  }

  ready(timeout: number): void {
    this.readinessAwaited += 1;
    const settled = (): void => {
      this.readinessAwaited -= 1;
    };
    this.pool.ready({ timeout }).then(settled, settled);
  }

  drain(timeout: number, queue: 'serve' | 'refuse'): void {
    if (!this.ending) this.drainDeadline = this.clock.now() + timeout;
    this.pool.drain({ timeout, queue }).then(
      (report) => {
        this.drainReport = report;
      },
      (error: unknown) => this.violation(`drain() failed: ${String(error)}`),
    );
  }

  close(): void {
    this.pool.close().catch((error: unknown) => this.violation(`close() failed: ${String(error)}`));
  }

  async advance(ms: number): Promise<void> {
    if (this.stalled) this.runsSince = this.clock.now();
    await this.clock.advance(ms);
    this.stalled = false;
  }

  /** What is under way in this turn of the event loop ends first. */
  async stall(ms: number): Promise<void> {
    await this.clock.settle();
    this.clock.stall(ms);
    this.stalled = true;
  }

  /** How many entries each key has now. */
  get usedByKey(): ReadonlyMap<string, number> {
    const used = new Map<string, number>();
    for (const lease of this.leases) {
      const key = lease.active ? this.#keys.get(lease) : undefined;
      if (key !== undefined) used.set(key, (used.get(key) ?? 0) + 1);
    }
    return used;
  }

  /** Whether a call must have ended by now. */
  overdue(call: Call): boolean {
    return !this.stalled && this.clock.now() > call.dueAt + GRANULE_MS;
  }

  /** Signals of calls that have all ended, that something still listens to. */
  get listenersLeft(): number {
    return this.#controllers.filter(({ signal }) => getEventListeners(signal, 'abort').length > 0).length;
  }

  get callsSettled(): number {
    return this.#settledCalls;
  }

  #settle(call: Call): void {
    if (call.settled) this.violation(`I2: call ${call.seq} ended twice`);
    call.settled = true;
    this.#settledCalls += 1;
    this.waiting.delete(call.seq);
  }

  /** `late`: the borrower learns a little after the fact, and the resource may be lost already. */
  #borrowed(lease: SimulatedLease, late = false): void {
    const { resource } = lease;
    if (late && !lease.active) {
      if (!resource.lost && !this.ending) this.violation(`resource ${resource.id} was taken away from its borrower`);
      this.#keepEnded(lease);
      return;
    }
    if (!lease.active) this.violation(`resource ${resource.id} was lent with a lease that is over`);
    if (resource.holder !== undefined) this.violation(`I1: resource ${resource.id} was lent twice`);
    if (resource.lost || resource.closed) this.violation(`I7: resource ${resource.id} was lent after its end`);
    if (!late) for (const what of unfitness(resource, this.pool.options, this.clock.now(), this.suspectSince)) this.violation(what);
    if (resource.busy) this.violation(`I1: resource ${resource.id} was lent while it is being checked`);
    if (resource.parked) this.violation(`resource ${resource.id} was lent while parked`);
    resource.holder = lease;
    this.leases.push(lease);
  }

  /** The caller's part of an end: it uses the resource no longer. */
  #endLease(index: number): SimulatedLease {
    const [lease] = this.leases.splice(index, 1) as [SimulatedLease];
    if (lease.resource.holder === lease) lease.resource.holder = undefined;
    else if (lease.active) this.violation(`I1: two leases of ${lease.resource.id} are active`);
    this.#keepEnded(lease);
    return lease;
  }

  #keepEnded(lease: SimulatedLease): void {
    this.endedLeases.push(lease);
    if (this.endedLeases.length > ENDED_LEASES_KEPT) this.endedLeases.shift();
  }

  /** Entries are numbered as the calls of the factory are. */
  #resourceOf(id: number): SimulatedResource {
    return this.factory.resources[id - 1] as SimulatedResource;
  }

  #openingOverdue(startedAt: number): boolean {
    const { connectTimeout } = this.pool.options;
    return connectTimeout > 0 && this.clock.now() - startedAt >= connectTimeout;
  }

  #watchEvents(): void {
    const { pool } = this;
    pool.on('failed', ({ id }) => {
      this.suspectSince = this.clock.now();
      const resource = this.#resourceOf(id);
      if (resource.failed) this.violation(`resource ${id} failed twice`);
      resource.failed = true;
      this.openings.resourceFailed(resource);
    });
    pool.on('closed', ({ id, reason }) => {
      const resource = this.#resourceOf(id);
      if (reason === 'role') this.openings.resourceFailed(resource);
      if (resource.gone) this.violation(`resource ${id} was closed twice`);
      resource.gone = true;
    });
    pool.on('stateChanged', ({ to }) => {
      if (to === 'suspended') this.toldUntil = 0;
      if (to === 'closed') this.closedSince = this.clock.now();
    });
    for (const event of ['opened', 'closed', 'failed', 'leak', 'leakReturned', 'stateChanged'] as const) {
      pool.on(event, () => this.#actInCallback());
    }
    pool.on('opened', ({ id }) => {
      this.openings.reported(id);
      this.#resourceOf(id).delivered = true;
    });
    pool.on('connectFailed', ({ id, retryInMs }) => {
      this.openings.failed(id, retryInMs);
      const { state, idle, used, checking, opening } = pool.summary();
      if (state !== 'suspended' && idle + used + checking + opening === 0) this.toldUntil = this.#calls;
      this.#actInCallback();
    });
  }

  #observeDurations(): void {
    for (const which of ['acquire', 'use', 'connect'] as const) this.pool.observeDurations(which, () => this.#actInCallback());
  }

  /** A waiter that is about to throw: its lease is the pool's again. */
  #forget(lease: SimulatedLease): void {
    const index = this.leases.indexOf(lease);
    if (index >= 0) this.#endLease(index);
  }

  #actInCallback(): void {
    this.#reenter();
    this.hostility.throwInCallback();
  }

  #reenter(): void {
    if (this.#entered >= REENTRANT_ACTIONS_PER_STEP) return;
    this.#entered += 1;
    this.reenter();
  }
}
