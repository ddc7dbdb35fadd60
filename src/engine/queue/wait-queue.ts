/** The waiter, what a queue of waiters offers, and the queue in order of arrival. */

import type { AsyncResource } from 'node:async_hooks';
import { Deadline, onAbort, Rejection, type Settle } from '../waiting/index.js';
import { answerOf, type CallSite, keepShape, type ResourceMark, type PoolError } from '../contract/index.js';
import type { Lease } from '../entries/index.js';

/** What few waiters have beside their place in the queue. */
export class Rarities {
  /** What ends its wait when its signal aborts. */
  abortion: Abortion | undefined = undefined;
  /** What its caller wants to find set up in the resource. */
  mark: ResourceMark | undefined = undefined;
  /** Where its caller is. */
  stack: CallSite | undefined = undefined;
  /** What a layer above keeps with it. */
  attachment: object | undefined = undefined;

  constructor(public context: AsyncResource | undefined) {}
}

/** What a waiter needs of the pool in whose queue it stands. */
export interface WaiterOwner<R> {
  timedOut(waiter: Waiter<R>, now: number): void;
}

/**
 * A queued acquire. Subclass it to receive a lease without a promise in between. The pool calls exactly one of `granted` and `refused`, once,
 * in the middle of its own work and in the asynchronous context of the acquire, unless `runsCode` is false. What they throw is thrown later, as an
 * uncaught exception; a waiter whose `granted` throws loses its lease, and the resource is closed.
 */
export abstract class Waiter<R> extends Deadline {
  /** @internal */ owner: WaiterOwner<R> | undefined = undefined;
  /** @internal */ ahead: Waiter<R> | undefined = undefined;
  /** @internal */ behind: Waiter<R> | undefined = undefined;
  /** @internal */ enqueuedAt = Number.NaN;
  /** Its context, or the object that has that and all that few waiters have: tens of thousands may wait at once, so each field counts. */
  #rest: AsyncResource | Rarities | undefined = undefined;

  /** Whether `granted` and `refused` do more than settle a promise. What waits for a promise continues in its own asynchronous context. */
  get runsCode(): boolean {
    return true;
  }

  /** @internal Of its caller, while it stands in the queue: who gives an entry back is another. */
  get context(): AsyncResource | undefined {
    const rest = this.#rest;
    return rest instanceof Rarities ? rest.context : rest;
  }

  set context(context: AsyncResource | undefined) {
    const rest = this.#rest;
    if (rest instanceof Rarities) rest.context = context;
    else this.#rest = context;
  }

  /** @internal What few waiters have; undefined if this one has had none of it. */
  get rarities(): Rarities | undefined {
    const rest = this.#rest;
    return rest instanceof Rarities ? rest : undefined;
  }

  /** @internal What its caller wants to find set up in the resource. */
  get mark(): ResourceMark | undefined {
    return this.rarities?.mark;
  }

  /** @internal As {@link rarities}, to be written into. */
  withRarities(): Rarities {
    const rest = this.#rest;
    if (rest instanceof Rarities) return rest;
    const rarities = new Rarities(rest);
    this.#rest = rarities;
    return rarities;
  }

  /** Whether it stands in a pool's queue. */
  get queued(): boolean {
    return this.owner !== undefined;
  }

  /** The entry is yours until you release the lease. */
  abstract granted(lease: Lease<R>): void;

  /** You will not get an entry: the one typed error says why. */
  abstract refused(error: PoolError): void;

  override expire(now: number): void {
    this.owner?.timedOut(this, now);
  }
}

/** The waiter behind `acquire()`. */
export class PromiseWaiter<R> extends Waiter<R> {
  readonly #settle: Settle<Lease<R>>;

  /** @param settle of the promise: what resolves it */
  constructor(settle: Settle<Lease<R>>) {
    super();
    this.#settle = settle;
  }

  override get runsCode(): boolean {
    return false;
  }

  override granted(lease: Lease<R>): void {
    this.#settle(lease);
  }

  override refused(error: PoolError): void {
    this.#settle(new Rejection(error));
  }
}

keepShape(PromiseWaiter);

/** Links an AbortSignal to a waiter. Kept apart so that waiters without a signal do not pay for it. */
export class Abortion {
  /** The signal does not concern the waiter any more. */
  readonly unlink: () => void;

  constructor(signal: AbortSignal, onAborted: (reason: unknown) => void) {
    this.unlink = onAbort(signal, () => onAborted(answerOf<unknown>(() => signal.reason, undefined)));
  }
}

/** Waiters, and which waiter is next. */
export interface Queue<R> {
  readonly size: number;
  /** How many waiters would be served if entries came free. */
  readonly servable: number;
  /** The waiter that is served next. */
  readonly first: Waiter<R> | undefined;
  /** The waiter that has been waiting longest. */
  readonly oldest: Waiter<R> | undefined;
  /** The waiter that is refused first when not all can stay. */
  readonly leastUrgent: Waiter<R> | undefined;
  all(): Waiter<R>[];
  /** Precondition: `waiter` is in no queue. */
  push(waiter: Waiter<R>): void;
  /** Precondition: `waiter` is in this queue. */
  remove(waiter: Waiter<R>): void;
}

/** Waiters in order of arrival. Every operation takes constant time, also taking one out of the middle. */
export class WaitQueue<R> implements Queue<R> {
  #first: Waiter<R> | undefined = undefined;
  #last: Waiter<R> | undefined = undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): Waiter<R> | undefined {
    return this.#first;
  }

  get servable(): number {
    return this.#size;
  }

  get oldest(): Waiter<R> | undefined {
    return this.#first;
  }

  get leastUrgent(): Waiter<R> | undefined {
    return this.#last;
  }

  all(): Waiter<R>[] {
    const waiters: Waiter<R>[] = [];
    for (let waiter = this.#first; waiter !== undefined; waiter = waiter.behind) waiters.push(waiter);
    return waiters;
  }

  push(waiter: Waiter<R>): void {
    const last = this.#last;
    waiter.ahead = last;
    if (last === undefined) this.#first = waiter;
    else last.behind = waiter;
    this.#last = waiter;
    this.#size += 1;
  }

  remove(waiter: Waiter<R>): void {
    const { ahead, behind } = waiter;
    if (ahead === undefined) this.#first = behind;
    else ahead.behind = behind;
    if (behind === undefined) this.#last = ahead;
    else behind.ahead = ahead;
    waiter.ahead = undefined;
    waiter.behind = undefined;
    this.#size -= 1;
  }
}
