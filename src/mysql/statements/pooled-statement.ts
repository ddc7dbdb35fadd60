/** One statement of a pool: it waits for a connection, runs on it, and is run again where that is allowed. */

import { type AcquireOptions, keepShape, type Lease, type PoolError } from '../../engine/index.js';
import { ignore, pause } from '../../engine/waiting/index.js';
import type { RetrySchedule } from '../../resilience/retry/index.js';
import type { Statement, StatementResult } from '../contract/index.js';
import { type CapturedSite, captureSite, type FieldPacket, withStackOf } from '../driver/index.js';
import { type Flavor, isStatementCacheInvalid, statementFailure } from '../errors/index.js';
import { ConnectionWaiter, type ManagedConnection } from '../connections/index.js';
import { acquireWithin } from '../limits/index.js';
import { noteOverBudget } from './retry-tally.js';
import { isNeverSent, type StatementRetries } from './retries.js';

/** Where a statement gets its connection. */
export interface StatementPool {
  readonly options: { readonly flavor: Flavor };
  readonly acquireTimeout: number;
  readonly retries: StatementRetries;
  tryAcquire(): Lease<ManagedConnection> | undefined;
  enqueue(waiter: ConnectionWaiter, options?: AcquireOptions): void;
}

/**
 * One statement on the first connection that comes free. It waits in the pool's queue itself, so that there is one promise per statement
 * and no callback or event in between.
 */
export class PooledStatement extends ConnectionWaiter {
  #resolve: (result: StatementResult) => void = ignore;
  #reject: (failure: Error | RunAgain) => void = ignore;
  #lease: Lease<ManagedConnection> | undefined = undefined;
  #preparedAnew = false;
  /** Present once it has failed and is to be run again. */
  #retry: RetrySchedule | undefined = undefined;

  constructor(
    private readonly pool: StatementPool,
    private readonly statement: Statement,
  ) {
    super();
  }

  override get isStatement(): boolean {
    return true;
  }

  /** Rejects with a {@link RunAgain} when it is to be run once more. */
  run(): Promise<StatementResult> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#start();
    });
  }

  #start(): void {
    const { pool, statement } = this;
    const { limits } = statement;
    const { place } = statement.wishes;
    if (limits === undefined && place === undefined) {
      const lease = pool.tryAcquire();
      if (lease === undefined) pool.enqueue(this);
      else this.receiveLease(lease);
      return;
    }
    const { timeoutCoversWaiting } = pool.options.flavor;
    if (timeoutCoversWaiting) limits?.begin();
    pool.enqueue(this, { ...(limits === undefined ? {} : acquireWithin(limits, pool.acquireTimeout, timeoutCoversWaiting)), ...place });
  }

  override receiveLease(lease: Lease<ManagedConnection>): void {
    this.#lease = lease;
    const done = (error: Error | null, rows?: unknown, fields?: unknown): void => this.#done(error, rows, fields as FieldPacket[]);
    try {
      lease.resource.run(this.statement, done);
    } catch (error) {
      lease.release();
      this.#fail(error as Error);
    }
  }

  override receiveFailure(error: PoolError): void {
    const shown = this.pool.options.flavor.acquireFailure(error);
    if (this.#runAgainIfAllowed(error, shown) || this.#answerByFallback(error)) return;
    // Without a connection for another run, it is the last run that failed.
    this.#reject(error.code === 'POOL_ABORTED' ? shown : (this.#retry?.lastError ?? shown));
  }

  #done(error: Error | null, rows: unknown, fields: FieldPacket[]): void {
    const lease = this.#lease;
    // mysql2 reports a statement that cannot be prepared twice.
    if (lease === undefined) return;
    if (error === null) {
      lease.release();
      if (this.#retry !== undefined) this.pool.retries.tally.recovered += 1;
      this.#resolve([rows, fields]);
    } else if (this.statement.method === 'execute' && !this.#preparedAnew && isStatementCacheInvalid(error)) {
      this.#preparedAnew = true;
      lease.resource.forgetStatement(this.statement, error);
      this.#runAgain((): void => this.receiveLease(lease));
    } else {
      // mysql2 reports an error before it has taken the command off the connection.
      process.nextTick(release, lease);
      this.#fail(error);
    }
  }

  #fail(error: Error): void {
    const shown = this.pool.options.flavor.statementFailure(error) as Error;
    if (!this.#runAgainIfAllowed(statementFailure(error), shown)) this.#reject(shown);
  }

  /** @param begin once more, in the context of its caller and not in the socket's */
  #runAgain(begin: () => void, delayMs?: number): void {
    const { limits } = this.statement;
    this.#reject(
      new RunAgain(async () => {
        if (delayMs !== undefined) await pause(delayMs, { signals: [limits?.signal] });
        return await new Promise((resolve, reject) => {
          this.#resolve = resolve;
          this.#reject = reject;
          begin();
        });
      }),
    );
  }

  /** @param shown the failure as its caller would get it */
  #runAgainIfAllowed(failure: unknown, shown: Error): boolean {
    const { pool, statement } = this;
    if (this.#retry === undefined && !pool.retries.concerns(failure)) return false;
    const { limits } = statement;
    const retryable = {
      facts: statement.facts,
      idempotent: statement.wishes.idempotent,
      inTransaction: this.#lease?.resource.session.inTransaction === true,
      remainingMs: limits === undefined ? Number.POSITIVE_INFINITY : Math.min(limits.remainingMs, limits.dueInMs),
    };
    this.#retry ??= pool.retries.begin(failure, retryable);
    if (this.#retry === undefined) return false;
    const delayMs = pool.retries.delayFor(this.#retry, failure, retryable);
    if (typeof delayMs === 'string') {
      if (delayMs === 'over-budget') noteOverBudget(shown);
      return false;
    }
    this.#retry.lastError = shown;
    // Dead, and the pool does not know it yet: it must not be the next one again.
    if (isNeverSent(failure)) this.#lease?.destroy();
    this.#lease = undefined;
    this.#runAgain(() => this.#start(), delayMs);
    return true;
  }

  #answerByFallback(failure: PoolError): boolean {
    const { fallback } = this.statement.wishes;
    if (failure.code !== 'POOL_BREAKER_OPEN' || typeof fallback !== 'function') return false;
    new Promise<StatementResult>((resolve) => resolve(fallback(failure))).then(this.#resolve, this.#reject);
    return true;
  }
}

keepShape(PooledStatement);

/** What a promise is rejected with whose statement is to be run once more. */
export class RunAgain extends Error {
  /** @param run to be called in the context of the caller */
  constructor(readonly run: () => Promise<StatementResult>) {
    super('bug: a statement that is to be run again is not');
  }
}

/**
 * The answer of a statement's last run. What waits for a promise continues in its own asynchronous context, so a statement that is not run again
 * need not remember it.
 *
 * @param site gives an error the stack of the caller: one that was captured, or that of the functions that await the answer
 */
export async function answerOfLastRun(first: Promise<StatementResult>, site: CapturedSite | 'await' | undefined): Promise<StatementResult> {
  for (let answer = first; ; ) {
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof RunAgain))
        throw site === undefined ? error : withStackOf(site === 'await' ? captureSite(answerOfLastRun) : site, error);
      answer = error.run();
    }
  }
}

function release(lease: Lease<ManagedConnection>): void {
  lease.release();
}
