import { inspect } from 'node:util';
import { type AcquireOptions, isAbortSignal, keepShape, type Lease, PoolError, type Resizable } from '../../engine/index.js';
import type { CachedStatements } from '../caching/index.js';
import {
  type Command,
  type ConnectionConfig,
  connectionConfig,
  createQuery,
  DriverPool,
  type DriverPromisePool,
  inCallersContext,
  isQueryCommand,
  type QueryValues,
} from '../driver/index.js';
import type { Flavor } from '../errors/index.js';
import { LiveList } from './live-list.js';
import { ConnectionWaiter, type ManagedConnection, stopWhenAbandoned } from '../connections/index.js';
import type { ResolvedOptions } from '../options/index.js';
import type { StatementOptions, StatementResult } from '../contract/index.js';
import { acquireForStatementInTime, acquireInTime, statementInTime } from '../limits/index.js';

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
  /** Somebody has listened to something: until then, nothing is told at no cost. */
  #heard = false;
  /** How long the statement waits that is asking for its connection right now, and who may give it up; or why it is not started. */
  #asking: AcquireOptions | PoolError | undefined = undefined;

  constructor(core: CallbackPoolCore) {
    const { atStart } = core.options;
    super({
      config: {
        connectionConfig: connectionConfig(core.options.connection),
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
      this.#heard = true;
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

  /** A copy for one connection: what `changeUser` and SET NAMES write into it must not reach the others. */
  createConnectionConfig(): ConnectionConfig {
    const { connectionConfig: shared } = this.config;
    return Object.create(Object.getPrototypeOf(shared) as object, Object.getOwnPropertyDescriptors(shared)) as ConnectionConfig;
  }

  /** Emits an event; returns whether anybody listens. A listener that throws ends in the process's own handler, not in the pool. */
  tell(event: 'connection' | 'acquire' | 'release' | 'enqueue', connection?: ManagedConnection): boolean {
    if (!this.#heard || this.listenerCount(event) === 0) return false;
    try {
      return this.emit(event, connection);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
      return true;
    }
  }

  override getConnection(callback: ConnectionCallback): void {
    const asking = this.#asking ?? this.#inTime(undefined, acquireInTime);
    this.#asking = undefined;
    if (asking === undefined) {
      const lease = this.#core.tryAcquire();
      if (lease !== undefined) {
        hand(this, callback, lease);
        return;
      }
    }
    const waiter = new CallbackWaiter(this, callback, this.#core.options.flavor);
    if (asking instanceof PoolError) waiter.failed(asking);
    else this.#core.enqueue(waiter, asking);
  }

  override query(sql: unknown, ...rest: unknown[]): Command {
    const cached = this.#fromCache('query', sql, rest);
    if (cached !== undefined) return this.#commandOf(sql, rest, cached);
    const command = this.#askingFor(sql, () => super.query(sql, ...withCallersContext(rest)));
    if (command.onResult === undefined) stopWhenAbandoned(command);
    return command;
  }

  override execute(sql: unknown, ...rest: unknown[]): void {
    const cached = this.#fromCache('execute', sql, rest);
    if (cached === undefined) this.#askingFor(sql, () => super.execute(sql, ...withCallersContext(rest)));
    else callBack(rest.at(-1) as ResultCallback, cached);
  }

  override releaseConnection(connection: unknown): void {
    const { release } = (connection ?? {}) as { readonly release?: unknown };
    if (typeof release === 'function') Reflect.apply(release, connection, []);
  }

  override promise(promiseImplementation?: PromiseConstructor): DriverPromisePool {
    if (promiseImplementation === undefined || promiseImplementation === Promise) return this.#core.promisePool;
    return super.promise(promiseImplementation);
  }

  override end(callback?: EndCallback): void {
    this._closed = true;
    const tell = (error?: Error): void => {
      // A callback that throws ends in the process's own handler, as any callback does.
      if (callback !== undefined) process.nextTick(callback, error);
    };
    this.#core.end().then(() => tell(), tell);
  }

  /** The answer to a statement that is cached and has a callback; undefined: it is run as any other. Events and streams are the database's. */
  #fromCache(method: 'query' | 'execute', sql: unknown, rest: readonly unknown[]): Promise<StatementResult> | undefined {
    const { cached } = this.#core;
    if (cached === undefined || typeof rest.at(-1) !== 'function' || isQueryCommand(sql)) return undefined;
    // Whatever else it is, mysql2 refuses it.
    if (typeof sql !== 'string' && (typeof sql !== 'object' || sql === null)) return undefined;
    try {
      return cached.take(method, statementInTime(sql as string | StatementOptions), rest.length > 1 ? (rest[0] as QueryValues) : undefined);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** What mysql2 returns: a command, which is never sent. */
  #commandOf(sql: unknown, rest: readonly unknown[], answer: Promise<StatementResult>): Command {
    const callback = rest.at(-1) as ResultCallback;
    const command = createQuery(sql as string, rest.length > 1 ? rest[0] : undefined, callback, this.config.connectionConfig);
    const end = (): boolean => command.emit('end');
    callBack((...result) => {
      // Whoever listens may throw, and so may the callback.
      process.nextTick(end);
      callback(...result);
    }, answer);
    return command;
  }

  /** mysql2 asks for the statement's connection before `run` returns. */
  #askingFor<T>(sql: unknown, run: () => T): T {
    const signal = signalOf(sql);
    this.#asking = this.#inTime(signal === undefined ? undefined : { signal }, acquireForStatementInTime);
    try {
      return run();
    } finally {
      this.#asking = undefined;
    }
  }

  /** What an acquire is limited by, where its caller has a deadline; an error when that is over. Callbacks are told of it: nothing is thrown. */
  #inTime(options: AcquireOptions | undefined, limit: typeof acquireInTime): AcquireOptions | PoolError | undefined {
    try {
      return limit(options, this.#core.acquireTimeout);
    } catch (error) {
      return error as PoolError;
    }
  }

  /** Whoever logs a pool must not log its password. */
  [inspect.custom](): string {
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

/** Whatever is no signal is refused when the statement has its connection. */
function signalOf(sql: unknown): AbortSignal | undefined {
  const { signal } = (sql ?? {}) as { readonly signal?: unknown };
  return isAbortSignal(signal) ? signal : undefined;
}

function withCallersContext(parameters: readonly unknown[]): unknown[] {
  return parameters.map((parameter) => (typeof parameter === 'function' ? inCallersContext(parameter as () => void) : parameter));
}

/** Hands a connection to a callback, on the next tick, as mysql2 does. */
class CallbackWaiter extends ConnectionWaiter {
  readonly #settle: (lease: Lease<ManagedConnection> | undefined, error?: Error) => void;

  constructor(
    pool: CallbackPool,
    callback: ConnectionCallback,
    private readonly flavor: Flavor,
  ) {
    super();
    // All that follows is done where it was asked for: whoever gives a connection back has a deadline of their own.
    this.#settle = inCallersContext((lease, error) => {
      if (lease === undefined) process.nextTick(callback, error);
      else hand(pool, callback, lease);
    });
  }

  override lent(lease: Lease<ManagedConnection>): void {
    this.#settle(lease);
  }

  override failed(error: PoolError): void {
    this.#settle(undefined, this.flavor.acquireFailure(error));
  }
}

keepShape(CallbackWaiter);

function hand(pool: CallbackPool, callback: ConnectionCallback, lease: Lease<ManagedConnection>): void {
  lease.resource.promised = true;
  process.nextTick(deliver, pool, callback, lease);
}

function deliver(pool: CallbackPool, callback: ConnectionCallback, lease: Lease<ManagedConnection>): void {
  // Lost between the two ticks: whoever asked gets another.
  if (!lease.active) {
    pool.getConnection(callback);
    return;
  }
  lease.resource.lendTo(lease);
  callback(null, lease.resource);
}
