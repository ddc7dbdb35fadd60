import { performance } from 'node:perf_hooks';
import {
  type AcquireOptions,
  type Borrowed,
  type DrainOptions,
  type DrainReport,
  type DurationCounts,
  type DurationSummary,
  Histogram,
  keepShape,
  LabelledCounts,
  type Lease,
  Pool as Engine,
  type PoolError,
  type PoolStats as EngineStats,
  type RecordedDuration,
  type Resizable,
  type ResolvedPoolOptions,
} from '../../engine/index.js';
import { CachedStatements, KnownSchema, WriteWatch } from '../caching/index.js';
import { RetryBudget } from '../../resilience/retry/index.js';
import { type BreakerSnapshots, type Health, HealthMonitor, PoolBreakers, PoolLog, SlowQueries } from '../observation/index.js';
import { CallbackPool } from './callback-pool.js';
import { isPermanentConnectError, type ServerError } from '../errors/index.js';
import { ConnectionFactory, ConnectionWaiter, enqueueTraced, isTraced, Killer, type ManagedConnection } from '../connections/index.js';
import type { DriverPromisePool, QueryValues } from '../driver/index.js';
import type { ResolvedOptions } from '../options/index.js';
import { ProcessHold } from './process-hold.js';
import { runTransaction, SelfDeadlockWatch, type Transaction, type TransactionHost } from '../transactions/index.js';
import { PooledStatement, type RetryCounts, RetryTally, StatementRetries } from '../statements/index.js';
import type { StatementOptions, StatementResult, TransactionOptions } from '../contract/index.js';

/** Everything that a pool knows about itself, as a frozen value. Counters only grow. */
export interface PoolStats extends EngineStats {
  /** Time that the server took to answer statements. */
  readonly query: DurationSummary;
  /** Statements that the server answered with an error. */
  readonly queryErrors: number;
  /** The same by error number; at most 50 kinds, the rest under 'other'. */
  readonly queryErrorsByErrno: Readonly<Record<string, number>>;
  /** Statements that were killed on the server because they took too long or their caller gave up. */
  readonly kills: number;
  /** How often transactions were run again after a deadlock and the like. */
  readonly retries: number;
  /** What became of transactions that were run again. */
  readonly transactionRetries: RetryCounts;
  /** What became of statements that were run again. */
  readonly statementRetries: RetryCounts;
  readonly breakers: BreakerSnapshots;
}

/** A server that stays read-only must not cost more than one round of new connections in this time. */
const POISONED_EVICTION_PERIOD_MS = 5_000;

/** What the budget of retries looks back on. */
const RETRY_WINDOW_MS = 10_000;

/** A pool of MySQL connections without a face: the promise pool and the callback pool are two views of one core. */
export class PoolCore {
  readonly engine: Engine<ManagedConnection>;
  /** The view that mysql2's callback users see. */
  readonly callbackPool: CallbackPool;
  /** Answers statements that are cached; undefined without a cache. */
  readonly cached: CachedStatements | undefined;
  readonly breakers: PoolBreakers;
  readonly retries: StatementRetries;
  readonly #transactionRetries = new RetryTally();
  readonly #retryBudget: RetryBudget;
  readonly #queryTimes = new Histogram();
  #queryErrors = 0;
  readonly #queryErrorsByErrno = new LabelledCounts();
  readonly slowQueries = new SlowQueries();
  readonly #health: HealthMonitor;
  readonly #killer: Killer;
  readonly #hold = new ProcessHold(() => this.#ending || this.engine.used > 0 || this.engine.waiting > 0);
  readonly #log: PoolLog | undefined;
  #ending = false;
  readonly #selfDeadlock = new SelfDeadlockWatch(this, () => this.engine.summary());
  #openTransactions = 0;
  #evictedAt = Number.NEGATIVE_INFINITY;
  #resets = 0;

  constructor(
    readonly options: ResolvedOptions,
    /** The promise view of this core, which is made after it. */
    private readonly view: () => DriverPromisePool,
  ) {
    this.callbackPool = new CallbackPool(this);
    const { cache } = options;
    const schema = cache === undefined ? undefined : new KnownSchema((sql) => this.#rowsOf(sql), cache);
    if (cache !== undefined && schema !== undefined) {
      this.cached = new CachedStatements(cache, schema, (...statement) => this.#run(...statement), options);
    }
    const breakers = new PoolBreakers(options.breakers, () => this.engine, cache?.breaker);
    this.breakers = breakers;
    const { budget, budgetMinimum } = options.retries;
    this.#retryBudget = new RetryBudget({ percent: budget, minimum: budgetMinimum, window: RETRY_WINDOW_MS }, () => {
      const { recentCalls, options } = breakers.statement;
      return (recentCalls * RETRY_WINDOW_MS) / options.window;
    });
    this.retries = new StatementRetries(options.retries, this.#retryBudget);
    const factory = new ConnectionFactory(options, {
      driverPool: this.callbackPool,
      hold: () => this.#hold.start(),
      tell: (event, connection) => this.callbackPool.tell(event, connection),
      connecting: () => breakers.connecting(),
      statementEnded: (durationMs, sql, now, broke) => {
        this.#queryTimes.record(durationMs);
        this.slowQueries.record(durationMs, sql);
        if (!broke) breakers.statement.succeeded(durationMs, now);
      },
      statementStopped: (durationMs, sql) => this.slowQueries.record(durationMs, sql),
      statementBroke: (error, durationMs, now) => breakers.statement.failed(error, durationMs, now),
      statementFailed: ({ errno }) => {
        this.#queryErrors += 1;
        this.#queryErrorsByErrno.add(String(errno));
      },
      sessionReset: () => {
        this.#resets += 1;
      },
      kill: (connection) => this.#killer.kill(connection),
      poisoned: (error) => this.#poisoned(error),
      tooManyStatements: () => {
        for (const connection of this.connections('idle')) connection.forgetStatements();
      },
      writes: cache === undefined || schema === undefined ? undefined : new WriteWatch(cache, schema),
    });
    this.#killer = new Killer((lost) => factory.openAside(lost), options.atStart.validationTimeout);
    this.engine = new Engine(factory, options.atStart);
    this.#health = new HealthMonitor(this.engine, options.health, undefined, breakers);
    this.engine.on('opened', ({ openMs }) => breakers.connected(openMs));
    this.engine.on('connectFailed', ({ error, retryInMs }) => breakers.connectFailed(error, isPermanentConnectError(error), retryInMs));
    this.engine.on('stateChanged', ({ to }) => {
      this.callbackPool._closed = to === 'draining' || to === 'closed';
    });
    this.#log = options.logger === undefined ? undefined : new PoolLog(options.atStart.name, options.logger);
    this.#log?.listen(this.engine, breakers);
    this.engine.on('leak', (borrowed) => this.#warnOfLeak(borrowed));
  }

  stats(): PoolStats {
    return Object.freeze({
      ...this.engine.stats(),
      resets: this.#resets,
      kills: this.#killer.kills,
      retries: this.#transactionRetries.retried,
      transactionRetries: this.#transactionRetries.counts,
      statementRetries: this.retries.tally.counts,
      query: this.#queryTimes.summary(),
      queryErrors: this.#queryErrors,
      queryErrorsByErrno: this.#queryErrorsByErrno.snapshot(),
      breakers: this.breakers.snapshots(),
    });
  }

  durationCounts(which: RecordedDuration | 'query', boundsMs: readonly number[]): DurationCounts {
    return which === 'query' ? this.#queryTimes.countsUpTo(boundsMs) : this.engine.durationCounts(which, boundsMs);
  }

  /** @param deep also runs a statement */
  health(deep: boolean): Promise<Health> {
    return this.#health.check(deep ? () => this.#selectOne() : undefined);
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions): Promise<T> {
    const host: TransactionHost = {
      pool: this,
      acquire: (acquireOptions) => this.#acquire(acquireOptions),
      acquireTimeout: this.acquireTimeout,
      patienceMs: this.options.atStart.validationTimeout,
      takeRetry: () => this.#retryBudget.take(),
      tally: this.#transactionRetries,
    };
    this.#openTransactions += 1;
    try {
      return await runTransaction(host, work, options);
    } finally {
      this.#openTransactions -= 1;
    }
  }

  /** Soft-evicts all connections, and the one that kills. */
  evict(): void {
    this.#killer.renew();
    this.engine.evict();
  }

  async end(): Promise<void> {
    this.#ending = true;
    this.#hold.start();
    await this.engine.close();
    await this.#stop();
  }

  get promisePool(): DriverPromisePool {
    return this.view();
  }

  get acquireTimeout(): number {
    return this.options.atStart.acquireTimeout;
  }

  get limits(): ResolvedPoolOptions {
    return this.engine.options;
  }

  resize(change: Resizable): void {
    this.engine.resize(change);
  }

  get waiting(): number {
    return this.engine.waiting;
  }

  /** A connection that is idle and needs no validation, or none. */
  tryAcquire(): Lease<ManagedConnection> | undefined {
    return isTraced() || !this.breakers.lending ? undefined : this.engine.tryAcquire();
  }

  enqueue(waiter: ConnectionWaiter, options?: AcquireOptions): void {
    if (isTraced()) enqueueTraced((traced) => this.#enqueue(traced, options), waiter, options, this.options.endpoint);
    else this.#enqueue(waiter, options);
  }

  /** Open connections: all of them, or those that nobody has. */
  connections(which: 'all' | 'idle'): readonly ManagedConnection[] {
    return this.engine.resources(which);
  }

  async drain(options?: DrainOptions): Promise<DrainReport> {
    this.#ending = true;
    this.#hold.start();
    const report = await this.engine.drain(options);
    this.#log?.drained(report);
    await this.#stop();
    return report;
  }

  /** After a fail-over all connections lead to the wrong server. New ones are opened as needed, and the host is resolved anew. */
  #poisoned(error: ServerError): void {
    this.#health.notePoisoned(error.message);
    const now = performance.now();
    if (now - this.#evictedAt < POISONED_EVICTION_PERIOD_MS) return;
    this.#evictedAt = now;
    this.evict();
  }

  /** Somebody must be told; those who listen themselves are. */
  #warnOfLeak({ id, description, heldMs, stack }: Borrowed): void {
    if (this.engine.listenerCount('leak') > 1) return;
    const message = `Pool '${this.engine.name}': connection #${id} has been borrowed for ${Math.round(heldMs)} ms (${description}) and was not given back.`;
    process.emitWarning(message, { code: 'POOL_LEAK', ...(stack === undefined ? {} : { detail: stack }) });
  }

  async #stop(): Promise<void> {
    this.#health.stop();
    await this.#killer.close();
    this.#ending = false;
  }

  #enqueue(waiter: ConnectionWaiter, options: AcquireOptions | undefined): void {
    const refusal = this.breakers.refusal() ?? (this.#openTransactions > 0 ? this.#selfDeadlock.check(waiter) : undefined);
    if (refusal === undefined) this.engine.enqueue(waiter, options);
    else waiter.refused(refusal);
    // A connection that comes straight from being cleaned is handed over without a word (`unpark`).
    if (waiter.queued) this.#hold.start();
    // mysql2 tells of those who wait for others' connections, not of those for whom one is opened.
    if (waiter.queued && this.callbackPool.listenerCount('enqueue') > 0) {
      const { waiting, limit, used, closing } = this.engine.summary();
      if (waiting > limit - used - closing) this.callbackPool.tell('enqueue');
    }
  }

  #acquire(options: AcquireOptions): Promise<Lease<ManagedConnection>> {
    const { signal, priority, fairnessKey } = options;
    const lease = signal === undefined && priority === undefined && fairnessKey === undefined ? this.tryAcquire() : undefined;
    if (lease !== undefined) return Promise.resolve(lease);
    return new Promise((resolve, reject) => this.enqueue(new LeaseWaiter(resolve, reject), options));
  }

  /** Not longer than a validation may take: whoever asks for health must be told while they still listen. */
  async #selectOne(): Promise<void> {
    const timeout = this.options.atStart.validationTimeout;
    await this.#run('query', { sql: 'SELECT 1', timeout }, undefined);
  }

  #run(method: 'query' | 'execute', sql: StatementOptions, values: QueryValues | undefined): Promise<StatementResult> {
    return new Promise((resolve, reject) => {
      new PooledStatement(this, method, sql, values, undefined, resolve, reject).start();
    });
  }

  /** Whatever the pool's users make of results. */
  async #rowsOf(sql: string): Promise<readonly (readonly unknown[])[]> {
    const [rows] = await this.#run('query', { sql, rowsAsArray: true, nestTables: false, typeCast: true }, undefined);
    return rows as unknown[][];
  }
}

/** The waiter behind `pool.transaction()`. */
class LeaseWaiter extends ConnectionWaiter {
  constructor(
    private readonly resolve: (lease: Lease<ManagedConnection>) => void,
    private readonly reject: (error: PoolError) => void,
  ) {
    super();
  }

  override lent(lease: Lease<ManagedConnection>): void {
    this.resolve(lease);
  }

  override failed(error: PoolError): void {
    this.reject(error);
  }
}

keepShape(LeaseWaiter);
