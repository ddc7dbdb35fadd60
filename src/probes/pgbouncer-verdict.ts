/** What a failed probe of PgBouncer means, as a reason and a sentence. */
import { addressOf, type PgBouncerTarget } from './pgbouncer-target.js';
import { ForeignAnswer } from './postgres-guard.js';

/**
 * What a probe found.
 *
 * - `ok`: PgBouncer answered.
 * - `not-configured`: no option says where PgBouncer is.
 * - `refused`: nothing listens there, or the server turned the probe away: it hung up without an answer, offers no TLS, or shuts down.
 * - `unreachable`: there is no way to it: no such name, no route, no such socket.
 * - `timeout`: no complete answer in time.
 * - `auth`: the login failed, the user may not read the console, or the server's certificate is not trusted.
 * - `not-pgbouncer`: something else answered: a PostgreSQL, another protocol.
 */
export type PgBouncerReason = 'ok' | 'not-configured' | 'refused' | 'unreachable' | 'timeout' | 'auth' | 'not-pgbouncer';

export interface ProbeVerdict {
  readonly reason: PgBouncerReason;
  /** What was found, in words. It never holds the password. */
  readonly message: string;
}

/** The probe's deadline has passed. */
export class DeadlinePassed extends Error {}

/** Another program answered. The message says what it is, with 'it' as the subject. */
export class NotPgBouncer extends Error {}

/** A report of the server: PostgreSQL's ErrorResponse. */
interface ServerError extends Error {
  readonly severity: string;
  readonly code?: string;
  /** The function in PostgreSQL's source that reported it. PgBouncer never sends it. */
  readonly routine?: string;
}

const NO_WAY: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ENOENT',
  'ENOTDIR',
  'ENOTSOCK',
  'EACCES',
  'EPERM',
  'EINVAL',
]);

/** Codes of OpenSSL's certificate verification, as Node passes them on (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const UNTRUSTED_CERTIFICATE =
  /^(UNABLE_TO_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|ERR_TLS_CERT_)/;

/** PgBouncer gives nearly every refusal of a login the code 08P01, so only its words distinguish them. */
const LOGIN_REFUSED = /authentication|not allowed|password|no such user|login rejected|hba/i;

/** PgBouncer always has the database of its console. */
const NO_CONSOLE = /database .*does not exist|no such database/i;

/** What a failed attempt means. `phase` is the step that failed: "connecting", "running SHOW POOLS". */
export function verdictOf(error: unknown, phase: string, target: PgBouncerTarget): ProbeVerdict {
  const address = addressOf(target);
  if (error instanceof DeadlinePassed) {
    return { reason: 'timeout', message: `${address} did not answer within ${target.timeoutMs} ms (while ${phase}).` };
  }
  if (error instanceof ForeignAnswer || error instanceof NotPgBouncer) {
    return { reason: 'not-pgbouncer', message: `${address} is not PgBouncer: ${error.message}.` };
  }
  if (isServerError(error)) return ofServerError(error, address, target);
  return ofConnectionError(error, phase, address);
}

function ofServerError(error: ServerError, address: string, { user, password }: PgBouncerTarget): ProbeVerdict {
  const words = quoted(error.message, password);
  if (error.routine !== undefined) return { reason: 'not-pgbouncer', message: `${address} is a PostgreSQL, not PgBouncer: ${words}` };
  if (NO_CONSOLE.test(error.message))
    return { reason: 'not-pgbouncer', message: `${address} is not PgBouncer, it has no admin console: ${words}` };
  if (error.code?.startsWith('28') === true || LOGIN_REFUSED.test(error.message)) {
    const hint = /not allowed/i.test(error.message) ? ' The user must be one of admin_users or stats_users.' : '';
    return { reason: 'auth', message: `PgBouncer at ${address} does not let ${user} in: ${words}${hint}` };
  }
  return { reason: 'refused', message: `PgBouncer at ${address} refused: ${words}` };
}

function ofConnectionError(error: unknown, phase: string, address: string): ProbeVerdict {
  const { code = '', message = '' } = error as { readonly code?: string; readonly message?: string };
  if (code === 'ECONNREFUSED') return { reason: 'refused', message: `Nothing listens at ${address}.` };
  if (code === 'ETIMEDOUT') return { reason: 'timeout', message: `${address} did not answer (while ${phase}).` };
  if (NO_WAY.has(code)) return { reason: 'unreachable', message: `${address} cannot be reached (${code}).` };
  if (UNTRUSTED_CERTIFICATE.test(code)) return { reason: 'auth', message: `The certificate of ${address} is not trusted (${code}).` };
  if (message.includes('does not support SSL')) return { reason: 'refused', message: `${address} does not offer TLS.` };
  if (message.startsWith('SASL')) return { reason: 'auth', message: `The login at ${address} failed: ${quoted(message, '')}` };
  const hungUp = code === 'ECONNRESET' || code === 'EPIPE' || message.startsWith('Connection terminated');
  const what = hungUp ? 'closed the connection' : `failed (${code === '' ? quoted(message, '') : code})`;
  return { reason: 'refused', message: `${address} ${what} while ${phase}.` };
}

function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && 'severity' in error && typeof error.severity === 'string';
}

const LONGEST_QUOTE = 200;

/** Words of a foreign server: short, on one line, and without the password, which it may repeat. */
function quoted(words: string, password: string): string {
  const withoutSecret = password === '' ? words : words.replaceAll(password, '***');
  // oxlint-disable-next-line no-control-regex
  return `${withoutSecret.slice(0, LONGEST_QUOTE).replace(/[\u0000-\u001f\u007f]+/g, ' ')}.`;
}
