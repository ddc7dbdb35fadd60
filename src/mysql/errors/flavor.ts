/** In whose words a pool answers: Poolwright's own, or those of mysql2's pool. */

import { PoolError, type PoolErrorCode } from '../../engine/index.js';
import { headlineOf } from '../../engine/lending/index.js';
import { statementFailure } from './failure.js';

/** What callers get of a failure. mysql2's words are for code that was written for its pool. */
export interface Flavor {
  /** What a caller gets that did not get a connection. */
  acquireFailure(error: PoolError): Error;
  /** What a caller gets whose statement failed. */
  statementFailure(error: unknown): unknown;
  /** What a caller gets whose statement took longer than its `timeout`, in milliseconds. */
  statementTimeout(timeoutMs: number): Error;
  /** Whether the `timeout` of a statement runs while it waits for a connection and behind others; else only from when it is sent. */
  readonly timeoutCoversWaiting: boolean;
}

export const ownFlavor: Flavor = Object.freeze({
  acquireFailure: (error: PoolError) => error,
  statementFailure,
  statementTimeout: (timeoutMs: number) =>
    new PoolError('POOL_QUERY_TIMEOUT', `The statement took longer than ${Math.round(timeoutMs)} ms and was stopped.`),
  timeoutCoversWaiting: true,
});

/** Failures to connect: mysql2 has no words of its own for them, it passes the error on. */
const CONNECT_FAILURES: ReadonlySet<PoolErrorCode> = new Set([
  'POOL_CONNECT_FAILED',
  'POOL_CREDENTIALS_FAILED',
  'POOL_TLS_REQUIRED',
  'POOL_ENDPOINT_POISONED',
]);

export const mysql2Flavor: Flavor = Object.freeze({
  acquireFailure(error: PoolError): Error {
    const { code, cause, pool } = error;
    if (code === 'POOL_QUEUE_FULL') {
      // The headline is mysql2's whole message.
      return new PoolError(code, headlineOf(error), { cause: error, ...(pool === undefined ? {} : { pool }) });
    }
    return CONNECT_FAILURES.has(code) && cause instanceof Error ? copyOf(cause) : error;
  },
  statementFailure: (error: unknown) => error,
  statementTimeout: () =>
    // The fields are mysql2's (lib/commands/query.js), with its spelling.
    Object.assign(new Error('Query inactivity timeout'), {
      errorno: 'PROTOCOL_SEQUENCE_TIMEOUT',
      code: 'PROTOCOL_SEQUENCE_TIMEOUT',
      syscall: 'query',
    }),
  timeoutCoversWaiting: false,
});

/** One failure to connect fails all waiters; each of them gets an error that is its own to change. */
function copyOf(error: Error): Error {
  const copy = new Error(error.message);
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error) as object);
  return Object.defineProperties(copy, Object.getOwnPropertyDescriptors(error));
}
