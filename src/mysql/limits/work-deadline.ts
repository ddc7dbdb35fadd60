import type { AcquireOptions } from '../../engine/index.js';
import { currentDeadline, stricter, throwIfOver, type WorkDeadline } from '../../resilience/deadline/index.js';
import type { StatementOptions, TransactionOptions } from '../contract/index.js';
import { copyOf, dueBy } from './statement-limits.js';

/**
 * A statement that carries the deadline that it is run within, if there is one.
 *
 * @throws PoolError `POOL_QUERY_TIMEOUT`, `POOL_ABORTED` when nothing is left
 */
export function dueStatement(sql: string | StatementOptions): string | StatementOptions {
  return withDeadlineOf(sql, dueBy);
}

/**
 * The same for whoever knows no deadlines: with what is left of it as its `timeout`.
 *
 * @throws as {@link dueStatement}
 */
export function statementInTime(sql: string | StatementOptions): string | StatementOptions {
  return withDeadlineOf(sql, (options, deadline) => copyOf(options, stricter(options, deadline)));
}

function withDeadlineOf(
  sql: string | StatementOptions,
  limited: (options: object, deadline: WorkDeadline) => object,
): string | StatementOptions {
  const deadline = currentDeadline();
  if (deadline === undefined) return sql;
  throwIfOver(deadline, 'POOL_QUERY_TIMEOUT', 'the statement was started: nothing was sent');
  // What mysql2 takes beside a text and an object, it refuses by itself.
  if (typeof sql !== 'string' && (typeof sql !== 'object' || sql === null)) return sql;
  return limited(typeof sql === 'string' ? { sql } : sql, deadline) as StatementOptions;
}

/** The same for an acquire. @throws PoolError `POOL_ACQUIRE_TIMEOUT`, `POOL_ABORTED` */
export function acquireInTime(options: AcquireOptions | undefined, acquireTimeout: number): AcquireOptions | undefined {
  const deadline = currentDeadline();
  if (deadline === undefined) return options;
  throwIfOver(deadline, 'POOL_ACQUIRE_TIMEOUT', 'a connection was asked for');
  return { ...options, ...stricter({ timeout: acquireTimeout, ...options }, deadline) };
}

/** The same for the acquire that a statement begins with. @throws PoolError `POOL_QUERY_TIMEOUT`, `POOL_ABORTED` */
export function acquireForStatementInTime(options: AcquireOptions | undefined, acquireTimeout: number): AcquireOptions | undefined {
  throwIfOver(currentDeadline(), 'POOL_QUERY_TIMEOUT', 'the statement was started: nothing was sent');
  return acquireInTime(options, acquireTimeout);
}

/** The same for a transaction. @throws PoolError `POOL_QUERY_TIMEOUT`, `POOL_ABORTED` */
export function transactionInTime(options: TransactionOptions): TransactionOptions {
  const deadline = currentDeadline();
  if (deadline === undefined) return options;
  throwIfOver(deadline, 'POOL_QUERY_TIMEOUT', 'the transaction was begun');
  return { ...options, ...stricter(options, deadline) };
}
