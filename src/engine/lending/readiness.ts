/** The wait for a pool's first connections: ready(). */

import { type Clock, codeOf, messageOf, PoolError, type ResolvedPoolOptions } from '../contract/index.js';
import { checkedMilliseconds } from '../waiting/index.js';

const DEFAULT_TIMEOUT_MS = 30_000;

/** The pool whose first connections are waited for. */
interface Starting {
  readonly options: ResolvedPoolOptions;
  readonly limit: number;
  readonly entries: { readonly usable: number; readonly opening: number };
  readonly lastOpenFailure: { readonly error: unknown; readonly permanent: boolean } | undefined;
  /** Callers that wait here. */
  readonly supply: { readinessAwaited: number };
  serveAndRefill(now: number): void;
}

/** What the wait needs beside the pool. */
interface Waiting {
  /** Called whenever something has changed. */
  readonly checks: Set<() => void>;
  readonly clock: Clock;
  /** The pool is being drained or closed. */
  readonly ended: () => boolean;
}

/**
 * Resolves when as many resources are open as are wanted; rejects at the deadline, or at once when waiting is of no use.
 *
 * @param given milliseconds; default: `connectTimeout`, or 30 000 if that is 0
 * @throws PoolError `POOL_OPTION_INVALID`, `POOL_CONNECT_FAILED`, `POOL_CLOSED`
 */
export async function awaitReadiness(pool: Starting, waiting: Waiting, given: number | undefined): Promise<void> {
  const { connectTimeout } = pool.options;
  const timeout = given ?? (connectTimeout > 0 ? connectTimeout : DEFAULT_TIMEOUT_MS);
  checkedMilliseconds('timeout', timeout);
  pool.supply.readinessAwaited += 1;
  try {
    // First, so that a failure of long ago is tried again before it is reported.
    pool.serveAndRefill(waiting.clock.now());
    await untilOpen(pool, waiting, timeout);
  } finally {
    pool.supply.readinessAwaited -= 1;
  }
}

function untilOpen(pool: Starting, { checks, clock, ended }: Waiting, timeout: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: PoolError): void => {
      timer.cancel();
      checks.delete(check);
      if (error === undefined) resolve();
      else reject(error);
    };
    const check = (): void => {
      if (ended()) end(new PoolError('POOL_CLOSED', 'Pool is closed.'));
      else if (pool.entries.usable >= wantedOf(pool)) end();
      // The last opening failed in a way that will come again, and no other is under way.
      else if (pool.lastOpenFailure?.permanent === true && pool.entries.opening === 0) end(notReady(pool, 'Could not connect'));
    };
    const timer = clock.setTimer(() => end(notReady(pool, `Not ready within ${timeout} ms`)), timeout);
    checks.add(check);
    check();
  });
}

function wantedOf({ options, limit }: Starting): number {
  return Math.max(1, Math.min(options.minIdle, limit));
}

function notReady(pool: Starting, what: string): PoolError {
  const failure = pool.lastOpenFailure;
  const reason = failure === undefined ? 'no answer yet' : `${messageOf(failure.error)} (${codeOf(failure.error)})`;
  const message = `${what}: ${pool.entries.usable} of ${wantedOf(pool)} connections are open; ${reason}.`;
  return new PoolError('POOL_CONNECT_FAILED', message, failure === undefined ? {} : { cause: failure.error });
}
