/** A pool without a face: its parts, and how they are put together. The promise pool and the callback pool are two views of it. */

import { ignore, inRootContext, performance } from '../../engine/waiting/index.js';
import {
  type AcquireOptions,
  asGiven,
  type DrainOptions,
  type DrainReport,
  type DurationCounts,
  type Lease,
  Pool as Engine,
  type PoolEvents,
  type RecordedDuration,
  type Resizable,
  type ResolvedPoolOptions,
} from '../../engine/index.js';
import { CachedStatements, KnownSchema, WriteWatch } from '../caching/index.js';
import { RetryBudget } from '../../resilience/retry/index.js';
import type { Breaker, BreakerChange } from '../../resilience/breaker/index.js';
import {
  type Health,
  type HealthCheck,
  HealthMonitor,
  PoolBreakers,
  PoolLog,
  type SlowQueries,
  StatementLog,
} from '../observation/index.js';
import { CallbackPool } from './callback-pool.js';
import { type ServerError, verdictOfConnectError } from '../errors/index.js';
import {
  ConnectionFactory,
  type ConnectionHost,
  type ConnectionWaiter,
  enqueueMeasured,
  enqueueTraced,
  isMeasured,
  isTraced,
  isWaitTraced,
  Killer,
  type ManagedConnection,
} from '../connections/index.js';
import type { FleetChange } from '../../fleet/contract/index.js';
import type { DriverPromisePool } from '../driver/index.js';
import { PoolCredentials } from '../credentials/index.js';
import { endpointOf, type ResolvedOptions, type ResolvedStatementRetries } from '../options/index.js';
import { CoreSteering, environmentOf, type SteeredCore } from './core-steering.js';
import { LeakWarning } from './leak-warning.js';
import { PoolFleet } from './pool-fleet.js';
import { acquireFrom, type ConnectionSource, type StatementRouter } from './lease-source.js';
import type { PoolStats } from './pool-stats.js';
import { ProcessHold } from './process-hold.js';
import { runTransaction, SelfDeadlockWatch, type Transaction, type TransactionHost } from '../transactions/index.js';
import { answerOfLastRun, hooksOf, PooledStatement, type StatementPool, RetryTally, StatementRetries } from '../statements/index.js';
import {
  limitsFrom,
  ownStatement,
  ownStatementWith,
  type ReadingOptions,
  readingRefused,
  type Statement,
  type StatementResult,
  type TransactionOptions,
} from '../contract/index.js';

/** A server that stays read-only must not cost more than one round of new connections in this time. */
const POISONED_EVICTION_PERIOD_MS = 5_000;

/** How long one query for the schema may take. */
const READING_TIMEOUT_MS = 10_000;

/** What the budget of retries looks back on. */
const RETRY_WINDOW_MS = 10_000;

/** What speaks MySQL's protocol at the other end, as far as OpenTelemetry has names for it. */
export type ServerProduct = 'mariadb' | 'mysql';

/** A pool of MySQL connections without a face: the promise pool and the callback pool are two views of one core. */
export class PoolCore implements SteeredCore {
  readonly engine: Engine<ManagedConnection>;
  /** The view that mysql2's callback users see. */
  readonly callbackPool: CallbackPool;
  /** Answers statements that are cached; undefined without a cache. */
  readonly cached: CachedStatements | undefined;
  readonly breakers: PoolBreakers;
  readonly retries: StatementRetries;
  /** For a layer above whose pool leads to a place that changes. */
  readonly steering = new CoreSteering(this);
  /** Sends statements to other servers that ask for it; undefined in a plain pool. */
  router: StatementRouter | undefined = undefined;
  /** Keeps the pool within its share of a budget; undefined without one. */
  readonly fleet: PoolFleet | undefined;
  readonly #transactionRetries = new RetryTally();
  readonly #retryBudget: RetryBudget;
  readonly #statements: StatementLog;
  readonly #health: HealthMonitor;
  readonly #killer: Killer;
  readonly #hold = new ProcessHold(() => this.#ending || this.engine.used > 0 || this.engine.waiting > 0);
  readonly #logger: PoolLog | undefined;
  readonly #leakWarning: LeakWarning;
  readonly #isMeasured = isMeasured();
  #ending = false;
  readonly #selfDeadlock = new SelfDeadlockWatch(this, () => this.engine.summary());
  #openTransactions = 0;
  #evictedAt = Number.NEGATIVE_INFINITY;
  #resets = 0;
  readonly #factory: ConnectionFactory;
  readonly #credentials: PoolCredentials;

  constructor(
    /** The options in force, with the place to which connections lead now. */
    public options: ResolvedOptions,
    /** The promise view of this core, which is made after it. */
    private readonly view: () => DriverPromisePool,
  ) {
    const { atStart, cache, logger } = options;
    this.callbackPool = new CallbackPool(this);
    this.#credentials = new PoolCredentials(options.credentials);
    const schema = cache === undefined ? undefined : new KnownSchema((sql) => this.rowsOf(sql, READING_TIMEOUT_MS), cache);
    if (cache !== undefined && schema !== undefined) {
      this.cached = new CachedStatements(cache, schema, (statement) => this.#run(statement), options);
    }
    this.breakers = new PoolBreakers(options.breakers, () => this.engine, cache?.breaker);
    this.#retryBudget = retryBudget(options.retries, this.breakers.statement);
    this.retries = new StatementRetries(options.retries, this.#retryBudget, options.moves === true);
    const writes = cache === undefined || schema === undefined ? undefined : new WriteWatch(cache, schema);
    this.#statements = new StatementLog(this.breakers.statement, writes);
    this.#factory = new ConnectionFactory(options, this.#connectionHost());
    this.#killer = new Killer(
      (lost) => this.#factory.openAside(lost),
      atStart.validationTimeout,
      options.fleet === undefined ? undefined : 1,
    );
    this.engine = new Engine(this.#factory, asGiven(atStart), environmentOf(options));
    this.#health = new HealthMonitor(this.engine, options.health, undefined, this.breakers);
    this.#logger = logger === undefined ? undefined : new PoolLog(atStart.name, logger);
    this.#leakWarning = new LeakWarning(this.engine.name);
    this.#listen();
    if (options.fleet !== undefined) this.fleet = new PoolFleet(this, () => this.#killer.kept);
  }

  /** As {@link CoreSteering.moveTo} has it. */
  moveTo({ endpoint, tls, connection, credentials, fleet }: ResolvedOptions): void {
    const options: ResolvedOptions = { ...this.options, endpoint, tls, connection, credentials, fleet };
    this.options = options;
    this.#credentials.moveTo(credentials);
    this.callbackPool.moveTo(options);
    this.#factory.moveTo(options);
    this.#killer.renewConnection();
    this.fleet?.lead(options);
    this.engine.leavePlace();
    this.breakers.forget();
  }

  /** As {@link CoreSteering.leavePlace} has it. */
  leavePlace(): void {
    this.#killer.renewConnection();
    this.engine.leavePlace();
  }

  stats(): PoolStats {
    return Object.freeze({
      ...this.engine.stats(),
      resets: this.#resets,
      kills: this.#killer.kills,
      retries: this.#transactionRetries.retried,
      transactionRetries: this.#transactionRetries.counts,
      statementRetries: this.retries.tally.counts,
      ...this.#statements.counts,
      breakers: this.breakers.snapshots(),
    });
  }

  durationCounts(which: RecordedDuration | 'query', boundsMs: readonly number[]): DurationCounts {
    return which === 'query' ? this.#statements.countsUpTo(boundsMs) : this.engine.durationCounts(which, boundsMs);
  }

  get slowQueries(): SlowQueries {
    return this.#statements.slowQueries;
  }

  /** Listens to what happens; returns a function that stops. */
  watch(event: keyof PoolEvents | 'breakerChanged' | 'fleetChanged', listener: (detail: never) => void): () => void {
    if (event === 'fleetChanged') return this.fleet?.onChange(listener as (change: FleetChange) => void) ?? ignore;
    if (event === 'breakerChanged') return this.breakers.onChange(listener as (change: BreakerChange) => void);
    const { engine } = this;
    const restoreWarning = event === 'leak' ? this.#leakWarning.replacedBy() : undefined;
    engine.on(event, listener as never);
    return () => {
      restoreWarning?.();
      engine.off(event, listener as never);
    };
  }

  /** @param deep also runs a statement */
  health(deep: boolean, more?: readonly HealthCheck[]): Promise<Health> {
    const own = [...this.#credentials.checks(), ...(this.fleet === undefined ? [] : [this.fleet.check()])];
    return this.#health.check(deep ? () => this.#selectOne() : undefined, [...own, ...(more ?? [])]);
  }

  /** Where a statement gets its connection that asks for a route. @throws PoolError `POOL_OPTION_INVALID` */
  lenderFor(reading: ReadingOptions): StatementPool {
    if (this.router === undefined) throw readingRefused(`pool '${this.engine.name}' leads to one server.`);
    return this.router.lenderFor(reading);
  }

  /** @param lender where its connection comes from */
  async transaction<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions, lender: ConnectionSource = this): Promise<T> {
    const host: TransactionHost = {
      pool: this,
      acquire: (acquireOptions) => acquireFrom(lender, acquireOptions),
      acquireTimeout: this.acquireTimeout,
      patienceMs: this.options.atStart.validationTimeout,
      moves: this.options.moves === true,
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
    this.#credentials.renew();
    this.#killer.renewConnection();
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
    if (isTraced() || this.#isMeasured || !this.breakers.lending) return undefined;
    const lease = this.engine.tryAcquire();
    const { commits } = this.options;
    if (commits !== undefined && lease !== undefined) lease.resource.scope = commits.scope();
    return lease;
  }

  enqueue(waiter: ConnectionWaiter, options?: AcquireOptions): void {
    waiter.scope = this.options.commits?.scope();
    if (this.#isMeasured) enqueueMeasured(this.callbackPool, (measured) => this.#enqueue(measured, options), waiter, options);
    else if (isTraced() || isWaitTraced())
      enqueueTraced((traced) => this.#enqueue(traced, options), waiter, options, this.options.endpoint);
    else this.#enqueue(waiter, options);
  }

  /** By the greeting of a connection. TiDB, Aurora and others that speak MySQL's protocol greet as MySQL. */
  serverProductAt(address: string, port: number | undefined): ServerProduct | undefined {
    const { host, port: ownPort, socketPath } = this.options.endpoint;
    if (socketPath === undefined ? host !== address || ownPort !== port : socketPath !== address) return undefined;
    const connection = this.connections('all').find(({ _handshakePacket }) => _handshakePacket !== null);
    if (connection === undefined) return undefined;
    return connection._isMariaDB ? 'mariadb' : 'mysql';
  }

  /** Open connections: all of them, or the idle ones. */
  connections(which: 'all' | 'idle'): readonly ManagedConnection[] {
    return this.engine.resources(which);
  }

  async drain(options?: DrainOptions): Promise<DrainReport> {
    this.#ending = true;
    this.#hold.start();
    const report = await this.engine.drain(options);
    this.#logger?.drained(report);
    await this.#stop();
    return report;
  }

  /** What the connections of this pool report to it, and ask of it. */
  #connectionHost(): ConnectionHost {
    return {
      driverPool: this.callbackPool,
      log: this.#statements,
      ...hooksOf(this.options),
      hold: () => this.#hold.start(),
      announce: (event, connection) => this.callbackPool.announce(event, connection),
      connecting: () => this.breakers.connecting(),
      sessionReset: () => {
        this.#resets += 1;
      },
      kill: (connection) => inRootContext(() => this.#killer.kill(connection)),
      poisoned: (error) => this.#poisoned(error),
      leadsTo: ({ host, port, socketPath, database }) => {
        this.options = { ...this.options, endpoint: endpointOf({ host, port, socketPath, database }) };
      },
      tooManyStatements: () => {
        for (const connection of this.connections('idle')) connection.forgetStatements();
      },
    };
  }

  #listen(): void {
    const { engine, breakers } = this;
    engine.on('opened', ({ openMs }) => breakers.connected(openMs));
    // The next place may be another one: a waiter is served there, or waits until its own deadline.
    if (this.options.moves !== true)
      engine.on('connectFailed', ({ error, retryInMs }) => breakers.connectFailed(error, verdictOfConnectError(error), retryInMs));
    engine.on('stateChanged', ({ to }) => {
      this.callbackPool._closed = to === 'draining' || to === 'closed';
    });
    this.#logger?.listen(engine, breakers);
    if (this.#logger !== undefined) this.#leakWarning.replacedBy();
    engine.on('leak', (borrowed) => this.#leakWarning.warn(borrowed));
  }

  /** After a fail-over all connections lead to the wrong server. New ones are opened as needed, and the host is resolved again. */
  #poisoned(error: ServerError): void {
    this.#health.notePoisoned(error.message);
    this.steering.noteRefused(error.message);
    const now = performance.now();
    if (now - this.#evictedAt < POISONED_EVICTION_PERIOD_MS) return;
    this.#evictedAt = now;
    this.evict();
  }

  async #stop(): Promise<void> {
    this.#health.stop();
    await this.#killer.close();
    await this.fleet?.leave();
    this.#credentials.leave();
    this.#ending = false;
  }

  #enqueue(waiter: ConnectionWaiter, options: AcquireOptions | undefined): void {
    const refusal = this.breakers.refusal() ?? (this.#openTransactions > 0 ? this.#selfDeadlock.refusalOf(waiter) : undefined);
    if (refusal === undefined) this.engine.enqueue(waiter, options);
    else this.engine.refuse(waiter, refusal);
    if (!waiter.queued) return;
    // A connection that comes straight from being cleaned is handed over without `unpark`.
    this.#hold.start();
    // mysql2 reports a waiter for a connection that is lent, not one for whom a connection is opened.
    if (this.callbackPool.listenerCount('enqueue') > 0) {
      const { waiting, limit, used, closing } = this.engine.summary();
      if (waiting > limit - used - closing) this.callbackPool.announce('enqueue');
    }
  }

  /** Not longer than a validation may take: the answer must come while the caller still waits for it. */
  async #selectOne(): Promise<void> {
    await this.#run(ownStatement('SELECT 1', limitsFrom(this.options.atStart.validationTimeout, undefined, undefined)));
  }

  #run(statement: Statement): Promise<StatementResult> {
    return answerOfLastRun(new PooledStatement(this, statement).run(), undefined);
  }

  /** As arrays, with values as mysql2 makes them by itself. One that a lock holds up must not keep a pool's only connection. */
  async rowsOf(sql: string, timeout: number): Promise<readonly (readonly unknown[])[]> {
    const statement = ownStatementWith({ sql, rowsAsArray: true, nestTables: false, typeCast: true });
    const [rows] = await inRootContext(() => this.#run(statement.limitedBy(limitsFrom(timeout, undefined, undefined))));
    return rows as unknown[][];
  }
}

/** Of all that a pool runs again: a share of its statements of late. */
function retryBudget({ budget, budgetMinimum }: ResolvedStatementRetries, breaker: Breaker): RetryBudget {
  return new RetryBudget({ percent: budget, minimum: budgetMinimum, window: RETRY_WINDOW_MS }, () => {
    return (breaker.recentCalls * RETRY_WINDOW_MS) / breaker.options.window;
  });
}
