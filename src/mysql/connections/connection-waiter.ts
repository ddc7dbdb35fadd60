/** A waiter for a connection. Every acquire of a pool uses one. */

import { type Lease, type PoolError, Waiter } from '../../engine/index.js';
import type { ManagedConnection } from './managed-connection.js';

/** A waiter for a connection, which can report that its wait is over. */
export abstract class ConnectionWaiter extends Waiter<ManagedConnection> {
  /** On whose behalf it waits, where that matters; see `CommitListener`. */
  get scope(): object | undefined {
    return attachmentOf(this)?.scope;
  }

  set scope(scope: object | undefined) {
    if (scope !== undefined || attachmentOf(this) !== undefined) attach(this).scope = scope;
  }

  /** Whether one statement waits, and no borrower. */
  get isStatement(): boolean {
    return false;
  }

  /** @internal Calls `listener` once, before the waiter gets its connection or its error. */
  onceSettled(listener: () => void): void {
    attach(this).whenSettled = listener;
  }

  override granted(lease: Lease<ManagedConnection>): void {
    lease.resource.scope = this.scope;
    this.#reportSettled();
    this.receiveLease(lease);
  }

  override refused(error: PoolError): void {
    this.#reportSettled();
    this.receiveFailure(error);
  }

  /** The connection belongs to the waiter's caller until the lease is released. */
  abstract receiveLease(lease: Lease<ManagedConnection>): void;

  abstract receiveFailure(error: PoolError): void;

  #reportSettled(): void {
    const attachment = attachmentOf(this);
    const listener = attachment?.whenSettled;
    if (attachment === undefined || listener === undefined) return;
    attachment.whenSettled = undefined;
    listener();
  }
}

/** What few waiters for a connection have. */
class Attachment {
  scope: object | undefined = undefined;
  whenSettled: (() => void) | undefined = undefined;
}

function attachmentOf({ rarities }: ConnectionWaiter): Attachment | undefined {
  return rarities?.attachment as Attachment | undefined;
}

function attach(waiter: ConnectionWaiter): Attachment {
  const rarities = waiter.withRarities();
  rarities.attachment ??= new Attachment();
  return rarities.attachment as Attachment;
}
