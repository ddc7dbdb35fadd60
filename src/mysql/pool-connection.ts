import { type Lease, PoolError } from '../engine/index.js';
import { DriverPromisePoolConnection } from './driver.js';
import { isStatementCacheInvalid, statementFailure } from './failure.js';
import type { ManagedConnection } from './managed-connection.js';
import { ConnectionWaiter } from './self-deadlock.js';

/** Methods that talk to the server: after the release they would talk on somebody else's connection. */
const TALKING_METHODS = ['query', 'execute', 'prepare', 'beginTransaction', 'commit', 'rollback', 'ping', 'reset', 'changeUser'] as const;

/**
 * A borrowed connection, as mysql2/promise has it. It is its borrower's until it is released, destroyed or lost; each borrower gets an
 * object of their own, so that a late call of one does not reach the next.
 */
export class PoolConnection extends DriverPromisePoolConnection {
  readonly #lease: Lease<ManagedConnection>;

  constructor(lease: Lease<ManagedConnection>) {
    super(lease.resource, Promise);
    this.#lease = lease;
    lease.resource.lendTo(lease);
  }

  /** Whether the connection is still this borrower's. */
  get active(): boolean {
    return this.#lease.active;
  }

  /** Gives the connection back to the pool. A second call does nothing, also when somebody else has the connection by then. */
  override release(): void {
    if (this.#lease.active) this.#lease.resource.release();
  }

  /** Closes the connection and takes it out of the pool. Does nothing after the release. */
  override destroy(): void {
    if (this.#lease.active) this.#lease.resource.destroy();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }

  /** @throws PoolError `POOL_RELEASED` */
  refuseAfterRelease(method: string): void {
    if (this.#lease.active || this.#lost) return;
    throw new PoolError('POOL_RELEASED', `${method}() after the connection was released: it may be somebody else's by now.`);
  }

  /** @internal */
  forgetStatement(sql: unknown): void {
    this.#lease.resource.forgetStatement(sql);
  }

  /** The connection broke while it was borrowed: mysql2's own error tells what happened better than ours. */
  get #lost(): boolean {
    return !this.#lease.resource.alive;
  }
}

for (const method of TALKING_METHODS) {
  const original = DriverPromisePoolConnection.prototype[method] as (...parameters: unknown[]) => Promise<unknown>;
  Object.defineProperty(PoolConnection.prototype, method, {
    configurable: true,
    writable: true,
    async value(this: PoolConnection, ...parameters: unknown[]): Promise<unknown> {
      this.refuseAfterRelease(method);
      try {
        return await original.apply(this, parameters);
      } catch (error) {
        if (method === 'execute' && isStatementCacheInvalid(error)) {
          this.forgetStatement(parameters[0]);
          return await original.apply(this, parameters);
        }
        throw statementFailure(error);
      }
    },
  });
}

/** The waiter behind `pool.getConnection()`. */
export class PoolConnectionWaiter extends ConnectionWaiter {
  constructor(
    private readonly resolve: (connection: PoolConnection) => void,
    private readonly reject: (error: PoolError) => void,
  ) {
    super();
  }

  override lent(lease: Lease<ManagedConnection>): void {
    this.resolve(new PoolConnection(lease));
  }

  override failed(error: PoolError): void {
    this.reject(error);
  }
}
