import type { Lease, PoolError } from '../engine/index.js';
import { type Command, connectionConfig, DriverPool } from './driver.js';
import { ManagedConnection } from './managed-connection.js';
import type { ResolvedOptions } from './options.js';
import { ConnectionWaiter } from './self-deadlock.js';
import { stopWhenAbandoned } from './streams.js';

/** What the callback pool is a view of. */
export interface CallbackPoolCore {
  readonly options: ResolvedOptions;
  readonly waiting: number;
  tryAcquire(): Lease<ManagedConnection> | undefined;
  enqueue(waiter: ConnectionWaiter): void;
  end(): Promise<void>;
}

type ConnectionCallback = (error: Error | null, connection?: ManagedConnection) => void;
type EndCallback = (error?: Error | null) => void;

/**
 * mysql2's callback pool over a managed one: `instanceof` mysql2's Pool, with its methods, events and the order of its callbacks.
 * What it does not override here (`query`, `execute`, `escape`, `format`, `promise`) is mysql2's own, and goes through `getConnection`.
 */
export class CallbackPool extends DriverPool {
  readonly #core: CallbackPoolCore;

  constructor(core: CallbackPoolCore) {
    const { engine } = core.options;
    super({
      config: {
        connectionConfig: connectionConfig(core.options.connection),
        waitForConnections: engine.waitForConnections,
        connectionLimit: engine.connectionLimit,
        // Equal to the limit: mysql2 would start a sweeper of its own otherwise.
        maxIdle: engine.connectionLimit,
        idleTimeout: engine.idleTimeout,
        queueLimit: engine.queueLimit,
        resetOnRelease: core.options.hygiene === 'always',
      },
    });
    this.config.maxIdle = engine.maxIdle;
    this.#core = core;
  }

  /** Emits an event; returns whether anybody listens. A listener that throws ends in the process's own handler, not in the pool. */
  tell(event: 'connection' | 'acquire' | 'release' | 'enqueue', connection?: ManagedConnection): boolean {
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
    const lease = this.#core.tryAcquire();
    if (lease !== undefined) {
      hand(this, callback, lease);
      return;
    }
    const waiter = new CallbackWaiter(this, callback);
    this.#core.enqueue(waiter);
    if (this.#core.waiting > 0) this.tell('enqueue');
  }

  override query(sql: unknown, ...rest: unknown[]): Command {
    const command = super.query(sql, ...rest);
    if (command.onResult === undefined) stopWhenAbandoned(command);
    return command;
  }

  override releaseConnection(connection: unknown): void {
    const managed = connection instanceof ManagedConnection ? connection : (connection as { connection?: unknown }).connection;
    if (managed instanceof ManagedConnection) managed.release();
  }

  override end(callback?: EndCallback): void {
    this._closed = true;
    this.#core.end().then(
      () => callback?.(),
      (error: Error) => callback?.(error),
    );
  }
}

/** Hands a connection to a callback, on the next tick, as mysql2 does. */
class CallbackWaiter extends ConnectionWaiter {
  constructor(
    private readonly pool: CallbackPool,
    private readonly callback: ConnectionCallback,
  ) {
    super();
  }

  override lent(lease: Lease<ManagedConnection>): void {
    hand(this.pool, this.callback, lease);
  }

  override failed(error: PoolError): void {
    process.nextTick(this.callback, error);
  }
}

function hand(pool: CallbackPool, callback: ConnectionCallback, lease: Lease<ManagedConnection>): void {
  lease.resource.promised = true;
  process.nextTick(deliver, pool, callback, lease);
}

function deliver(pool: CallbackPool, callback: ConnectionCallback, lease: Lease<ManagedConnection>): void {
  // Lost between the two ticks: whoever asked gets another.
  if (!lease.active) pool.getConnection(callback);
  else {
    lease.resource.lendTo(lease);
    callback(null, lease.resource);
  }
}
