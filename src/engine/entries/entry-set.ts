/** All entries of a pool, and every transition of an entry's life: opening, idle, used, checking, closing, closed. */

import { type Clock, type CloseReason, type ResourceFactory, STALL_MS } from '../contract/index.js';
import { DeadlineQueue, ignore, throwLater } from '../waiting/index.js';
import { Entry, type EntryOwner, IdleList, Lease } from './entry.js';

/** How long a goodbye to the other side may take before the resource is freed by force. */
const CLOSE_TIMEOUT_MS = 1_000;

/** What the set reports. Each call but `entryFailed` is the last thing that a transition does, with all counts true. */
export interface EntrySetListener<R> {
  /** A new resource is there. */
  entryOpened(entry: Entry<R>, openMs: number, now: number): void;
  openingFailed(entry: Entry<R>, error: unknown, now: number): void;
  /** A validation or cleaning went well. */
  entryChecked(entry: Entry<R>, kind: CheckKind, now: number): void;
  /** An entry failed by itself, while idle, lent or being checked. To take note only: it is about to be closed. */
  entryFailed(entry: Entry<R>, now: number): void;
  /** A failed entry is on its way out: a waiter that it might have served needs another. */
  entryLeaving(entry: Entry<R>, error: unknown, now: number): void;
  /** An entry was closed: its place is free. */
  entryClosed(entry: Entry<R>, reason: CloseReason, now: number): void;
}

/** `validation`: does the resource still answer? `cleaning`: is its session clean again? */
export type CheckKind = 'validation' | 'cleaning';

/** Bounds of an entry's steps, in milliseconds; 0 = none. */
export interface StepTimeouts {
  readonly connectTimeout: number;
  readonly validationTimeout: number;
}

/**
 * Every entry of a pool and the transitions of its life. It bounds each step in time and counts states. Which waiter gets which entry,
 * and when one is opened or closed, the pool decides.
 */
export class EntrySet<R> {
  readonly idle = new IdleList<R>();
  readonly #entries = new Set<Entry<R>>();
  readonly #stepDeadlines: DeadlineQueue;
  readonly #owner: EntryOwner<R>;
  readonly #closing = new Map<Entry<R>, CloseReason>();
  #lastId = 0;
  #opening = 0;
  #used = 0;
  #checking = 0;

  constructor(
    private readonly factory: ResourceFactory<R>,
    private readonly clock: Clock,
    private readonly timeouts: StepTimeouts,
    private readonly listener: EntrySetListener<R>,
    leases: Pick<EntryOwner<R>, 'releaseLease' | 'destroyLease'>,
  ) {
    // Sockets and waiters keep the process alive where a caller waits for a step; its time limit alone must not.
    this.#stepDeadlines = new DeadlineQueue(clock, { holdsProcess: false });
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

  get checking(): number {
    return this.#checking;
  }

  get closing(): number {
    return this.#closing.size;
  }

  /** Entries that are open and not on their way out. */
  get usable(): number {
    return this.idle.size + this.#used + this.#checking;
  }

  [Symbol.iterator](): IterableIterator<Entry<R>> {
    return this.#entries.values();
  }

  openEntry(generation: number, now: number): void {
    this.#lastId += 1;
    const entry = new Entry<R>(this.#lastId, this.#owner, generation, now);
    this.#entries.add(entry);
    this.#opening += 1;
    this.#boundStep(entry, this.timeouts.connectTimeout, now);
    const context = {
      signal: entry.abort.signal,
      lost: (error: unknown) => this.loseEntry(entry, error),
      doom: () => this.#doomEntry(entry),
      isLent: () => entry.state === 'used',
    };
    attempt(() => this.factory.open(context)).then(
      (resource) => this.#resourceOpened(entry, resource),
      (error: unknown) => this.#openingFailed(entry, error),
    );
  }

  /** Precondition: the entry is idle, or a step of it has just ended well. */
  lendEntry(entry: Entry<R>, now: number): Lease<R> {
    if (entry.state !== 'used') {
      this.#leaveState(entry);
      entry.state = 'used';
      this.#used += 1;
    }
    entry.leasedAt = now;
    const lease = new Lease(entry);
    entry.lease = lease;
    // Last: the factory may lose the resource while it unparks it, which ends this lease.
    if (entry.parked) {
      entry.parked = false;
      this.#unparkResource(entry, 'lent');
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
      this.#parkResource(entry);
    }
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
    const firstReason = this.#closing.get(entry) ?? reason;
    this.#leaveState(entry);
    entry.state = 'closing';
    entry.lease = undefined;
    this.#closing.set(entry, firstReason);
    this.#boundStep(entry, allowedMs, now);
    if (!force && entry.parked) {
      // It is needed once more: without a goodbye that may keep the process alive, the pool's end might never come.
      entry.parked = false;
      this.#unparkResource(entry, 'closing');
    }
    const step = entry.step;
    const closing = attempt(() => this.factory.close(entry.resource as R, { reason, force }));
    const done = (): void => {
      if (entry.step === step) this.#resourceClosed(entry);
    };
    closing.then(done, done);
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
        this.#failEntry(entry, 'lost', error, this.clock.now());
    }
  }

  stopTimers(): void {
    this.#stepDeadlines.stop();
  }

  #doomEntry(entry: Entry<R>): void {
    entry.doomed ??= 'lost';
    if (entry.state === 'idle') this.closeEntry(entry, entry.doomed, false, this.clock.now());
  }

  /** A throw is the process's problem: a transition that was given up half-way would leave callers waiting without end. */
  #parkResource(entry: Entry<R>): void {
    try {
      this.factory.park?.(entry.resource as R);
    } catch (error) {
      throwLater(error);
    }
  }

  /** As {@link #park}. */
  #unparkResource(entry: Entry<R>, why: 'lent' | 'closing'): void {
    try {
      this.factory.unpark?.(entry.resource as R, why);
    } catch (error) {
      throwLater(error);
    }
  }

  /** `start` comes last: the factory may lose the resource while it asks. */
  #startCheck(entry: Entry<R>, kind: CheckKind, start: () => Promise<void>, now: number): void {
    this.#leaveState(entry);
    entry.state = 'checking';
    entry.checkedFor = kind === 'validation' ? 'validation' : 'hygiene';
    this.#checking += 1;
    this.#boundStep(entry, this.timeouts.validationTimeout, now);
    const step = entry.step;
    start().then(
      () => {
        if (entry.step !== step) return;
        this.#endStep(entry);
        const provenAt = this.clock.now();
        entry.provenAt = provenAt;
        this.listener.entryChecked(entry, kind, provenAt);
      },
      (error: unknown) => {
        if (entry.step === step) this.#failEntry(entry, entry.checkedFor, error, this.clock.now());
      },
    );
  }

  #resourceOpened(entry: Entry<R>, resource: R): void {
    if (entry.state !== 'opening') {
      // Given up meanwhile: it is not counted any more.
      this.#discardResource(resource, 'pool');
      return;
    }
    if (entry.lostEarly !== undefined) {
      this.#discardResource(resource, 'lost');
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
    const { connectTimeout, validationTimeout } = this.timeouts;
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
      case 'closing': {
        const reason = this.#closing.get(entry) as CloseReason;
        this.#discardResource(entry.resource as R, reason);
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

  #discardResource(resource: R, reason: CloseReason): void {
    attempt(() => this.factory.close(resource, { reason, force: true })).then(ignore, ignore);
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
      case 'closing':
        this.#closing.delete(entry);
        break;
      case 'closed':
        throw new Error('bug: a closed entry has no way back');
    }
    this.#endStep(entry);
  }

  #boundStep(entry: Entry<R>, allowedMs: number, now: number): void {
    if (allowedMs > 0) this.#stepDeadlines.add(entry, now + allowedMs);
  }

  #endStep(entry: Entry<R>): void {
    entry.step += 1;
    this.#stepDeadlines.remove(entry);
  }
}

/** Calls a function of the factory so that a throw is a rejection. */
async function attempt<T>(step: () => Promise<T> | undefined): Promise<T> {
  return (await step()) as T;
}

function overdueError(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}
