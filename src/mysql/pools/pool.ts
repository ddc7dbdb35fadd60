/** The promise pool: everything of mysql2/promise's pool, and what production needs beside it. */

import { customInspect } from '../../packages/index.js';
import { keepContextOfListeners } from '../../engine/waiting/index.js';
import type { QueryCache } from '../../cache/serving/index.js';
import type {
  Borrowed,
  DrainOptions,
  DrainReport,
  DurationCounts,
  PoolEvents,
  ResolvedPoolOptions,
  PoolSummary,
  RecordedDuration,
  Resizable,
} from '../../engine/index.js';
import {
  captureSite,
  DriverPromisePool,
  type ExecuteValues,
  type FieldPacket,
  inListenersContext,
  type QueryResult,
  type QueryValues,
} from '../driver/index.js';
import type { FleetChange, FleetSnapshot } from '../../fleet/contract/index.js';
import type { BreakerChange } from '../../resilience/breaker/index.js';
import { currentDeadline } from '../../resilience/deadline/index.js';
import type { BreakersByName, Health, SlowQueryOrder, SlowQueryReport } from '../observation/index.js';
import type { Endpoint, Hygiene, ResolvedOptions, TlsMode } from '../options/index.js';
import { borrow, type PoolConnection, PoolConnectionWaiter } from '../connections/index.js';
import type { ConnectionSource } from './lease-source.js';
import { PoolCore, type ServerProduct } from './pool-core.js';
import type { PoolStats } from './pool-stats.js';
import type { PoolSteering } from './steering.js';
import {
  acquireOptionsOf,
  type BorrowOptions,
  type CallbackPoolView,
  type Method,
  type Statement,
  type StatementOptions,
  statementOf,
  type TransactionOptions,
} from '../contract/index.js';
import { answerOfLastRun, PooledStatement, type StatementPool } from '../statements/index.js';
import type { Transaction } from '../transactions/index.js';
import { acquireInTime, transactionInTime } from '../limits/index.js';

/** The options in force, without secrets. */
export interface PublicOptions extends ResolvedPoolOptions {
  readonly endpoint: Endpoint;
  readonly user: string | undefined;
  readonly tls: TlsMode;
  readonly hygiene: Hygiene;
}

/** The core of a pool, for what is made of several pools. */
export let coreOf: (pool: Pool) => PoolCore;

/** Steers a pool that has `moves` in its options. */
export let steer: (pool: Pool) => PoolSteering;

/**
 * A managed pool of MySQL connections: everything of mysql2/promise's pool, and what production needs beside it.
 *
 * @example
 * ```ts
 * const pool = createPool('mysql://app:secret@db.example.com/app');
 * const [rows] = await pool.query('SELECT * FROM users WHERE id = ?', [7]);
 * await pool.end();
 * ```
 */
export class Pool extends DriverPromisePool {
  /** The callback view of the same pool, as mysql2's. */
  declare readonly pool: CallbackPoolView;
  readonly #core: PoolCore;

  static {
    steer = (pool) => pool.#core.steering;
    coreOf = (pool) => pool.#core;
  }

  /** The cache that it was made with, if any. */
  readonly cache: QueryCache | undefined;

  constructor(options: ResolvedOptions, makeCore: (view: () => Pool) => PoolCore = (view) => new PoolCore(options, view)) {
    const core: PoolCore = makeCore(() => this);
    super(core.callbackPool, Promise);
    this.#core = core;
    this.cache = options.cache;
    // mysql2's promise pool has none, although its types say so; `attachDatabasePool` of @vercel/functions looks there for the idle timeout.
    Object.defineProperty(this, 'config', { value: core.callbackPool.config });
  }

  /** The pool's name in errors, statistics and metrics. */
  get name(): string {
    return this.#core.engine.name;
  }

  /**
   * The breakers of this pool by name, for a look at them and for what is done manually: `open(reason)` comes back by itself,
   * `isolate(reason)` holds it open until the function that it returns is called, `close()` ends both.
   *
   * @example
   * ```ts
   * const letGo = pool.breakers.statement.isolate('maintenance');
   * ```
   */
  get breakers(): BreakersByName {
    const { connect, statement, cache } = this.#core.breakers;
    return Object.freeze({ connect, statement, ...(cache === undefined ? {} : { cache }) });
  }

  /** What this pool knows of the fleet with which it shares a budget; undefined without the option `fleet`. */
  get fleet(): FleetSnapshot | undefined {
    return this.#core.fleet?.snapshot();
  }

  /** The options in force, without secrets. */
  get options(): PublicOptions {
    const { endpoint, tls, hygiene, connection } = this.#core.options;
    return Object.freeze({ ...this.#core.engine.options, endpoint, user: connection.user, tls: tls.mode, hygiene });
  }

  /**
   * Runs a statement on a connection of the pool, with values put into the text, as mysql2's `query` does.
   *
   * @throws PoolError an acquire error (see `getConnection`); errors of the server and of mysql2 are passed on as they are
   */
  override query<T extends QueryResult>(sql: string | StatementOptions, values?: QueryValues): Promise<[T, FieldPacket[]]> {
    return this.#run('query', sql, values) as Promise<[T, FieldPacket[]]>;
  }

  /**
   * Runs a prepared statement on a connection of the pool, as mysql2's `execute` does.
   *
   * @throws as `query` does
   */
  override execute<T extends QueryResult>(sql: string | StatementOptions, values?: ExecuteValues): Promise<[T, FieldPacket[]]> {
    return this.#run('execute', sql, values as QueryValues) as Promise<[T, FieldPacket[]]>;
  }

  /**
   * Borrows a connection. Release it, or declare it with `await using` (Node 24 and later, or TypeScript 5.2 and later).
   *
   * @param options.timeout milliseconds, 0 = no limit; default: the pool's `acquireTimeout`
   * @param options.signal gives up waiting when it aborts
   * @param options.session settings that its session must have, such as `{ time_zone: '+02:00' }`
   * @throws PoolError `POOL_ACQUIRE_TIMEOUT`, `POOL_QUEUE_FULL`, `POOL_ABORTED`, `POOL_CONNECT_FAILED`, `POOL_TLS_REQUIRED`,
   *   `POOL_SUSPENDED`, `POOL_DRAINING`, `POOL_CLOSED`, `POOL_HOOK_FAILED`, `POOL_SESSION_REFUSED`, `POOL_OPTION_INVALID`
   */
  override getConnection(options?: BorrowOptions): Promise<PoolConnection> {
    return this.borrowFrom(this.#core, options);
  }

  /** @internal @param lender where the connection comes from */
  protected borrowFrom(lender: ConnectionSource, options: BorrowOptions | undefined): Promise<PoolConnection> {
    const core = this.#core;
    const isPlain = options === undefined && currentDeadline() === undefined;
    if (isPlain) {
      const lease = lender.tryAcquire();
      if (lease !== undefined) return Promise.resolve(borrow(lease));
    }
    return new Promise((resolve) => {
      const limits = isPlain ? undefined : acquireInTime(acquireOptionsOf(options), core.acquireTimeout);
      lender.enqueue(new PoolConnectionWaiter(resolve, core.options.flavor), limits);
    });
  }

  /**
   * Runs `work` in a transaction on one connection: commits when it returns, rolls back when it throws, and runs all of it again after a
   * deadlock, a lock wait timeout, or one of TiDB's retryable errors. `tx.transaction` nests, by savepoints.
   *
   * @param work what it does outside the database must bear being done again
   * @param options see {@link TransactionOptions}
   * @throws what `work` throws; an acquire error; PoolError `POOL_QUERY_TIMEOUT`, `POOL_ABORTED`, `POOL_CONNECTION_LOST`, and
   *   `POOL_COMMIT_UNKNOWN` when the outcome of COMMIT cannot be known
   *
   * @example
   * ```ts
   * await pool.transaction(async (tx) => {
   *   await tx.query('UPDATE accounts SET balance = balance - ? WHERE id = ?', [10, from]);
   *   await tx.query('UPDATE accounts SET balance = balance + ? WHERE id = ?', [10, to]);
   * });
   * ```
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return await this.#core.transaction(work, transactionInTime(options));
  }

  /** @internal @param lender where its connection comes from */
  protected transactionFrom<T>(lender: ConnectionSource, work: (tx: Transaction) => Promise<T>, options: TransactionOptions): Promise<T> {
    return this.#core.transaction(work, transactionInTime(options), lender);
  }

  /**
   * Resolves when `minIdle` connections (at least one) are open.
   *
   * @param options.timeout milliseconds; default: `connectTimeout`
   * @throws PoolError `POOL_CONNECT_FAILED`, `POOL_TLS_REQUIRED`, `POOL_CLOSED`
   */
  ready(options?: { readonly timeout?: number }): Promise<void> {
    return this.#core.engine.ready(options);
  }

  /** Everything that the pool knows about itself now. */
  stats(): PoolStats {
    return this.#core.stats();
  }

  /** The pool's counts now: cheaper than `stats()`. */
  summary(): PoolSummary {
    return this.#core.engine.summary();
  }

  /** Which borrowers hold connections now, the longest-held first. */
  borrowed(): readonly Borrowed[] {
    return this.#core.engine.borrowed();
  }

  /**
   * The statements that cost most recently, by shape: values are never shown.
   *
   * @param options.limit how many shapes; default: 20
   * @param options.orderBy by their time together, or by their 99th percentile; default: 'total'
   */
  slowQueries({ limit = 20, orderBy = 'total' }: { readonly limit?: number; readonly orderBy?: SlowQueryOrder } = {}): SlowQueryReport {
    return this.#core.slowQueries.report(limit, orderBy);
  }

  /** For tracers: reports each duration from now on, in milliseconds. Returns a function that ends it. */
  observeDurations(which: RecordedDuration, listener: (durationMs: number) => void): () => void {
    return this.#core.engine.observeDurations(which, listener);
  }

  /** For metrics: how many recorded durations were at most as long as each bound (milliseconds, ascending). */
  durationCounts(which: RecordedDuration | 'query', boundsMs: readonly number[]): DurationCounts {
    return this.#core.durationCounts(which, boundsMs);
  }

  /** @param options.deep also runs a statement on a connection of the pool */
  health(options: { readonly deep?: boolean } = {}): Promise<Health> {
    return this.#core.health(options.deep === true);
  }

  /**
   * Changes the limits. A lowered limit closes idle connections at once and lent ones when they are released.
   *
   * @throws PoolError `POOL_OPTION_INVALID`; nothing is changed then
   */
  resize(change: Resizable): void {
    this.#core.engine.resize(change);
  }

  /** Soft-evicts all connections: idle ones are closed now, lent ones when they are released. For fail-overs, new certificates, new passwords. */
  evict(): void {
    this.#core.evict();
  }

  /** Lends nothing until `resume()`: acquires wait, and their deadlines run. Borrowers are not disturbed. */
  suspend(): void {
    this.#core.engine.suspend();
  }

  override resume(): void {
    this.#core.engine.resume();
  }

  /**
   * The graceful end: takes no new work, serves the waiters, lets borrowers finish, says goodbye on every connection.
   *
   * @param options.timeout milliseconds until the rest is cut off; default: 30 000
   * @param options.queue 'serve' the waiters, or 'refuse' them with `POOL_DRAINING`; default: 'serve'
   * @throws PoolError `POOL_OPTION_INVALID`
   */
  drain(options?: DrainOptions): Promise<DrainReport> {
    return this.#core.drain(options);
  }

  /**
   * Listens to what happens: opened, closed, connectFailed, failed, leak, leakReturned, stateChanged, breakerChanged, fleetChanged. Returns a function
   * that stops.
   */
  watch(event: 'breakerChanged', listener: (change: BreakerChange) => void): () => void;
  watch(event: 'fleetChanged', listener: (change: FleetChange) => void): () => void;
  watch<K extends keyof PoolEvents>(event: K, listener: (detail: PoolEvents[K][0]) => void): () => void;
  watch(event: keyof PoolEvents | 'breakerChanged' | 'fleetChanged', listener: (detail: never) => void): () => void {
    return this.#core.watch(event, listener);
  }

  /** @internal What its server is, when that is the one at this address; undefined before a connection was opened. */
  serverProductAt(address: string, port: number | undefined): ServerProduct | undefined {
    return this.#core.serverProductAt(address, port);
  }

  /** A log of a pool must not show its password. */
  [customInspect](): string {
    const { state, used, idle, waiting, limit } = this.summary();
    return `Pool { ${this.name}, ${state}, used: ${used}, idle: ${idle}, waiting: ${waiting}, limit: ${limit} }`;
  }

  /** What comes here may be anything: this is the pool's door. */
  #run(method: Method, sql: unknown, values: QueryValues | undefined): Promise<unknown> {
    if (typeof values === 'function') throw new Error('Callback function is not available with promise clients.');
    let statement: Statement;
    try {
      statement = statementOf(method, sql, values, currentDeadline());
    } catch (error) {
      return Promise.reject(error);
    }
    const core = this.#core;
    const { reading } = statement.wishes;
    let lender: StatementPool = core;
    if (reading === undefined) {
      const cached = core.cached?.answer(statement);
      if (cached !== undefined) return cached;
    } else {
      try {
        lender = core.lenderFor(reading);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    const { trace } = core.options;
    const site = trace === true ? captureSite(this[method]) : undefined;
    return answerOfLastRun(new PooledStatement(lender, statement).run(), trace === undefined ? 'await' : site);
  }
}

keepContextOfListeners(Pool.prototype, inListenersContext);
