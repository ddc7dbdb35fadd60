/** Publishes acquires for tracers: all of them on mysql2's diagnostics channel, and those that may have to wait on Poolwright's. */

import { tracingChannel } from 'node:diagnostics_channel';
import { type AcquireOptions, keepShape, type Lease, type PoolError } from '../../engine/index.js';
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
