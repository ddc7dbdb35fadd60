/** What the server's error numbers say about the connection that they came over. */

import { isCallersError } from './callers-errors.js';

/**
 * What an error says about the connection it came over. Matched on `errno`, because mysql2 has no names for TiDB's and the
 * proxies' numbers. Sources: MySQL 8.4 and MariaDB 11 error references, TiDB error codes, ProxySQL and MaxScale documentation.
 */
export type ErrorClass =
  /** The connection must not be used again. */
  | 'connection-fatal'
  /** The server must not be used for now: it is read-only after a fail-over, shutting down, or draining. */
  | 'endpoint-poisoned'
  /** Connecting failed and may succeed in a moment. */
  | 'connect-transient'
  /** Connecting failed and will fail again until something is changed. */
  | 'connect-permanent'
  /** The server no longer knows the prepared statement. */
  | 'statement-cache-invalid'
  /** The statement or its transaction failed; the connection is fine. */
  | 'work-failed';

const CLASSES: readonly (readonly [ErrorClass, readonly number[]])[] = [
  // 1047 unknown command, 1077/1079 shutdown notices, 1080 forced close, 1152 aborting, 1153–1161 packet errors, 1184 new aborting,
  // 1927 connection killed (MariaDB), 2006/2013 gone and lost (from proxies), 3032 offline mode, 3168/3169 session lost or killed,
  // 4031 closed for inactivity.
  [
    'connection-fatal',
    [1047, 1077, 1079, 1080, 1152, 1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 3032, 3168, 3169, 4031],
  ],
  // 1053 shutdown in progress (TiDB answers pings with it while it drains), 1290/1792/1836 read-only.
  ['endpoint-poisoned', [1053, 1290, 1792, 1836]],
  // 1040 too many connections, 1043 bad handshake, 1129 host blocked, 1203/1226 too many of this user.
  ['connect-transient', [1040, 1043, 1129, 1203, 1226]],
  // 1044/1045/1698 access denied, 1049 unknown database, 1130 host not allowed, 1251/1524 authentication plugin, 1862 password expired,
  // 3118/3955/4151 account locked (MySQL, by failed logins, MariaDB), 3159 plaintext refused.
  ['connect-permanent', [1044, 1045, 1049, 1130, 1251, 1524, 1698, 1862, 3118, 3159, 3955, 4151]],
  // 1243 unknown handler, 1461 too many prepared statements, 1615 needs to be re-prepared.
  ['statement-cache-invalid', [1243, 1461, 1615]],
];

const CLASS_OF_ERRNO: ReadonlyMap<number, ErrorClass> = new Map(
  CLASSES.flatMap(([name, numbers]) => numbers.map((errno) => [errno, name] as const)),
);

/** Failures of the client's side that a second attempt does not cure. */
const PERMANENT_CODES: ReadonlySet<string> = new Set(['POOL_TLS_REQUIRED', 'AUTH_SWITCH_PLUGIN_ERROR', 'HANDSHAKE_NO_SSL_SUPPORT']);

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
  return classOfErrno(errno);
}

/** The class of a number that the server sent. */
export function classOfErrno(errno: number): ErrorClass {
  return CLASS_OF_ERRNO.get(errno) ?? 'work-failed';
}

/**
 * Numbers with which a server that is well closes one connection: 1047 and 1154–1157 for what came over it, 1080, 1927, 3168 and 3169 because it was killed, 4031 because
 * it was idle, 1153 because a statement was larger than `max_allowed_packet`.
 */
const ONE_CONNECTION: ReadonlySet<number> = new Set([1047, 1080, 1153, 1154, 1155, 1156, 1157, 1927, 3168, 3169, 4031]);

/** Whether an error of the server that ends a connection says nothing about the server and its other connections. */
export function concernsOneConnection(error: unknown): boolean {
  const { errno } = fieldsOf(error);
  return errno !== undefined && ONE_CONNECTION.has(errno);
}

/** Marks an error that is known to come again, although nothing in it says so. */
const PERMANENT = Symbol('permanent');

/** The certificate was not accepted. */
export function markPermanent(error: object): void {
  Object.defineProperty(error, PERMANENT, { value: true });
}

/** Whether an error of connecting will come again however often it is tried. */
export function isPermanentConnectError(error: unknown): boolean {
  const { code, errno } = fieldsOf(error);
  if (errno !== undefined && errno > 0) return classOfErrno(errno) === 'connect-permanent';
  // mysql2 gives every failure of the TLS handshake this code: also when the network cut it. Errors of OpenSSL name their library.
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
  return isServerError(error) && classOfErrno(error.errno) === 'work-failed' ? 'answered' : 'failed';
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
}

/** Node's system errors have a negative `errno`, the server's are positive. */
function fieldsOf(error: unknown): ErrorFields {
  if (typeof error !== 'object' || error === null) return {};
  const { code, errno } = error as Record<string, unknown>;
  return {
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof errno === 'number' ? { errno } : {}),
  };
}
