/** The two ends of a wait, where the waiter's own code runs: guarded, so that it can disturb no other waiter. */

import type { AsyncResource } from 'node:async_hooks';
import { throwLater } from '../waiting/index.js';
import type { Lease } from '../entries/index.js';
import { PoolError } from '../contract/index.js';
import { Abortion, type Waiter, type WaiterOwner } from './wait-queue.js';

/**
 * Hands a lease to its waiter. A waiter that throws loses the lease: it may have kept the resource and used it, so the resource is closed and not
 * lent again. If the waiter has given it back already, nothing is lost. Precondition: the waiter is in no queue.
 */
export function grantLease<R>(waiter: Waiter<R>, lease: Lease<R>): void {
  unlinkSignal(waiter);
  try {
    const { context } = waiter;
    if (context === undefined) waiter.granted(lease);
    else leaveQueue(waiter, context).runInAsyncScope(grant<R>, undefined, waiter, lease);
  } catch (error) {
    throwLater(error);
    lease.destroy();
  }
}

/** Refuses a waiter. Precondition: it is in no queue. */
export function refuseWaiter<R>(waiter: Waiter<R>, error: PoolError): void {
  unlinkSignal(waiter);
  try {
    const { context } = waiter;
    if (context === undefined) waiter.refused(error);
    else leaveQueue(waiter, context).runInAsyncScope(refuse<R>, undefined, waiter, error);
  } catch (thrown) {
    throwLater(thrown);
  }
}

function grant<R>(waiter: Waiter<R>, lease: Lease<R>): void {
  waiter.granted(lease);
}

function refuse<R>(waiter: Waiter<R>, error: PoolError): void {
  waiter.refused(error);
}

/** What its code does now may queue it again. */
function leaveQueue<R>(waiter: Waiter<R>, context: AsyncResource): AsyncResource {
  waiter.context = undefined;
  return context;
}

function unlinkSignal<R>(waiter: Waiter<R>): void {
  const { rarities } = waiter;
  if (rarities?.abortion === undefined) return;
  rarities.abortion.unlink();
  rarities.abortion = undefined;
}

/**
 * Ends a wait when its signal aborts. Precondition: the waiter is in the queue, so that all counts are true when the signal, which may be a library's,
 * runs its own code.
 *
 * @returns why it is to be refused, if the signal cannot be listened to
 */
export function linkSignal<R>(
  waiter: Waiter<R>,
  signal: AbortSignal,
  owner: WaiterOwner<R>,
  onAborted: (reason: unknown) => void,
): PoolError | undefined {
  try {
    const abortion = new Abortion(signal, onAborted);
    if (waiter.owner === owner) waiter.withRarities().abortion = abortion;
    else abortion.unlink();
  } catch (cause) {
    if (waiter.owner !== owner) return undefined;
    return new PoolError('POOL_OPTION_INVALID', 'signal must be an AbortSignal that accepts listeners.', { cause });
  }
  return undefined;
}
