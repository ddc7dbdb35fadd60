/** Refusals of acquires that were not taken: they reach their callers in the next turn of the event loop. */

import { setImmediate, type PoolError } from '../contract/index.js';
import { inRootContext, thisContext } from '../waiting/index.js';
import { refuseWaiter } from './settle-waiter.js';
import type { Waiter } from './wait-queue.js';

/** Calls back in the next turn of the event loop. */
export type NextTurn = (callback: () => void) => void;

/** A waiter that gets no entry, and why. */
interface Refusal<R> {
  readonly waiter: Waiter<R>;
  readonly error: PoolError;
}

/**
 * A caller that asks again as soon as it is refused would have its next refusal before any timer or socket is looked at, and what could end the
 * refusals, such as a reconnect, would never come. So each turn of the event loop has one round of refusals, for all callers together.
 */
export class Refusals<R> {
  #pending: Refusal<R>[] = [];

  constructor(private readonly nextTurn: NextTurn = setImmediate) {}

  /** Precondition: the waiter is in no queue. */
  add(waiter: Waiter<R>, error: PoolError): void {
    if (waiter.runsCode) waiter.context ??= thisContext();
    this.#pending.push({ waiter, error });
    if (this.#pending.length === 1) inRootContext(() => this.nextTurn(() => this.#refuseAll()));
  }

  #refuseAll(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const { waiter, error } of pending) refuseWaiter(waiter, error);
  }
}
