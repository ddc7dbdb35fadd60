import { performance } from 'node:perf_hooks';
import type { AcquireOptions, Lease, PoolError } from '../engine/index.js';
import type { StatementCacheOptions } from './cached-statements.js';
import { type CapturedSite, withStackOf } from './callers-stack.js';
import type { FieldPacket, QueryOptions, QueryValues } from './driver.js';
import { isStatementCacheInvalid } from './failure.js';
import type { Flavor } from './flavor.js';
import type { ManagedConnection } from './managed-connection.js';
import { ConnectionWaiter } from './self-deadlock.js';
import { limitsOf, startedAt, type StatementLimits } from './statement-limits.js';

/** What a statement resolves to, as mysql2/promise has it. */
export type StatementResult = [rows: unknown, fields: FieldPacket[]];

/** What a pool's `query` and `execute` take beside mysql2's own options. */
export interface StatementOptions extends QueryOptions {
  /** How long the statement may take, with the wait for a connection, in milliseconds; 0 = for ever. One absolute deadline. Default: 0. */
  readonly timeout?: number;
  /** Gives up when it aborts; a statement that is already running is killed on the server. */
  readonly signal?: AbortSignal;
  /** Whether and how the result is cached, where the pool has a cache; reads in a transaction are not. Default: as the cache's rules say. */
  readonly cache?: StatementCacheOptions | boolean;
}

/** Where a statement gets its connection. */
export interface StatementPool {
  readonly options: { readonly flavor: Flavor };
  readonly acquireTimeout: number;
  tryAcquire(): Lease<ManagedConnection> | undefined;
  enqueue(waiter: ConnectionWaiter, options?: AcquireOptions): void;
}

/**
 * One statement on whichever connection comes free first. It waits in the pool's queue itself, so that there is one promise per statement
 * and no callback or event in between.
 */
export class PooledStatement extends ConnectionWaiter {
  #lease: Lease<ManagedConnection> | undefined = undefined;
  #startedAt = 0;
  #preparedAnew = false;

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
    const limits = limitsOf(this.sql);
    if (limits !== undefined) {
      this.#startedAt = performance.now();
      pool.enqueue(this, acquireOptions(limits, pool.acquireTimeout, pool.options.flavor));
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
    this.#reject(this.pool.options.flavor.acquireFailure(error));
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
    this.#reject(this.pool.options.flavor.statementFailure(error) as Error);
  }

  #reject(failure: Error): void {
    this.reject(this.site === undefined ? failure : withStackOf(this.site, failure));
  }
}

/** Whichever of the two deadlines comes first; 0 = none. */
function acquireOptions({ timeout, signal }: StatementLimits, acquireTimeout: number, { timeoutCoversWaiting }: Flavor): AcquireOptions {
  const limits = [timeoutCoversWaiting ? timeout : 0, acquireTimeout].filter((limit) => limit > 0);
  return { timeout: limits.length === 0 ? 0 : Math.min(...limits), ...(signal === undefined ? {} : { signal }) };
}

function release(lease: Lease<ManagedConnection>): void {
  lease.release();
}
