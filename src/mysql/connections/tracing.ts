/** Publishes acquires for tracers: on mysql2's and Poolwright's channels, or by way of mysql2's own methods where an agent measures them. */

import { channel as channelOf, tracingChannel } from 'node:diagnostics_channel';
import { type AcquireOptions, keepShape, type Lease, type PoolError } from '../../engine/index.js';
import { ignore } from '../../engine/waiting/index.js';
import { DriverPool } from '../driver/index.js';
import type { ManagedConnection } from './managed-connection.js';
import { type Endpoint, tracedEndpoint } from '../options/index.js';
import { ConnectionWaiter } from './connection-waiter.js';

/** mysql2 (3.20 and later) publishes every acquire of its pool here, and tracers subscribe. */
const acquires = tracingChannel('mysql2:pool:connect');
/** The same of acquires that are not served at once, or may not be: a subscriber here leaves the short way open for all others. */
const waits = tracingChannel('poolwright:acquire');

type Enqueue = (waiter: ConnectionWaiter, options?: AcquireOptions) => void;

/** Whether every acquire is published. Not every Node has the aggregate. */
export function isTraced(): boolean {
  return acquires.hasSubscribers ?? acquires.start.hasSubscribers;
}

/** Whether acquires are published that may have to wait. Who subscribes looks at their end. */
export function isWaitTraced(): boolean {
  return waits.end.hasSubscribers;
}

/** Queues a waiter, and publishes that as mysql2 does. Precondition: one of both has subscribers. */
export function enqueueTraced(enqueue: Enqueue, waiter: ConnectionWaiter, options: AcquireOptions | undefined, endpoint: Endpoint): void {
  if (!isWaitTraced()) publish(acquires, enqueue, waiter, options, endpoint);
  else if (!isTraced()) publish(waits, enqueue, waiter, options, endpoint);
  else publish(acquires, (traced) => publish(waits, enqueue, traced, options, endpoint), waiter, options, endpoint);
}

function publish(
  channel: typeof acquires,
  enqueue: Enqueue,
  waiter: ConnectionWaiter,
  options: AcquireOptions | undefined,
  endpoint: Endpoint,
): void {
  const begin = (done: Done): void => enqueue(new TracedWaiter(done), options);
  channel.traceCallback(begin as never, 0, tracedEndpoint(endpoint), undefined, ((
    error: PoolError | null,
    lease?: Lease<ManagedConnection>,
  ) => {
    if (lease === undefined) waiter.refused(error as PoolError);
    else waiter.granted(lease);
  }) as never);
}

type Done = (error: PoolError | null, lease?: Lease<ManagedConnection>) => void;

class TracedWaiter extends ConnectionWaiter {
  constructor(private readonly done: Done) {
    super();
  }

  override receiveLease(lease: Lease<ManagedConnection>): void {
    this.done(null, lease);
  }

  override receiveFailure(error: PoolError): void {
    this.done(error);
  }
}

keepShape(TracedWaiter);

/** dd-trace wraps `getConnection`, `query` and `execute` of mysql2's pool and publishes acquires here; it subscribes when mysql2 is loaded. */
const measured = channelOf('apm:mysql2:connection:start');

type MeasuredDone = (error: PoolError | null, connection?: ManagedConnection) => void;

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
  const done: MeasuredDone = (error) => {
    if (lent === undefined) waiter.refused(error as PoolError);
    else waiter.granted(lent);
  };
  const push = (callback: MeasuredDone): void => {
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
  // Another version of mysql2 or of the agent may queue it differently: the waiter still gets its connection.
  if (asked) return;
  asked = true;
  enqueue(waiter, options);
}

class MeasuredWaiter extends ConnectionWaiter {
  constructor(
    private readonly done: MeasuredDone,
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
