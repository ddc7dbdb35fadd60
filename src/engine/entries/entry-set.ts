/** All entries of a pool, and every transition of an entry's life: opening, idle, used, checking, closing, closed. */

import { type Clock, type CloseReason, type ResourceMark, type PoolError, type ResourceFactory, STALL_MS } from '../contract/index.js';
import { DeadlineQueue, inRootContext } from '../waiting/index.js';
import { Entry, type EntryOwner, IdleList, Lease, type Readying } from './entry.js';
import type { CheckKind, EntrySetListener, StepTimeouts } from './entry-set-listener.js';
import { attempt, discardResource, parkResource, unparkResource } from './guarded-factory.js';

/** How long a goodbye to the other side may take before the resource is freed by force. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Every entry of a pool and the transitions of its life. It bounds each step in time and counts states. Which waiter gets which entry,
 * and when one is opened or closed, the pool decides.
 */
export class EntrySet<R> {
  readonly idle = new IdleList<R>();
  readonly #entries = new Set<Entry<R>>();
  readonly #stepDeadlines: DeadlineQueue;
  readonly #owner: EntryOwner<R>;
  readonly #preparesEach: boolean;
  readonly #closing = new Map<Entry<R>, CloseReason>();
  #lastId = 0;
  #opening = 0;
  #used = 0;
  #checking = 0;
  #preparing = 0;

  constructor(
    private readonly factory: ResourceFactory<R>,
    private readonly clock: Clock,
    private readonly timeouts: StepTimeouts,
    private readonly listener: EntrySetListener<R>,
    leases: Pick<EntryOwner<R>, 'releaseLease' | 'destroyLease'>,
  ) {
    // Sockets and waiters keep the process alive where a caller waits for a step; its time limit alone must not.
    this.#stepDeadlines = new DeadlineQueue(clock, { holdsProcess: false });
    this.#preparesEach = factory.preparesEach === true;
    this.#owner = { ...leases, stepOverdue: (entry, now, lateMs) => this.#stepOverdue(entry, now, lateMs) };
  }

  /** All entries, in any state. */
  get size(): number {
    return this.#entries.size;
  }

  get opening(): number {
    return this.#opening;
  }

  get used(): number {
    return this.#used;
  }

  /** Entries that are validated or cleaned: of use to any waiter. */
  get checking(): number {
    return this.#checking;
  }

  /** Entries that are made ready, each for a waiter of its own. */
  get preparing(): number {
    return this.#preparing;
  }

  get closing(): number {
    return this.#closing.size;
  }

  /** Entries that are open and not on their way out. */
  get usable(): number {
    return this.idle.size + this.#used + this.#checking + this.#preparing;
  }

  [Symbol.iterator](): IterableIterator<Entry<R>> {
    return this.#entries.values();
  }

  openEntry(generation: number, now: number): void {
    this.#lastId += 1;
    const entry = new Entry<R>(this.#lastId, this.#owner, generation, now);
    entry.plain = !this.#preparesEach;
    this.#entries.add(entry);
    this.#opening += 1;
    this.#boundStep(entry, this.timeouts.connectTimeout, now);
    const context = {
      signal: entry.abort.signal,
      lost: (error: unknown) => this.loseEntry(entry, error),
      doom: (reason: CloseReason = 'lost', error?: unknown) => this.#doomEntry(entry, reason, error),
      unmark: () => this.markEntry(entry, undefined),
      isLent: () => entry.state === 'used',
    };
    inRootContext(() => {
      attempt(() => this.factory.open(context)).then(
        (resource) => this.#resourceOpened(entry, resource),
        (error: unknown) => this.#openingFailed(entry, error),
      );
    });
  }

  /** Precondition: the entry is idle, or a step of it has just ended well. */
  lendEntry(entry: Entry<R>, now: number): Lease<R> {
    if (entry.state !== 'used') {
      this.#leaveState(entry);
      entry.state = 'used';
      this.#used += 1;
    }
    entry.leasedAt = now;
    entry.uses += 1;
    if (entry.uses === entry.lastUse) entry.doomed ??= 'uses';
    const lease = new Lease(entry);
    entry.lease = lease;
    // Last: the factory may lose the resource while it unparks it, which ends this lease.
    if (entry.parked) {
      entry.parked = false;
      unparkResource(this.factory, entry.resource as R, 'lent');
    }
    return lease;
  }

  /** Precondition: the entry is not lent, and its last step has ended well. */
  parkEntry(entry: Entry<R>, now: number): void {
    this.#leaveState(entry);
    entry.state = 'idle';
    entry.idleSince = now;
    this.idle.push(entry);
    if (!entry.parked) {
      entry.parked = true;
      parkResource(this.factory, entry.resource as R);
    }
  }

  /** What is set up in an entry from now on. */
  markEntry(entry: Entry<R>, mark: ResourceMark | undefined): void {
    entry.mark = mark;
    entry.plain = mark === undefined && !this.#preparesEach;
  }

  /** Makes an entry ready for a waiter. Precondition: it is idle, or its last step or lease has just ended well. */
  readyEntry(entry: Entry<R>, readying: Readying, now: number): void {
    this.#leaveState(entry);
    entry.state = 'preparing';
    entry.readying = readying;
    this.#preparing += 1;
    this.#boundStep(entry, this.timeouts.hookTimeout, now);
    const step = entry.step;
    const ended = (refusal: PoolError | undefined): void => {
      if (entry.step === step) this.#endReadying(entry)?.ended(refusal, this.clock.now());
    };
    const failed = (error: unknown): void => {
      if (entry.step === step) this.#endReadying(entry)?.failed(error, this.clock.now());
    };
    // Not in the middle of this transition: callers' code runs there.
    Promise.resolve()
      .then(() => (entry.step === step ? readying.run() : undefined))
      .then(ended, failed);
  }

  /** Asks an idle entry whether it still answers. */
  validateEntry(entry: Entry<R>, now: number): void {
    this.#startCheck(entry, 'validation', () => attempt(() => this.factory.validate(entry.resource as R)), now);
  }

  /** Asks the factory to clean the resource of an entry that was given back. Precondition: the entry's lease has just ended. */
  startCleaning(entry: Entry<R>): Promise<void> | undefined {
    try {
      return this.factory.recycle?.(entry.resource as R);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Awaits `cleaning`; the entry is lent again when it resolves. Precondition: the entry was just given back. */
  cleanEntry(entry: Entry<R>, cleaning: Promise<void>, now: number): void {
    // It may be no promise, or one that cannot be asked.
    this.#startCheck(entry, 'cleaning', () => Promise.resolve(cleaning), now);
  }

  /** Closes an entry in any state. Its lease, if there is one, is over. */
  closeEntry(entry: Entry<R>, reason: CloseReason, force: boolean, now: number, allowedMs = CLOSE_TIMEOUT_MS): void {
    if (entry.state === 'closed') return;
    if (entry.state === 'opening' && entry.resource === undefined) {
      // Stops waiting for it, not only asks it to stop: a factory that ignores the signal must not hold the place.
      this.#abandonOpening(entry, reason);
      return;
    }
    entry.readying?.abandoned(now);
    entry.readying = undefined;
    const firstReason = this.#closing.get(entry) ?? reason;
    this.#leaveState(entry);
    entry.state = 'closing';
    entry.lease = undefined;
    this.#closing.set(entry, firstReason);
    this.#boundStep(entry, allowedMs, now);
    if (!force && entry.parked) {
      // It is needed once more: without a goodbye that may keep the process alive, the pool's end might never come.
      entry.parked = false;
      unparkResource(this.factory, entry.resource as R, 'closing');
    }
    const step = entry.step;
    const done = (): void => {
      if (entry.step === step) this.#resourceClosed(entry);
    };
    inRootContext(() => {
      attempt(() => this.factory.close(entry.resource as R, { reason, force })).then(done, done);
    });
  }

  /** The resource failed by itself. */
  loseEntry(entry: Entry<R>, error: unknown): void {
    switch (entry.state) {
      case 'opening':
        // The promise of `open` reports a failure, but it may have been resolved a moment ago.
        entry.lostEarly ??= { error };
        return;
      case 'closed':
        return;
      case 'closing':
        this.#resourceClosed(entry);
        return;
      case 'idle':
      case 'used':
      case 'checking':
      case 'preparing':
        this.#failEntry(entry, 'lost', error, this.clock.now());
    }
  }

  stopTimers(): void {
    this.#stepDeadlines.stop();
  }

  #doomEntry(entry: Entry<R>, reason: CloseReason, error: unknown): void {
    entry.closedFor ??= error;
    entry.doomed ??= reason;
    if (entry.state === 'idle') this.closeEntry(entry, entry.doomed, false, this.clock.now());
  }

  /** `start` comes last: the factory may lose the resource while it asks. */
  #startCheck(entry: Entry<R>, kind: CheckKind, start: () => Promise<void>, now: number): void {
    this.#leaveState(entry);
    entry.state = 'checking';
    entry.checkedFor = kind === 'validation' ? 'validation' : 'hygiene';
    this.#checking += 1;
    const { validationTimeout, hookTimeout } = this.timeouts;
    const hookMs = kind === 'cleaning' && this.factory.recyclesByHook === true ? hookTimeout : 0;
    this.#boundStep(entry, validationTimeout + hookMs, now);
    const step = entry.step;
    const checked = (): void => {
      if (entry.step !== step) return;
      this.#endStep(entry);
      const provenAt = this.clock.now();
      entry.provenAt = provenAt;
      this.listener.entryChecked(entry, kind, provenAt);
    };
    const failed = (error: unknown): void => {
      if (entry.step === step) this.#failEntry(entry, entry.checkedFor, error, this.clock.now());
    };
    inRootContext(() => {
      start().then(checked, failed);
    });
  }

  #resourceOpened(entry: Entry<R>, resource: R): void {
    if (entry.state !== 'opening') {
      // Given up meanwhile: it is not counted any more.
      discardResource(this.factory, resource, 'pool');
      return;
    }
    if (entry.lostEarly !== undefined) {
      discardResource(this.factory, resource, 'lost');
      this.#openingFailed(entry, entry.lostEarly.error);
      return;
    }
    this.#endStep(entry);
    const now = this.clock.now();
    entry.resource = resource;
    entry.provenAt = now;
    this.listener.entryOpened(entry, now - entry.createdAt, now);
  }

  #openingFailed(entry: Entry<R>, error: unknown): void {
    if (entry.state !== 'opening') return;
    this.#leaveState(entry);
    this.#forgetEntry(entry);
    this.listener.openingFailed(entry, error, this.clock.now());
  }

  #abandonOpening(entry: Entry<R>, reason: CloseReason): void {
    this.#leaveState(entry);
    this.#forgetEntry(entry);
    entry.abort.abort(new Error(`The opening was given up (${reason}).`));
  }

  /** @param lateMs so long did this process stand still at the least: the step, which may be of many, gets as much more time */
  #stepOverdue(entry: Entry<R>, now: number, lateMs: number): void {
    const { connectTimeout, validationTimeout, hookTimeout } = this.timeouts;
    if (lateMs >= STALL_MS && entry.state !== 'closing') {
      this.#boundStep(entry, Math.min(lateMs, entry.state === 'opening' ? connectTimeout : validationTimeout), now);
      return;
    }
    switch (entry.state) {
      case 'opening': {
        const error = overdueError(`Opening took longer than ${connectTimeout} ms.`);
        this.#openingFailed(entry, error);
        entry.abort.abort(error);
        return;
      }
      case 'checking':
        this.#failEntry(entry, entry.checkedFor, overdueError(`No answer within ${validationTimeout} ms.`), now);
        return;
      case 'preparing':
        this.#endReadying(entry)?.failed(overdueError(`It took longer than ${hookTimeout} ms.`), now);
        return;
      case 'closing': {
        const reason = this.#closing.get(entry) as CloseReason;
        discardResource(this.factory, entry.resource as R, reason);
        // Unless the factory has reported its end meanwhile.
        if (this.#closing.has(entry)) this.#resourceClosed(entry);
        return;
      }
      case 'idle':
      case 'used':
      case 'closed':
        throw new Error(`bug: an entry that is ${entry.state} has no step that could be overdue`);
    }
  }

  #failEntry(entry: Entry<R>, reason: CloseReason, error: unknown, now: number): void {
    this.listener.entryFailed(entry, now);
    this.closeEntry(entry, reason, true, now);
    this.listener.entryLeaving(entry, error, now);
  }

  #resourceClosed(entry: Entry<R>): void {
    const reason = this.#closing.get(entry) as CloseReason;
    this.#leaveState(entry);
    this.#forgetEntry(entry);
    this.listener.entryClosed(entry, reason, this.clock.now());
  }

  #forgetEntry(entry: Entry<R>): void {
    entry.state = 'closed';
    this.#entries.delete(entry);
  }

  /** Takes the entry out of its state: its count, its list, its running step. */
  #leaveState(entry: Entry<R>): void {
    switch (entry.state) {
      case 'idle':
        this.idle.remove(entry);
        return;
      case 'used':
        this.#used -= 1;
        return;
      case 'opening':
        this.#opening -= 1;
        break;
      case 'checking':
        this.#checking -= 1;
        break;
      case 'preparing':
        this.#preparing -= 1;
        break;
      case 'closing':
        this.#closing.delete(entry);
        break;
      case 'closed':
        throw new Error('bug: a closed entry has no way back');
    }
    this.#endStep(entry);
  }

  #endReadying(entry: Entry<R>): Readying | undefined {
    const { readying } = entry;
    entry.readying = undefined;
    this.#endStep(entry);
    return readying;
  }

  #boundStep(entry: Entry<R>, allowedMs: number, now: number): void {
    if (allowedMs > 0) this.#stepDeadlines.add(entry, now + allowedMs);
  }

  #endStep(entry: Entry<R>): void {
    entry.step += 1;
    this.#stepDeadlines.remove(entry);
  }
}

function overdueError(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}
