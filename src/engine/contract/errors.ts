/** The error that every part of Poolwright raises, its codes, and the text and label of any thrown value. */

import type { PoolSummary } from './summary.js';

/** Every code that Poolwright's own errors carry. docs/errors.md says for each what happened and what to do. */
export const POOL_ERROR_CODES = [
  'POOL_ACQUIRE_TIMEOUT',
  'POOL_QUEUE_FULL',
  'POOL_CLOSED',
  'POOL_DRAINING',
  'POOL_SUSPENDED',
  'POOL_ABORTED',
  'POOL_CONNECT_FAILED',
  'POOL_CREDENTIALS_FAILED',
  'POOL_BREAKER_OPEN',
  'POOL_QUERY_TIMEOUT',
  'POOL_CONNECTION_LOST',
  'POOL_COMMIT_UNKNOWN',
  'POOL_OPTION_INVALID',
  'POOL_TLS_REQUIRED',
  'POOL_RELEASED',
  'POOL_RECLAIMED',
  'POOL_HOOK_FAILED',
  'POOL_SESSION_REFUSED',
  'POOL_SELF_DEADLOCK',
  'POOL_TRANSACTION_OVERLAP',
  'POOL_ENDPOINT_POISONED',
  'POOL_WRITER_AMBIGUOUS',
  'POOL_NO_READER',
] as const;

/** Says what has happened, and never changes: docs/errors.md has what to do about each. */
export type PoolErrorCode = (typeof POOL_ERROR_CODES)[number];

/** What an error says beside its code and its words. */
export interface PoolErrorDetails {
  /** What brought this error about, for example the driver's error. */
  readonly cause?: unknown;
  /** The pool as it was when an acquire failed. */
  readonly pool?: PoolSummary;
  /** Of an acquire timeout: were all connections taken, or could none be opened? Of a full queue: 'overloaded' when the load was shed. */
  readonly reason?: 'exhausted' | 'unreachable' | 'overloaded';
  /** Of an open breaker: when it lets the next call through, in milliseconds from now. */
  readonly retryInMs?: number;
}

/** What Node's, mysql2's and the pool's own errors behind a failure say in fields. `sql` is not among them: it may hold a secret. */
const DRIVER_FIELDS = ['errno', 'sqlState', 'sqlMessage', 'syscall', 'address', 'port', 'fatal', 'effect'] as const;

/** Errors that stand for one of the driver, which is their cause. */
const STANDING_FOR_DRIVER: ReadonlySet<PoolErrorCode> = new Set(['POOL_CONNECT_FAILED', 'POOL_CONNECTION_LOST', 'POOL_ENDPOINT_POISONED']);

/** The same symbol in every copy of this package in a process. */
const BRAND: unique symbol = Symbol.for('poolwright.PoolError') as never;

/**
 * Every error that Poolwright itself raises. `code` is stable; messages may change. Errors of the driver and of the
 * database are passed on as they are.
 *
 * @example
 * ```ts
 * try {
 *   await pool.query('SELECT 1');
 * } catch (error) {
 *   if (PoolError.is(error) && error.code === 'POOL_ACQUIRE_TIMEOUT') return reply.code(503).send();
 *   throw error;
 * }
 * ```
 */
export class PoolError extends Error {
  readonly code: PoolErrorCode;
  /** For acquire failures: the pool's counts at that moment. */
  declare readonly pool?: PoolSummary;
  /**
   * For `POOL_ACQUIRE_TIMEOUT`: were all connections taken by others, or could none be opened? For `POOL_QUEUE_FULL`: 'overloaded' when the
   * caller was refused so that others need not wait longer than `waitTarget`.
   */
  declare readonly reason?: 'exhausted' | 'unreachable' | 'overloaded';
  /** For a failed connect and a lost connection: the server's or the system's number of the error behind it. */
  declare readonly errno?: number;
  /** For a failed connect and a lost connection: the server's SQLSTATE of the error behind it. */
  declare readonly sqlState?: string;
  /** For a lost connection: 'none' when the statement was not run, so that it is known to have taken no effect. Errors of mysql2 have the field, too. */
  declare readonly effect?: 'none';
  /** For `POOL_BREAKER_OPEN`, while the breaker is open: when it lets the next call through, in milliseconds from then. */
  declare readonly retryInMs?: number;

  constructor(code: PoolErrorCode, message: string, details: PoolErrorDetails = {}) {
    super(message, details.cause !== undefined ? { cause: details.cause } : undefined);
    this.code = code;
    if (details.pool !== undefined) this.pool = details.pool;
    if (details.reason !== undefined) this.reason = details.reason;
    if (details.retryInMs !== undefined) this.retryInMs = details.retryInMs;
  }

  /** Whether `value` is a PoolError of this or of another copy of the package. */
  static is(value: unknown): value is PoolError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}

Object.defineProperty(PoolError.prototype, 'name', { value: 'PoolError', configurable: true, writable: true });
Object.defineProperty(PoolError.prototype, BRAND, { value: true });

// Looked up when they are read: all waiters get an error for one failed connect.
for (const field of DRIVER_FIELDS) {
  Object.defineProperty(PoolError.prototype, field, {
    configurable: true,
    get(this: PoolError): unknown {
      const { cause } = this;
      if (!STANDING_FOR_DRIVER.has(this.code) || typeof cause !== 'object' || cause === null) return undefined;
      return (cause as Readonly<Record<string, unknown>>)[field];
    },
  });
}

/**
 * Makes an error of a failure that comes from the pool's own timer or from a signal. No frame of its stack would be the caller's, and to capture them
 * costs ten times as much as the rest of the error: when thousands of callers give up, the process has better to do.
 */
export function errorWithoutFrames(code: PoolErrorCode, message: string, details: PoolErrorDetails): PoolError {
  const { stackTraceLimit } = Error;
  setFrames(0);
  const error = new PoolError(code, message, details);
  setFrames(stackTraceLimit);
  return error;
}

/** An application may have frozen it. */
function setFrames(limit: number): void {
  try {
    Error.stackTraceLimit = limit;
  } catch {
    // Then an error has its frames.
  }
}

const UNREADABLE = 'an error that cannot be read';

/** The one line that describes any thrown value. Never throws: the value may be anything, with getters that do. */
export function messageOf(error: unknown): string {
  try {
    if (!(error instanceof Error)) return String(error);
    // An application may have put anything in its place.
    const message: unknown = error.message;
    return message === '' ? codeOf(error) : String(message);
  } catch {
    return UNREADABLE;
  }
}

/** The `code` of an error where it has one (`ECONNREFUSED`, `ER_ACCESS_DENIED_ERROR`), else its name. Never throws, as {@link messageOf}. */
export function codeOf(error: unknown): string {
  try {
    return labelOf(error) ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

function labelOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  if (typeof code === 'string') return code;
  return typeof name === 'string' ? name : undefined;
}
