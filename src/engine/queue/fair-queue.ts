/** A queue of waiters by priority and, within a priority, by keys that take turns. */

import type { Entry } from '../entries/index.js';
import { type Queue, type Waiter, WaitQueue } from './wait-queue.js';

/** How urgent an acquire is. Within one priority, and one fairness key, it is first come, first served. */
export type Priority = 'high' | 'normal' | 'low';

export const PRIORITIES: readonly Priority[] = ['high', 'normal', 'low'];

/** So often in a row less urgent waiters are passed over; then one of them is served. */
const PATIENCE = 8;

/** The waiters of one key and one priority, in order of arrival. A link of the ring of those that may be served. */
class Line<R> extends WaitQueue<R> {
  next: Line<R> = this;
  previous: Line<R> = this;
  inRing = false;

  constructor(
    readonly account: Account<R>,
    readonly rank: number,
  ) {
    super();
  }
}

/** What a key has: entries in use, and waiters. Waiters without a key share one account, which has no limit. */
class Account<R> {
  used = 0;
  waiting = 0;
  /** It has its share of the entries: its waiters are passed over until it gives one back. */
  full = false;
  readonly lines: readonly Line<R>[];

  constructor(readonly key: string | undefined) {
    this.lines = PRIORITIES.map((_, rank) => new Line(this, rank));
  }
}

/** Lines of one priority that take turns. */
class Ring<R> {
  /** Whose turn it is. */
  current: Line<R> | undefined = undefined;
  /** How many waiters were served since one of this ring was, though it had waiters. */
  passedOver = 0;

  /** Its turn comes after all others'. */
  add(line: Line<R>): void {
    line.inRing = true;
    const { current } = this;
    if (current === undefined) {
      this.current = line;
      return;
    }
    line.next = current;
    line.previous = current.previous;
    current.previous.next = line;
    current.previous = line;
  }

  remove(line: Line<R>): void {
    line.inRing = false;
    if (this.current === line) this.current = line.next === line ? undefined : line.next;
    line.previous.next = line.next;
    line.next.previous = line.previous;
    line.next = line;
    line.previous = line;
    if (this.current === undefined) this.passedOver = 0;
  }

  passTurn(): void {
    this.current = this.current?.next;
  }
}

/**
 * Waiters by priority, and within a priority by key in turns: the waiters of a key that has many wait for each other, and not the other keys'. Every operation takes
 * constant time, but the choice of whom to refuse first, which looks at every key that waits.
 */
export class FairQueue<R> implements Queue<R> {
  readonly #accounts = new Map<string | undefined, Account<R>>();
  /** Where each waiter stands. In order of arrival. */
  readonly #places = new Map<Waiter<R>, Line<R>>();
  readonly #borrowers = new Map<Entry<R>, Account<R>>();
  readonly #rings: readonly Ring<R>[] = PRIORITIES.map(() => new Ring<R>());
  /** Waiters whose key has its share. */
  #blocked = 0;

  /** @param share the most entries that one key may have; 0 = no limit */
  constructor(private readonly share: number) {}

  get size(): number {
    return this.#places.size;
  }

  get servable(): number {
    return this.#places.size - this.#blocked;
  }

  get first(): Waiter<R> | undefined {
    return this.#nextRing()?.current?.first;
  }

  get oldest(): Waiter<R> | undefined {
    return this.#places.keys().next().value;
  }

  /** The newest waiter of the longest line among the least urgent. */
  get leastUrgent(): Waiter<R> | undefined {
    for (let rank = PRIORITIES.length - 1; rank >= 0; rank -= 1) {
      let longest: Line<R> | undefined;
      for (const { lines } of this.#accounts.values()) {
        const line = lines[rank] as Line<R>;
        if (line.size > (longest?.size ?? 0)) longest = line;
      }
      if (longest !== undefined) return longest.leastUrgent;
    }
    return undefined;
  }

  all(): Waiter<R>[] {
    return [...this.#places.keys()];
  }

  push(waiter: Waiter<R>, priority: Priority = 'normal', key?: string): void {
    const account = this.#accountOf(key);
    const line = account.lines[PRIORITIES.indexOf(priority)] as Line<R>;
    this.#places.set(waiter, line);
    line.push(waiter);
    account.waiting += 1;
    if (account.full) this.#blocked += 1;
    else if (!line.inRing) this.#ringOf(line).add(line);
  }

  remove(waiter: Waiter<R>): void {
    const line = this.#places.get(waiter) as Line<R>;
    const { account } = line;
    this.#places.delete(waiter);
    line.remove(waiter);
    account.waiting -= 1;
    if (account.full) this.#blocked -= 1;
    else if (line.size === 0) this.#ringOf(line).remove(line);
    this.#forgetIdleAccount(account);
  }

  /** The first one is about to get an entry: the next turn is another's. To be called before it is removed. */
  noteServing(waiter: Waiter<R>, entry: Entry<R>): void {
    const line = this.#places.get(waiter) as Line<R>;
    const { account } = line;
    for (const ring of this.#rings) if (ring.current !== undefined) ring.passedOver += 1;
    const ring = this.#ringOf(line);
    ring.passedOver = 0;
    if (ring.current === line) ring.passTurn();
    account.used += 1;
    this.#borrowers.set(entry, account);
    if (this.share > 0 && account.key !== undefined && account.used >= this.share) this.#blockAccount(account);
  }

  /** An entry is in use no more. */
  noteReturn(entry: Entry<R>): void {
    const account = this.#borrowers.get(entry);
    if (account === undefined) return;
    this.#borrowers.delete(entry);
    account.used -= 1;
    if (account.full) this.#unblockAccount(account);
    this.#forgetIdleAccount(account);
  }

  /** The most urgent who can be served, unless others have been passed over too often. */
  #nextRing(): Ring<R> | undefined {
    let next: Ring<R> | undefined;
    for (const ring of this.#rings) {
      if (ring.current === undefined) continue;
      if (next === undefined || (ring.passedOver >= PATIENCE && ring.passedOver > next.passedOver)) next = ring;
    }
    return next;
  }

  /** Precondition: its lines are in their rings. */
  #blockAccount(account: Account<R>): void {
    account.full = true;
    this.#blocked += account.waiting;
    for (const line of account.lines) if (line.inRing) this.#ringOf(line).remove(line);
  }

  #unblockAccount(account: Account<R>): void {
    account.full = false;
    this.#blocked -= account.waiting;
    for (const line of account.lines) if (line.size > 0) this.#ringOf(line).add(line);
  }

  #ringOf(line: Line<R>): Ring<R> {
    return this.#rings[line.rank] as Ring<R>;
  }

  #accountOf(key: string | undefined): Account<R> {
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = new Account(key);
      this.#accounts.set(key, account);
    }
    return account;
  }

  /** Keys come from outside: those that have nothing here are not kept. */
  #forgetIdleAccount({ key, used, waiting }: Account<R>): void {
    if (used === 0 && waiting === 0) this.#accounts.delete(key);
  }
}
