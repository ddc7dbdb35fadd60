import { performance } from 'node:perf_hooks';
import { type AcquireOptions, keepShape, type Lease, type PoolError } from '../../engine/index.js';
import { pause } from '../../engine/waiting/index.js';
import type { RetrySchedule } from '../../resilience/retry/index.js';
import type { StatementOptions, StatementResult } from '../contract/index.js';
import { type CapturedSite, type FieldPacket, type QueryValues, withStackOf } from '../driver/index.js';
import { type Flavor, isStatementCacheInvalid, statementFailure } from '../errors/index.js';
import { ConnectionWaiter, type ManagedConnection } from '../connections/index.js';
import { noteOverBudget } from './retry-tally.js';
import { limitsOf, startedAt, type StatementLimits } from '../limits/index.js';
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
 * One statement on whichever connection comes free first. It waits in the pool's queue itself, so that there is one promise per statement
 * and no callback or event in between.
 */
export class PooledStatement extends ConnectionWaiter {
  #lease: Lease<ManagedConnection> | undefined = undefined;
  #startedAt = Number.NaN;
  #preparedAnew = false;
  /** Present once it has failed and is to be run again. */
  #retry: RetrySchedule | undefined = undefined;

  constructor(
    private readonly pool: StatementPool,
    private readonly method: 'query' | 'execute',
    private readonly sql: string | StatementOptions,
    private readonly values: QueryValues | undefined,
    private readonly site: CapturedSite | undefined,
    private readonly resolve: (result: StatementResult) => void,
    private readonly reject: (error: unknown) => void,
  ) {
    super();
  }

  start(): void {
    const { pool } = this;
    const limits = limitsOf(this.#retry === undefined ? this.sql : this.#remaining());
    const place = placeOf(this.sql);
    if (limits !== undefined || place !== undefined) {
      if (this.#retry === undefined) this.#startedAt = performance.now();
      pool.enqueue(this, { ...(limits === undefined ? {} : acquireOptions(limits, pool.acquireTimeout, pool.options.flavor)), ...place });
      return;
    }
    const lease = pool.tryAcquire();
    if (lease === undefined) pool.enqueue(this);
    else this.lent(lease);
  }

  override lent(lease: Lease<ManagedConnection>): void {
    this.#lease = lease;
    const connection = lease.resource;
    const done = (error: Error | null, rows?: unknown, fields?: unknown): void => this.#done(error, rows, fields as FieldPacket[]);
    try {
      if (this.values === undefined) connection[this.method](this.#remaining(), done);
      else connection[this.method](this.#remaining(), this.values, done);
    } catch (error) {
      lease.release();
      this.#fail(error as Error);
    }
  }

  override failed(error: PoolError): void {
    const told = this.pool.options.flavor.acquireFailure(error);
    if (this.#isRunAgain(error, told) || this.#answersInstead(error)) return;
    // Without a connection for another run, it is the last run that failed.
    this.#reject(error.code === 'POOL_ABORTED' ? told : (this.#retry?.lastError ?? told));
  }

  /** The statement, with as much of its time as the wait for a connection has left. */
  #remaining(): string | StatementOptions {
    const { sql } = this;
    if (typeof sql === 'string' || sql.timeout === undefined || sql.timeout === 0) return sql;
    return this.pool.options.flavor.timeoutCoversWaiting ? (startedAt(sql, this.#startedAt) as StatementOptions) : sql;
  }

  #done(error: Error | null, rows: unknown, fields: FieldPacket[]): void {
    const lease = this.#lease as Lease<ManagedConnection>;
    if (error === null) {
      lease.release();
      if (this.#retry !== undefined) this.pool.retries.tally.recovered += 1;
      this.resolve([rows, fields]);
    } else if (this.method === 'execute' && !this.#preparedAnew && isStatementCacheInvalid(error)) {
      this.#preparedAnew = true;
      lease.resource.forgetStatement(this.sql, error);
      this.lent(lease);
    } else {
      // mysql2 tells of an error before it has taken the command off the connection.
      process.nextTick(release, lease);
      this.#fail(error);
    }
  }

  #fail(error: Error): void {
    const told = this.pool.options.flavor.statementFailure(error) as Error;
    if (!this.#isRunAgain(statementFailure(error), told)) this.#reject(told);
  }

  #reject(failure: Error): void {
    this.reject(this.site === undefined ? failure : withStackOf(this.site, failure));
  }

  /** @param told what its caller would be told of the failure */
  #isRunAgain(failure: unknown, told: Error): boolean {
    const { sql, pool } = this;
    if (this.#retry === undefined && !pool.retries.concerns(failure)) return false;
    const options: StatementOptions = typeof sql === 'string' ? { sql } : sql;
    const limits = limitsOf(this.#remaining());
    const statement = {
      sql: options.sql,
      idempotent: options.idempotent === true,
      inTransaction: this.#lease?.resource.session.inTransaction === true,
      remainingMs: limits === undefined ? Number.POSITIVE_INFINITY : Math.min(limits.remainingMs, limits.dueInMs),
    };
    this.#retry ??= pool.retries.begin(failure, statement);
    if (this.#retry === undefined) return false;
    const delayMs = pool.retries.delayFor(this.#retry, failure, statement);
    if (typeof delayMs === 'string') {
      if (delayMs === 'over-budget') noteOverBudget(told);
      return false;
    }
    this.#retry.lastError = told;
    // Dead, and the pool has not heard of it yet: it must not be the next one again.
    if (isNeverSent(failure)) this.#lease?.destroy();
    this.#lease = undefined;
    void pause(delayMs, { signals: [limits?.signal] }).then(() => this.start());
    return true;
  }

  #answersInstead(failure: PoolError): boolean {
    if (failure.code !== 'POOL_BREAKER_OPEN') return false;
    // No connection was asked for anything: whatever it is, mysql2 has not refused it yet.
    const fallback = (this.sql as Partial<StatementOptions> | null | undefined)?.fallback;
    if (typeof fallback !== 'function') return false;
    new Promise<StatementResult>((resolve) => resolve(fallback(failure))).then(this.resolve, this.reject);
    return true;
  }
}

keepShape(PooledStatement);

/** Where it stands in the queue, if that was said. */
function placeOf(sql: string | StatementOptions): Pick<AcquireOptions, 'priority' | 'fairnessKey'> | undefined {
  if (typeof sql !== 'object' || sql === null || (sql.priority === undefined && sql.fairnessKey === undefined)) return undefined;
  const { priority, fairnessKey } = sql;
  return { ...(priority === undefined ? {} : { priority }), ...(fairnessKey === undefined ? {} : { fairnessKey }) };
}

/** Whichever of the deadlines comes first; 0 = none. */
function acquireOptions(
  { remainingMs, dueInMs, signal }: StatementLimits,
  acquireTimeout: number,
  { timeoutCoversWaiting }: Flavor,
): AcquireOptions {
  const ownLimit = timeoutCoversWaiting ? Math.max(remainingMs, 1) : Number.POSITIVE_INFINITY;
  const limits = [ownLimit, Math.max(dueInMs, 1), acquireTimeout].filter((limit) => limit > 0 && limit < Number.POSITIVE_INFINITY);
  return { timeout: limits.length === 0 ? 0 : Math.min(...limits), ...(signal === undefined ? {} : { signal }) };
}

function release(lease: Lease<ManagedConnection>): void {
  lease.release();
}
