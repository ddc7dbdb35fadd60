/** Publishes acquires on mysql2's diagnostics channel, for tracers. */

import { tracingChannel } from 'node:diagnostics_channel';
import { type AcquireOptions, keepShape, type Lease, type PoolError } from '../../engine/index.js';
import type { ManagedConnection } from './managed-connection.js';
import type { Endpoint } from '../options/index.js';
import { ConnectionWaiter } from './connection-waiter.js';

/** mysql2 (3.20 and later) publishes every acquire of its pool here, and tracers subscribe. */
const channel = tracingChannel('mysql2:pool:connect');

type Enqueue = (waiter: ConnectionWaiter, options?: AcquireOptions) => void;

/** Whether it has subscribers. Not every Node has the aggregate. */
export function isTraced(): boolean {
  return channel.hasSubscribers ?? channel.start.hasSubscribers;
}

/** Queues a waiter, and publishes that as mysql2 does. */
export function enqueueTraced(
  enqueue: Enqueue,
  waiter: ConnectionWaiter,
  options: AcquireOptions | undefined,
  { host, port, socketPath, database }: Endpoint,
): void {
  const context = { database: database ?? '', serverAddress: socketPath ?? host, serverPort: socketPath === undefined ? port : undefined };
  const begin = (done: Done): void => enqueue(new TracedWaiter(done), options);
  channel.traceCallback(begin as never, 0, context, undefined, ((error: PoolError | null, lease?: Lease<ManagedConnection>) => {
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
