import type { EventEmitter } from 'node:events';
import type { Clock } from './clock.js';
import { codeOf, messageOf, PoolError } from './errors.js';
import type { PoolEvents } from './events.js';

/** What `ready()` looks at. */
export interface Readiness {
  /** Milliseconds. */
  readonly timeout: number;
  /** The pool is being drained or closed. */
  ended(): boolean;
  /** Resources that are open now. */
  open(): number;
  /** How many there must be. */
  wanted(): number;
  lastFailure(): { readonly error: unknown; readonly permanent: boolean } | undefined;
}

/** Resolves when as many resources are open as are wanted; rejects at the deadline, or at once when waiting is of no use. */
export function awaitReadiness(pool: EventEmitter<PoolEvents>, clock: Clock, readiness: Readiness): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: PoolError): void => {
      timer.cancel();
      pool.off('opened', look);
      pool.off('connectFailed', look);
      pool.off('stateChanged', look);
      if (error === undefined) resolve();
      else reject(error);
    };
    const look = (): void => {
      const failure = readiness.lastFailure();
      if (readiness.ended()) settle(new PoolError('POOL_CLOSED', 'Pool is closed.'));
      else if (readiness.open() >= readiness.wanted()) settle();
      else if (failure?.permanent === true) settle(notReady(readiness, 'Could not connect'));
    };
    const timer = clock.setTimer(() => settle(notReady(readiness, `Not ready within ${readiness.timeout} ms`)), readiness.timeout);
    pool.on('opened', look);
    pool.on('connectFailed', look);
    pool.on('stateChanged', look);
    look();
  });
}

function notReady(readiness: Readiness, what: string): PoolError {
  const failure = readiness.lastFailure();
  const reason = failure === undefined ? 'no answer yet' : `${messageOf(failure.error)} (${codeOf(failure.error)})`;
  const message = `${what}: ${readiness.open()} of ${readiness.wanted()} connections are open; ${reason}.`;
  return new PoolError('POOL_CONNECT_FAILED', message, failure === undefined ? {} : { cause: failure.error });
}
