/** What a failed statement means for its caller, its connection and its prepared form. */

import { messageOf, PoolError } from '../../engine/index.js';
import { isCallersError } from './callers-errors.js';
import { classOfErrno, isServerError } from './error-classes.js';
import { rowOf } from './error-table.js';
import { type Unrun, unrunOf } from './unsent.js';

/** Codes of mysql2 and of Node with which a statement ends whose connection broke under it. */
const LOST_CODES: ReadonlySet<string> = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_UNEXPECTED_PACKET',
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
]);

/** Whether an error of a statement means that its connection is gone, and what became of the statement is not known. */
export function isConnectionLost(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || isCallersError(error)) return false;
  if (unrunOf(error) !== undefined) return true;
  const { code, errno, fatal, message } = error as Readonly<Record<'code' | 'errno' | 'fatal' | 'message', unknown>>;
  // Not with errors after which the connection is closed but the statement was plainly refused, such as 1153: they say enough by themselves.
  if (typeof errno === 'number' && errno > 0) return rowOf(errno, message)?.lost === true;
  return fatal === true || (typeof code === 'string' && LOST_CODES.has(code));
}

/** Whether an error of `execute` only means that the statement must be prepared again: nothing was executed. */
export function isStatementCacheInvalid(error: unknown): boolean {
  const errno = (error as { readonly errno?: unknown } | null)?.errno;
  return typeof errno === 'number' && classOfErrno(errno) === 'statement-cache-invalid';
}

const TOO_MANY_STATEMENTS = 1461;

/** Of the server (1040), of this user (1203), of this account's limit (1226, which is said of other limits too). */
const TOO_MANY_CONNECTIONS: ReadonlySet<number> = new Set([1040, 1203]);
const ACCOUNT_LIMIT = 1226;

/** Whether the server refused a connection because there are too many. */
export function isTooManyConnections(error: unknown): boolean {
  if (!isServerError(error)) return false;
  const { errno, message } = error;
  return TOO_MANY_CONNECTIONS.has(errno) || (errno === ACCOUNT_LIMIT && message.includes('max_user_connections'));
}

/** Whether the server has as many prepared statements as it takes (`max_prepared_stmt_count`), from all of its connections. */
export function isTooManyStatements(error: unknown): boolean {
  return (error as { readonly errno?: unknown } | null)?.errno === TOO_MANY_STATEMENTS;
}

/** What is known of a statement's effect when its connection was lost. */
const EFFECTS: Readonly<Record<Unrun | 'unknown', string>> = {
  unknown: 'The connection was lost while the statement was running; it is not known whether it took effect.',
  'not sent': 'The connection was lost before the statement was sent: it took no effect.',
  'not run': 'The connection was lost before the server ran the statement: it took no effect.',
};

/** What a caller gets of a failed statement: errors of the server as they are, the loss of the connection under one code. */
export function statementFailure(error: unknown): unknown {
  if (PoolError.is(error) || !isConnectionLost(error)) return error;
  const why = (error as { readonly cause?: unknown }).cause ?? error;
  return new PoolError('POOL_CONNECTION_LOST', `${EFFECTS[unrunOf(error) ?? 'unknown']} (${messageOf(why)})`, { cause: error });
}

/** Whether the connection of a statement was lost before the statement was run, and how far it came: it took no effect. */
export function unrunBy(error: unknown): Unrun | undefined {
  return unrunOf(PoolError.is(error) && error.code === 'POOL_CONNECTION_LOST' ? error.cause : error);
}
