import type { AcquireOptions } from '../engine/index.js';
import { currentDeadline, throwIfOver, type WorkDeadline } from '../resilience/deadline.js';
import type { StatementOptions } from './statement.js';
import { copyOf } from './statement-limits.js';
import type { TransactionOptions } from './transaction.js';

/** The limits that work has: its own, and those of the deadline that it is done within, whichever is stricter. */
interface Limits {
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/**
 * A statement with what is left of the deadline that it is run within, if there is one.
 *
 * @throws PoolError `POOL_QUERY_TIMEOUT`, `POOL_ABORTED` when nothing is left
 */
export function statementInTime(sql: string | StatementOptions): string | StatementOptions {
  const deadline = currentDeadline();
  if (deadline === undefined) return sql;
  throwIfOver(deadline, 'POOL_QUERY_TIMEOUT', 'the statement was started: nothing was sent');
  // What mysql2 takes beside a text and an object, it refuses by itself.
  if (typeof sql !== 'string' && (typeof sql !== 'object' || sql === null)) return sql;
  const options = typeof sql === 'string' ? { sql } : sql;
  return copyOf(options, stricter(options, deadline));
}

/** The same for an acquire. @throws PoolError `POOL_ACQUIRE_TIMEOUT`, `POOL_ABORTED` */
export function acquireInTime(options: AcquireOptions | undefined, acquireTimeout: number): AcquireOptions | undefined {
  const deadline = currentDeadline();
  if (deadline === undefined) return options;
  throwIfOver(deadline, 'POOL_ACQUIRE_TIMEOUT', 'a connection was asked for');
  return { ...options, ...stricter({ timeout: acquireTimeout, ...options }, deadline) };
}

/** The same for a transaction. @throws PoolError `POOL_QUERY_TIMEOUT`, `POOL_ABORTED` */
export function transactionInTime(options: TransactionOptions): TransactionOptions {
  const deadline = currentDeadline();
  if (deadline === undefined) return options;
  throwIfOver(deadline, 'POOL_QUERY_TIMEOUT', 'the transaction was begun');
  return { ...options, ...stricter(options, deadline) };
}

function stricter({ timeout = 0, signal }: Limits, { remainingMs, givenUp }: WorkDeadline): Limits {
  const signals = [signal, givenUp].filter((one) => one !== undefined);
  const both = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
  // What is no number is refused where it is read.
  const own = timeout === 0 ? Number.POSITIVE_INFINITY : timeout;
  const limit = own < remainingMs || typeof own !== 'number' ? own : remainingMs;
  return { ...(limit === Number.POSITIVE_INFINITY ? {} : { timeout: limit }), ...(both === undefined ? {} : { signal: both }) };
}
