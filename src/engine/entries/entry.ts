/** An entry with its state, the lease on it, and the list of idle entries. */

import { type CallSite, type CloseReason, type EntryState, keepShape, type ResourceMark, type PoolError } from '../contract/index.js';
import { Deadline } from '../waiting/index.js';

/** What entries and leases need of the pool that they belong to. */
export interface EntryOwner<R> {
  /** An entry's opening, check or closing took longer than it may. */
  stepOverdue(entry: Entry<R>, now: number, lateMs: number): void;
  releaseLease(lease: Lease<R>): boolean;
  destroyLease(lease: Lease<R>): boolean;
}

/** A resource that is made ready for one waiter. */
export interface Readying {
  /** Does it. May throw. */
  run(): Promise<PoolError | undefined> | undefined;
  /** It is ready, or `refusal` says why its waiter gets no resource. No step of the entry runs. */
  ended(refusal: PoolError | undefined, now: number): void;
  /** It failed: the entry must be closed. */
  failed(error: unknown, now: number): void;
  /** The entry is closed for another reason. To take note only: it happens in the middle of a transition. */
  abandoned(now: number): void;
}

/**
 * One pooled resource and its state. A link of the idle list and of the deadline queue itself.
 * Only EntrySet changes it.
 */
export class Entry<R> extends Deadline {
  state: EntryState = 'opening';
  /** Present from the moment the resource is open. */
  resource: R | undefined = undefined;
  /** The current borrower's lease. A lease that is not this one is over. */
  lease: Lease<R> | undefined = undefined;
  /** When the current lease began. */
  leasedAt = 0;
  /** When it last went idle. */
  idleSince = 0;
  /** When it was last known to work: opened, given back, or validated. */
  provenAt = 0;
  /** When its life ends. */
  retireAt = Number.POSITIVE_INFINITY;
  /** What a borrower has asked to find set up in it, and is there. */
  mark: ResourceMark | undefined = undefined;
  /** A borrower who asks for no mark gets it as it is. */
  plain = true;
  /** Present while it is made ready for a waiter. */
  readying: Readying | undefined = undefined;
  /** How often it was lent. */
  uses = 0;
  /** It is closed after this many uses; 0 = it is not. */
  lastUse = 0;
  /** The lease that was ended by the pool, because its borrower did not. */
  reclaimed: Lease<R> | undefined = undefined;
  /** Closed instead of lent again, for this reason. */
  doomed: CloseReason | undefined = undefined;
  /** What it is closed for, where its closing reports it. */
  closedFor: unknown = undefined;
  /** Counts the asynchronous steps, so that the late answer of an abandoned one is known for what it is. */
  step = 0;
  /** What it is closed for if the check that runs does not end well. */
  checkedFor: 'validation' | 'hygiene' = 'validation';
  /** The factory reported the resource as lost before it reported it as open. */
  lostEarly: { readonly error: unknown } | undefined = undefined;
  /** The current lease was reported as a leak. */
  leakReported = false;
  /** The last lease that was reported as a long use. */
  longUse: Lease<R> | undefined = undefined;
  /** Where it was borrowed; captured only while leak detection is on. */
  borrowedAt: CallSite | undefined = undefined;
  readonly abort: AbortController;
  /** No borrower needs the resource: so it is from the start, and stays while it is validated. */
  parked = true;
  /** Links of the idle list. */
  newer: Entry<R> | undefined = undefined;
  older: Entry<R> | undefined = undefined;

  constructor(
    readonly id: number,
    readonly owner: EntryOwner<R>,
    readonly generation: number,
    readonly createdAt: number,
  ) {
    super();
    this.abort = new AbortController();
  }

  override expire(now: number, lateMs: number): void {
    this.owner.stepOverdue(this, now, lateMs);
  }
}

/**
 * The right to use a resource until it is released. Each acquire makes a new one, so a second release, or a release
 * after another caller has borrowed the same resource, is recognised and does nothing.
 */
export class Lease<R> {
  readonly #entry: Entry<R>;
  /** The borrowed resource. It must not be used after the lease is over. */
  readonly resource: R;

  /** @internal */
  constructor(entry: Entry<R>) {
    this.#entry = entry;
    this.resource = entry.resource as R;
  }

  /** @internal */
  get entry(): Entry<R> {
    return this.#entry;
  }

  /** False once it was released or destroyed, and once the resource was lost. */
  get active(): boolean {
    return this.#entry.lease === this;
  }

  /** Whether the pool has ended it, because the resource was not given back; see `leakAction`. */
  get reclaimed(): boolean {
    return this.#entry.reclaimed === this;
  }

  /** Gives the resource back. Returns false, and does nothing, when this lease is over already. */
  release(): boolean {
    return this.#entry.owner.releaseLease(this);
  }

  /** Closes the resource instead of giving it back. Returns false when this lease is over already. */
  destroy(): boolean {
    return this.#entry.owner.destroyLease(this);
  }

  /** The resource is closed when it is released, not lent again. */
  evict(): void {
    if (this.active) this.#entry.doomed ??= 'evicted';
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

keepShape(Lease, {});

/** Idle entries, the most recently used first. Adding and taking out, at either end or in the middle, take constant time. */
export class IdleList<R> {
  #newest: Entry<R> | undefined = undefined;
  #oldest: Entry<R> | undefined = undefined;
  #size = 0;
  /** The largest size since who reads this has set it. */
  most = 0;

  get newest(): Entry<R> | undefined {
    return this.#newest;
  }

  get oldest(): Entry<R> | undefined {
    return this.#oldest;
  }

  get size(): number {
    return this.#size;
  }

  /** The entry that has this mark, else one that has none, else any: the most recently used of those that pass. */
  bestFor(mark: ResourceMark | undefined, passes: (entry: Entry<R>) => boolean): Entry<R> | undefined {
    let best: Entry<R> | undefined;
    for (let entry = this.#newest; entry !== undefined; entry = entry.older) {
      const isSame = entry.mark?.key === mark?.key;
      if (!isSame && best !== undefined && (best.mark === undefined || entry.mark !== undefined)) continue;
      if (!passes(entry)) continue;
      if (isSame) return entry;
      best = entry;
    }
    return best;
  }

  /** Precondition: `entry` is in no list. */
  push(entry: Entry<R>): void {
    const newest = this.#newest;
    entry.older = newest;
    if (newest === undefined) this.#oldest = entry;
    else newest.newer = entry;
    this.#newest = entry;
    this.#size += 1;
    if (this.#size > this.most) this.most = this.#size;
  }

  /** Precondition: `entry` is in this list. */
  remove(entry: Entry<R>): void {
    const { newer, older } = entry;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    entry.newer = undefined;
    entry.older = undefined;
    this.#size -= 1;
  }
}
