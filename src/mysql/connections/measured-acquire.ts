/** Acquires by way of mysql2's own methods, for an agent that measures there how long a statement waited for its connection. */

import { channel } from 'node:diagnostics_channel';
import { type AcquireOptions, keepShape, type Lease, type PoolError } from '../../engine/index.js';
import { ignore } from '../../engine/waiting/index.js';
import { DriverPool } from '../driver/index.js';
import { ConnectionWaiter } from './connection-waiter.js';
import type { ManagedConnection } from './managed-connection.js';

/** dd-trace wraps `getConnection`, `query` and `execute` of mysql2's pool and publishes acquires here; it subscribes when mysql2 is loaded. */
const measured = channel('apm:mysql2:connection:start');

type Done = (error: PoolError | null, connection?: ManagedConnection) => void;
type Enqueue = (waiter: ConnectionWaiter, options?: AcquireOptions) => void;

/** Whether an agent measures acquires in mysql2's methods. */
export function isMeasured(): boolean {
  return measured.hasSubscribers;
}

/**
 * Queues a waiter by way of mysql2's `getConnection`, as it is now: with what an agent has put around it. mysql2 publishes the acquire on its own
 * channel there. What waits for a statement goes by `query`, too: the agent then reports the wait with the statement, and not as one of its own.
 */
export function enqueueMeasured(
  pool: InstanceType<typeof DriverPool>,
  enqueue: Enqueue,
  waiter: ConnectionWaiter,
  options: AcquireOptions | undefined,
): void {
  let lent: Lease<ManagedConnection> | undefined;
  let asked = false;
  const done: Done = (error) => {
    if (lent === undefined) waiter.refused(error as PoolError);
    else waiter.granted(lent);
  };
  const push = (callback: Done): void => {
    if (asked) return;
    asked = true;
    enqueue(
      new MeasuredWaiter(callback, (lease) => {
        lent = lease;
      }),
      options,
    );
  };
  // mysql2's pool when all of its connections are lent: its `getConnection` only queues the callback.
  const busy = Object.create(pool, {
    config: { value: { connectionConfig: pool.config.connectionConfig, connectionLimit: 1, waitForConnections: true, queueLimit: 0 } },
    _closed: { value: false },
    _allConnections: { value: { length: 1 } },
    _freeConnections: { value: { length: 0 } },
    _connectionQueue: { value: { push, length: 0 } },
    emit: { value: ignore },
    getConnection: { value: () => DriverPool.prototype.getConnection.call(busy, done) },
  }) as typeof pool;
  if (waiter.isStatement) DriverPool.prototype.query.call(busy, '');
  else busy.getConnection(done as never);
  // Another version of mysql2 or of the agent may queue it in another way: the waiter gets its connection all the same.
  if (asked) return;
  asked = true;
  enqueue(waiter, options);
}

class MeasuredWaiter extends ConnectionWaiter {
  constructor(
    private readonly done: Done,
    private readonly keep: (lease: Lease<ManagedConnection>) => void,
  ) {
    super();
  }

  override receiveLease(lease: Lease<ManagedConnection>): void {
    this.keep(lease);
    this.done(null, lease.resource);
  }

  override receiveFailure(error: PoolError): void {
    this.done(error);
  }
}

keepShape(MeasuredWaiter);
