/** What the server's error numbers say about the connection that they came over. */

import { isCallersError } from './callers-errors.js';
import { type ErrorClass, rowOf } from './error-table.js';

/** Failures of the client's side that a second attempt does not cure. */
const PERMANENT_CODES: ReadonlySet<string> = new Set([
  'POOL_TLS_REQUIRED',
  'POOL_OPTION_INVALID',
  'AUTH_SWITCH_PLUGIN_ERROR',
  'HANDSHAKE_NO_SSL_SUPPORT',
]);

/** An error as the server sent it. */
export interface ServerError {
  readonly errno: number;
  readonly sqlState: string;
  readonly message: string;
}

/** Overrides the class of an error; `undefined` leaves it as it is. */
export type ClassifyError = (error: ServerError) => ErrorClass | undefined;

/** The server refuses a statement because of an option it runs with: only read-only means that it is the wrong server. */
const OPTION_PREVENTS_STATEMENT = 1290;
/** The transaction is read-only: the server's doing, or the borrower's own. */
const READ_ONLY_TRANSACTION = 1792;

/** @param readOnlyAsked the borrower asked for a read-only transaction */
export function classOfServerError(error: ServerError, readOnlyAsked: boolean): ErrorClass {
  const { errno, message } = error;
  if (errno === OPTION_PREVENTS_STATEMENT && !/read.?only/i.test(message)) return 'work-failed';
  if (errno === READ_ONLY_TRANSACTION && readOnlyAsked) return 'work-failed';
  return classOfErrno(errno, message);
}

/** The class of a number that the server sent, with its message where that is known. */
export function classOfErrno(errno: number, message?: unknown): ErrorClass {
  return rowOf(errno, message)?.class ?? 'work-failed';
}

/** Whether an error of the server that ends a connection says nothing about the server and its other connections. */
export function concernsOneConnection(error: unknown): boolean {
  const { errno, message } = fieldsOf(error);
  return errno !== undefined && rowOf(errno, message)?.one === true;
}

/** Marks an error that is known to come again, although nothing in it says so. */
const PERMANENT = Symbol('permanent');

/** The certificate was not accepted. */
export function markPermanent(error: object): void {
  Object.defineProperty(error, PERMANENT, { value: true });
}

/** Whether an error of connecting will come again however often it is tried. */
export function isPermanentConnectError(error: unknown): boolean {
  const { code, errno, message } = fieldsOf(error);
  if (errno !== undefined && errno > 0) return classOfErrno(errno, message) === 'connect-permanent';
  // mysql2 gives every failure of the TLS handshake this code: even when the network cut it. Errors of OpenSSL name their library.
  if (code === 'HANDSHAKE_SSL_ERROR') return PERMANENT in (error as object) || 'library' in (error as object);
  return code !== undefined && PERMANENT_CODES.has(code);
}

/**
 * What a failure to connect says about the server. `answered`: it is there, and refused, or failed a statement that sets sessions up. `nothing`: code
 * of the application's has failed before or after.
 */
export function verdictOfConnectError(error: unknown): 'answered' | 'failed' | 'nothing' {
  if (isCallersError(error)) return 'nothing';
  if (isPermanentConnectError(error)) return 'answered';
  return isServerError(error) && classOfErrno(error.errno, error.message) === 'work-failed' ? 'answered' : 'failed';
}

/** Whether the server has sent it: Node's system errors have a negative number, if any. */
export function isServerError(error: unknown): error is ServerError {
  const { errno } = fieldsOf(error);
  return error instanceof Error && errno !== undefined && errno > 0;
}

/** A short label for metrics: the server's number, else the code. */
export function labelOf(error: unknown): string {
  const { code, errno } = fieldsOf(error);
  if (errno !== undefined && errno > 0) return String(errno);
  return code ?? 'unknown';
}

interface ErrorFields {
  readonly code?: string;
  readonly errno?: number;
  readonly message?: unknown;
}

/** Node's system errors have a negative `errno`, the server's are positive. */
function fieldsOf(error: unknown): ErrorFields {
  if (typeof error !== 'object' || error === null) return {};
  const { code, errno, message } = error as Record<string, unknown>;
  return {
    message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof errno === 'number' ? { errno } : {}),
  };
}
