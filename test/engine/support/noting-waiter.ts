import { expect } from 'vitest';
import type { Lease } from '../../../src/engine/entries/entry.js';
import type { PoolError } from '../../../src/engine/contract/errors.js';
import { Waiter } from '../../../src/engine/queue/wait-queue.js';
import type { FakeResource } from './fake-factory.js';

/** A waiter that notes its outcome, once, and may do something about it at that moment. */
export class NotingWaiter extends Waiter<FakeResource> {
  lease: Lease<FakeResource> | undefined = undefined;
  error: PoolError | undefined = undefined;

  constructor(
    private readonly onGranted: (lease: Lease<FakeResource>) => void = () => undefined,
    private readonly onRefused: (error: PoolError) => void = () => undefined,
  ) {
    super();
  }

  override granted(lease: Lease<FakeResource>): void {
    expect([this.lease, this.error]).toEqual([undefined, undefined]);
    this.lease = lease;
    this.onGranted(lease);
  }

  override refused(error: PoolError): void {
    expect([this.lease, this.error]).toEqual([undefined, undefined]);
    this.error = error;
    this.onRefused(error);
  }
}
