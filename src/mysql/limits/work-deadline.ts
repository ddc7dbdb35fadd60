/** What a deadline around a piece of work means for an acquire and for a transaction that are made in it. */

import type { AcquireOptions } from '../../engine/index.js';
import { currentDeadline, stricter, throwIfOver } from '../../resilience/deadline/index.js';
import type { StatementLimits, TransactionOptions } from '../contract/index.js';

/** What an acquire is limited by. @throws PoolError `POOL_ACQUIRE_TIMEOUT`, `POOL_ABORTED` when nothing is left */
export function acquireInTime(options: AcquireOptions | undefined, acquireTimeout: number): AcquireOptions | undefined {
  const deadline = currentDeadline();
  if (deadline === undefined) return options;
  throwIfOver(deadline, 'POOL_ACQUIRE_TIMEOUT', 'a connection was asked for');
  return { ...options, ...stricter({ timeout: acquireTimeout, ...options }, deadline) };
}

/**
 * What the acquire of a statement is limited by: the earliest of its deadlines.
 *
 * @param timeoutCoversWaiting whether the statement's own timeout counts, too
 */
export function acquireWithin(
  { remainingMs, dueInMs, signal }: StatementLimits,
  acquireTimeout: number,
  timeoutCoversWaiting: boolean,
): AcquireOptions {
  const own = timeoutCoversWaiting ? Math.max(remainingMs, 1) : Number.POSITIVE_INFINITY;
  const earliest = Math.min(own, Math.max(dueInMs, 1), acquireTimeout === 0 ? Number.POSITIVE_INFINITY : acquireTimeout);
  return { timeout: earliest === Number.POSITIVE_INFINITY ? 0 : earliest, ...(signal === undefined ? {} : { signal }) };
}

/** The same for a transaction. @throws PoolError `POOL_QUERY_TIMEOUT`, `POOL_ABORTED` */
export function transactionInTime(options: TransactionOptions): TransactionOptions {
  const deadline = currentDeadline();
  if (deadline === undefined) return options;
  throwIfOver(deadline, 'POOL_QUERY_TIMEOUT', 'the transaction was begun');
  return { ...options, ...stricter(options, deadline) };
}
