/** A managed pool for a data layer that opens its connections itself, such as Knex and Sequelize: it lends them the raw connections. */

import type { Lease } from '../../engine/index.js';
import { acquireInTime } from '../limits/index.js';
import type { ManagedConnection } from '../connections/index.js';
import { LeaseWaiter } from './lease-source.js';
import { coreOf, type Pool } from './pool.js';
import type { PoolCore } from './pool-core.js';

/** An acquire of a data layer's. */
export interface Borrowing {
  /** Rejects with a PoolError. */
  readonly connection: Promise<object>;
  /** Gives up. Does nothing when the connection is lent already. */
  readonly cancel: () => void;
}

/** How many connections are in which state, as a data layer counts them. */
export interface LendingCounts {
  /** With a borrower, even where the connection broke meanwhile. */
  readonly used: number;
  /** Idle, being cleaned or being checked. */
  readonly free: number;
  readonly opening: number;
  readonly waiting: number;
}

/** Lends a pool's connections as such. */
export class DataLayerPool {
  readonly #core: PoolCore;
  /** The lease of each connection that was lent and is not given back. */
  readonly #lent = new Map<object, Lease<ManagedConnection>>();

  constructor(pool: Pool) {
    this.#core = coreOf(pool);
  }

  get counts(): LendingCounts {
    const { used, idle, checking, opening, waiting } = this.#core.engine.summary();
    // A connection that is on its way to its borrower counts as lent.
    return { used: Math.max(this.#lent.size, used), free: idle + checking, opening, waiting };
  }

  /** Of the options in force; milliseconds, 0 = none. */
  get acquireTimeout(): number {
    return this.#core.acquireTimeout;
  }

  /** The connections with borrowers. */
  get used(): object[] {
    return [...this.#lent.keys()];
  }

  get idle(): readonly object[] {
    return this.#core.connections('idle');
  }

  /** @param timeout milliseconds, 0 = none */
  borrow(timeout: number): Borrowing {
    const core = this.#core;
    const idle = core.tryAcquire();
    if (idle !== undefined) return { connection: Promise.resolve(this.#lend(idle)), cancel: () => undefined };
    let waiter: LeaseWaiter | undefined;
    const connection = new Promise<Lease<ManagedConnection>>((resolve) => {
      waiter = new LeaseWaiter(resolve);
      core.enqueue(waiter, acquireInTime({ timeout }, core.acquireTimeout));
    });
    return {
      // Lost on its way: the caller gets another.
      connection: connection.then((lease) => (lease.active ? this.#lend(lease) : this.borrow(timeout).connection)),
      cancel: () => {
        if (waiter !== undefined) core.engine.cancel(waiter, undefined);
      },
    };
  }

  /**
   * Takes a connection back.
   *
   * @param retire it is closed instead of lent again
   * @returns false when it is not lent
   */
  giveBack(connection: object, retire = false): boolean {
    const lease = this.#lent.get(connection);
    if (lease === undefined) return false;
    this.#lent.delete(connection);
    const { resource } = lease;
    // Its borrower may have given it back, or ended it, by the methods of the connection.
    if (resource.lease !== lease) return true;
    // What runs on it is given up: its place must not wait for that.
    if (!resource.alive || (retire && resource.busy)) {
      resource.destroy();
      return true;
    }
    if (retire) lease.evict();
    resource.release();
    return true;
  }

  /** Closes the connections that are not lent, and those that are when they come back. */
  evict(): void {
    this.#core.evict();
  }

  /**
   * Ends the pool when all of its connections have come back. Takes no new borrowers from now on.
   *
   * @param queue whether those that wait are served before
   */
  async end(queue: 'serve' | 'refuse'): Promise<void> {
    await this.#core.drain({ timeout: Number.MAX_SAFE_INTEGER, queue });
  }

  #lend(lease: Lease<ManagedConnection>): object {
    const { resource } = lease;
    resource.lendTo(lease);
    this.#lent.set(resource, lease);
    return resource;
  }
}
