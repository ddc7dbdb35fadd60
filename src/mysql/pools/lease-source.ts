/** Where a transaction and a statement get their connections: the pool itself, or other pools that are read over. */

import { type AcquireOptions, keepShape, type Lease, type PoolError } from '../../engine/index.js';
import { Rejection, type Settle } from '../../engine/waiting/index.js';
import { ConnectionWaiter, type ManagedConnection } from '../connections/index.js';
import type { ReadingOptions } from '../contract/index.js';
import type { StatementPool } from '../statements/index.js';

/** Sends what only reads to other servers. */
export interface StatementRouter {
  /** Where a statement gets its connection that asks for this. @throws PoolError `POOL_OPTION_INVALID` */
  lenderFor(reading: ReadingOptions): StatementPool;
}

/** Where connections are lent. */
export type ConnectionSource = Pick<StatementPool, 'tryAcquire' | 'enqueue'>;

export function acquireFrom(lender: ConnectionSource, options: AcquireOptions): Promise<Lease<ManagedConnection>> {
  const { signal, priority, fairnessKey, mark } = options;
  const isPlain = signal === undefined && priority === undefined && fairnessKey === undefined && mark === undefined;
  const lease = isPlain ? lender.tryAcquire() : undefined;
  if (lease !== undefined) return Promise.resolve(lease);
  return new Promise((resolve) => lender.enqueue(new LeaseWaiter(resolve), options));
}

/** A waiter whose lease settles a promise: a transaction's, or a data layer's. */
export class LeaseWaiter extends ConnectionWaiter {
  constructor(private readonly settle: Settle<Lease<ManagedConnection>>) {
    super();
  }

  override get runsCode(): boolean {
    return false;
  }

  override receiveLease(lease: Lease<ManagedConnection>): void {
    this.settle(lease);
  }

  override receiveFailure(error: PoolError): void {
    this.settle(new Rejection(error));
  }
}

keepShape(LeaseWaiter);
