/** mysql2's callback pool over a managed one: its methods, its events, and the order of its callbacks. */

import { customInspect } from '../../packages/index.js';
import { type AcquireOptions, keepShape, type Lease, PoolError, type Resizable } from '../../engine/index.js';
import { ignore, keepContextOfListeners, throwLater } from '../../engine/waiting/index.js';
import { currentDeadline } from '../../resilience/deadline/index.js';
import type { CachedStatements } from '../caching/index.js';
import {
  type Command,
  type ConnectionConfig,
  createQuery,
  DriverPool,
  type DriverPromisePool,
  inListenersContext,
  isListenersWork,
  type QueryValues,
  showIdleTimeout,
} from '../driver/index.js';
import type { Flavor } from '../errors/index.js';
import { LiveList } from './live-list.js';
import { refusedStatement, stopWhenAbandoned } from '../commands/index.js';
import { ConnectionWaiter, type ManagedConnection } from '../connections/index.js';
import { configOf, copyOf, type ResolvedOptions } from '../options/index.js';
import { type Method, type ReadingOptions, type Statement, statementOf, type StatementResult } from '../contract/index.js';
import { acquireInTime, acquireWithin, keepLimits } from '../limits/index.js';

/** The limits that mysql2 reads from its pool's configuration at each use, so that its users change them there. */
const LIVE_LIMITS = ['connectionLimit', 'maxIdle', 'queueLimit', 'waitForConnections', 'idleTimeout'] as const;

/** What the callback pool is a view of. */
export interface CallbackPoolCore {
  readonly options: ResolvedOptions;
  /** The limits in force. */
  readonly limits: Required<Resizable>;
  resize(change: Resizable): void;
  readonly waiting: number;
  readonly acquireTimeout: number;
  /** The promise view of the same core. */
  readonly promisePool: DriverPromisePool;
  /** Answers statements that are cached; undefined without a cache. */
  readonly cached: CachedStatements | undefined;
  connections(which: 'all' | 'idle'): readonly ManagedConnection[];
  tryAcquire(): Lease<ManagedConnection> | undefined;
  enqueue(waiter: ConnectionWaiter, options?: AcquireOptions): void;
  lenderFor(reading: ReadingOptions): Pick<CallbackPoolCore, 'tryAcquire' | 'enqueue'>;
  end(): Promise<void>;
}

type ConnectionCallback = (error: Error | null, connection?: ManagedConnection) => void;
type EndCallback = (error?: Error | null) => void;
type ResultCallback = (error: Error | null, ...result: unknown[]) => void;

/**
 * mysql2's callback pool over a managed one: `instanceof` mysql2's Pool, with its methods, events and the order of its callbacks.
 * What it does not override here (`escape`, `format` …) is mysql2's own.
 */
export class CallbackPool extends DriverPool {
  readonly #core: CallbackPoolCore;
  /** A listener was added at some time: until then, an event costs nothing. */
  #hasListened = false;
  /** The statement that is asking for its connection right now. */
  #asking: Statement | undefined = undefined;

  constructor(core: CallbackPoolCore) {
    const { atStart } = core.options;
    super({
      config: {
        connectionConfig: configOf(core.options),
        waitForConnections: atStart.waitForConnections,
        connectionLimit: atStart.connectionLimit,
        // Equal to the limit: mysql2 would start a sweeper of its own otherwise.
        maxIdle: atStart.connectionLimit,
        idleTimeout: atStart.idleTimeout,
        queueLimit: atStart.queueLimit,
        resetOnRelease: core.options.hygiene === 'always',
      },
    });
    this.#core = core;
    this.on('newListener', () => {
      this.#hasListened = true;
    });
    for (const name of LIVE_LIMITS) {
      Object.defineProperty(this.config, name, {
        enumerable: true,
        get: () => core.limits[name],
        set: (value: unknown): void => {
          core.resize({ [name]: value });
        },
      });
    }
    this.#showIdleTimeout();
    const isClosed = (): boolean => this._closed;
    // What data layers, instrumentation and mysql2's tests read of mysql2's pool.
    Object.defineProperties(this, {
      _removeIdleTimeoutConnectionsTimer: {
        value: {
          get _destroyed() {
            return isClosed();
          },
        },
      },
      _allConnections: { value: new LiveList(() => core.connections('all')) },
      _freeConnections: { value: new LiveList(() => core.connections('idle')) },
      _connectionQueue: { value: new LiveList(() => Array.from({ length: core.waiting }, () => undefined)) },
    });
  }

  /** Connections that are opened from now on lead elsewhere. */
  moveTo(options: ResolvedOptions): void {
    this.config.connectionConfig = configOf(options);
    this.#showIdleTimeout();
  }

  /** `attachDatabasePool` of @vercel/functions reads it there, and would wait for 60 s. */
  #showIdleTimeout(): void {
    const { config } = this;
    showIdleTimeout(config.connectionConfig, () => config.idleTimeout);
  }

  /** A copy for one connection: what `changeUser` and SET NAMES write into it must not reach the others. */
  createConnectionConfig(): ConnectionConfig {
    return copyOf(this.config.connectionConfig);
  }

  /** Emits an event; returns whether it has listeners. A listener that throws ends in the process's own handler, not in the pool. */
  announce(event: 'connection' | 'acquire' | 'release' | 'enqueue', connection?: ManagedConnection): boolean {
    if (!this.#hasListened || this.listenerCount(event) === 0) return false;
    try {
      if (event === 'connection' && connection !== undefined) return connection.setUpBy(() => this.emit(event, connection));
      return this.emit(event, connection);
    } catch (error) {
      throwLater(error);
      return true;
    }
  }

  /** @throws TypeError when there is no callback: the connection would belong to no caller */
  override getConnection(callback: ConnectionCallback): void {
    if (typeof callback !== 'function') throw new TypeError('getConnection() of a callback pool takes a callback.');
    const asking = this.#asking?.wishes.reading;
    const limits = this.#acquireLimits();
    const lender = asking === undefined ? this.#core : this.#lenderFor(asking);
    if (lender instanceof Error) {
      process.nextTick(callback, lender);
      return;
    }
    if (limits === undefined) {
      const lease = lender.tryAcquire();
      if (lease !== undefined) {
        handOver(this, callback, lease);
        return;
      }
    }
    const waiter = new CallbackWaiter(this, callback, this.#core.options.flavor);
    if (limits instanceof PoolError) waiter.receiveFailure(limits);
    else lender.enqueue(waiter, limits);
  }

  /** The door of statements by callback: what comes here may be anything. */
  override query(sql: unknown, ...given: unknown[]): Command {
    const callback = callbackIn(given);
    const statement = readStatement('query', sql, given);
    if (!('sql' in statement)) return refusedStatement(callback, statement.error);
    const cached = callback === undefined ? undefined : this.#cachedAnswer(statement);
    if (callback !== undefined && cached !== undefined) return this.#commandOf(statement, callback, cached);
    const parameters: unknown[] = statement.values === undefined ? [] : [statement.values];
    if (callback !== undefined) parameters.push(callback);
    const command = this.#askingFor(statement, () => super.query(statement.forDriver, ...parameters));
    if (statement.limits !== undefined) keepLimits(command, statement.limits);
    if (command.onResult === undefined) stopWhenAbandoned(command);
    return command;
  }

  /** The same for prepared statements. @throws what makes it no statement, when there is no callback */
  override execute(sql: unknown, ...given: unknown[]): void {
    const callback = callbackIn(given);
    const statement = readStatement('execute', sql, given);
    if (!('sql' in statement)) {
      if (callback === undefined) throw statement.error;
      refusedStatement(callback, statement.error);
      return;
    }
    const cached = callback === undefined ? undefined : this.#cachedAnswer(statement);
    if (callback !== undefined && cached !== undefined) {
      callBack(callback, cached);
      return;
    }
    // mysql2 hands both on to the connection, which knows a statement when it sees one.
    const first = statement.limits === undefined ? statement.forDriver : statement;
    // mysql2 would call none, and end the process.
    this.#askingFor(statement, () => super.execute(first, statement.values, callback ?? ignore));
  }

  override releaseConnection(connection: unknown): void {
    const { release } = (connection ?? {}) as { readonly release?: unknown };
    if (typeof release === 'function') Reflect.apply(release, connection, []);
  }

  override promise(promiseImplementation?: PromiseConstructor): DriverPromisePool {
    if (promiseImplementation === undefined || promiseImplementation === Promise) return this.#core.promisePool;
    const view = super.promise(promiseImplementation);
    keepContextOfListeners(view, inListenersContext);
    return view;
  }

  override end(callback?: EndCallback): void {
    this._closed = true;
    const callBackWith = (error?: Error): void => {
      // A callback that throws ends in the process's own handler, as any callback does.
      if (callback !== undefined) process.nextTick(callback, error);
    };
    this.#core.end().then(() => callBackWith(), callBackWith);
  }

  #cachedAnswer(statement: Statement): Promise<StatementResult> | undefined {
    return statement.wishes.reading === undefined ? this.#core.cached?.answer(statement) : undefined;
  }

  /** What mysql2 returns: a command, which is never sent. */
  #commandOf({ sql, values }: Statement, callback: ResultCallback, answer: Promise<StatementResult>): Command {
    const command = createQuery(sql, values, callback, this.config.connectionConfig);
    const end = (): boolean => command.emit('end');
    callBack((...result) => {
      // A listener may throw, and so may the callback.
      process.nextTick(end);
      callback(...result);
    }, answer);
    return command;
  }

  /** mysql2 asks for the statement's connection before `run` returns. */
  #askingFor<T>(statement: Statement, run: () => T): T {
    this.#asking = statement;
    try {
      return run();
    } finally {
      this.#asking = undefined;
    }
  }

  /** What is wrong with the statement goes to the callback. */
  #lenderFor(reading: ReadingOptions): Pick<CallbackPoolCore, 'tryAcquire' | 'enqueue'> | PoolError {
    try {
      return this.#core.lenderFor(reading);
    } catch (error) {
      return error as PoolError;
    }
  }

  /** What the acquire is limited by; an error when nothing is left of its caller's deadline: that goes to the callback. */
  #acquireLimits(): AcquireOptions | PoolError | undefined {
    const statement = this.#asking;
    this.#asking = undefined;
    const { acquireTimeout } = this.#core;
    // As in mysql2's pool, the timeout of a statement runs from when it is sent.
    if (statement !== undefined) {
      const { limits, wishes } = statement;
      const within = limits === undefined ? undefined : acquireWithin(limits, acquireTimeout, false);
      const mark = wishes.place?.mark;
      return mark === undefined ? within : { ...within, mark };
    }
    try {
      return acquireInTime(undefined, acquireTimeout);
    } catch (error) {
      return error as PoolError;
    }
  }

  /** A log of a pool must not show its password. */
  [customInspect](): string {
    return `CallbackPool { ${this.#core.options.atStart.name} }`;
  }
}

/** Calls back on a tick of its own: a callback that throws ends in the process's own handler, as any callback does. */
function callBack(callback: ResultCallback, answer: Promise<StatementResult>): void {
  answer.then(
    (result) => process.nextTick(callback, null, ...result),
    (error: Error) => process.nextTick(callback, error),
  );
}

/** Reads what a caller gave; the error in place of a statement when it is none. */
export function readStatement(method: Method, sql: unknown, [values]: readonly unknown[]): Statement | { readonly error: unknown } {
  try {
    return statementOf(method, sql, typeof values === 'function' ? undefined : (values as QueryValues), currentDeadline());
  } catch (error) {
    return { error };
  }
}

/** The callback among the arguments of a call. */
export function callbackIn([values, callback]: readonly unknown[]): ResultCallback | undefined {
  const last = typeof values === 'function' ? values : callback;
  return typeof last === 'function' ? (last as ResultCallback) : undefined;
}

/** Hands a connection to a callback, on the next tick, as mysql2 does. */
class CallbackWaiter extends ConnectionWaiter {
  constructor(
    private readonly pool: CallbackPool,
    private readonly callback: ConnectionCallback,
    private readonly flavor: Flavor,
  ) {
    super();
  }

  override receiveLease(lease: Lease<ManagedConnection>): void {
    handOver(this.pool, this.callback, lease);
  }

  override receiveFailure(error: PoolError): void {
    process.nextTick(this.callback, this.flavor.acquireFailure(error));
  }
}

keepShape(CallbackWaiter);
keepContextOfListeners(CallbackPool.prototype, inListenersContext);

function handOver(pool: CallbackPool, callback: ConnectionCallback, lease: Lease<ManagedConnection>): void {
  lease.resource.promised = true;
  process.nextTick(deliver, pool, callback, lease);
}

function deliver(pool: CallbackPool, callback: ConnectionCallback, lease: Lease<ManagedConnection>): void {
  // Lost between the two ticks: the caller gets another.
  if (!lease.active) {
    pool.getConnection(callback);
    return;
  }
  lease.resource.lendTo(lease);
  lease.resource.borrowedByListener = isListenersWork();
  callback(null, lease.resource);
}
