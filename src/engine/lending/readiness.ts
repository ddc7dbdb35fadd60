/** The wait for a pool's first connections: ready(). */

import { type Clock, codeOf, messageOf, PoolError } from '../contract/index.js';

/** What `ready()` checks. */
export interface Readiness {
  /** Milliseconds. */
  readonly timeout: number;
  /** The pool is being drained or closed. */
  ended(): boolean;
  /** Resources that are open now. */
  open(): number;
  /** How many there must be. */
  wanted(): number;
  lastFailure(): { readonly error: unknown } | undefined;
  /** The last opening failed in a way that will come again, and no other is under way. */
  hopeless(): boolean;
}

/**
 * Resolves when as many resources are open as are wanted; rejects at the deadline, or at once when waiting is of no use.
 *
 * @param checks are called whenever something has changed
 */
export function awaitReadiness(checks: Set<() => void>, clock: Clock, readiness: Readiness): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: PoolError): void => {
      timer.cancel();
      checks.delete(check);
      if (error === undefined) resolve();
      else reject(error);
    };
    const check = (): void => {
      if (readiness.ended()) end(new PoolError('POOL_CLOSED', 'Pool is closed.'));
      else if (readiness.open() >= readiness.wanted()) end();
      else if (readiness.hopeless()) end(notReady(readiness, 'Could not connect'));
    };
    const timer = clock.setTimer(() => end(notReady(readiness, `Not ready within ${readiness.timeout} ms`)), readiness.timeout);
    checks.add(check);
    check();
  });
}

function notReady(readiness: Readiness, what: string): PoolError {
  const failure = readiness.lastFailure();
  const reason = failure === undefined ? 'no answer yet' : `${messageOf(failure.error)} (${codeOf(failure.error)})`;
  const message = `${what}: ${readiness.open()} of ${readiness.wanted()} connections are open; ${reason}.`;
  return new PoolError('POOL_CONNECT_FAILED', message, failure === undefined ? {} : { cause: failure.error });
}
