/** Finds transactions that hold every connection of a pool and wait for another of the same pool. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { keepShape, type Lease, PoolError, type PoolSummary } from '../../engine/index.js';
import type { ConnectionWaiter, ManagedConnection } from '../connections/index.js';

/** A transaction that is under way: what is called inside it finds it here. */
export class TransactionScope {
  /** Acquires made inside the transaction, or inside one that it is waiting for, that wait for another connection of the same pool. */
  waiting = 0;
  over = false;
  /** The connection that it holds. */
  lease: Lease<ManagedConnection> | undefined = undefined;

  /** @param outer the transaction that this one was begun in, of the same pool or of another */
  constructor(
    readonly pool: unknown,
    readonly outer: TransactionScope | undefined,
  ) {}

  /** It has a connection, and gives it back only when its function has returned. */
  get holds(): boolean {
    return !this.over && this.lease?.active === true;
  }
}

keepShape(TransactionScope);

const scopes = new AsyncLocalStorage<TransactionScope>();

/** Runs `work` so that acquires inside it are known to be inside this transaction. */
export function runInScope<T>(scope: TransactionScope, work: () => Promise<T>): Promise<T> {
  return scopes.run(scope, work);
}

/** The transaction that is under way here, if any. */
export function enclosingScope(): TransactionScope | undefined {
  return scopes.getStore();
}

/**
 * Finds out when every connection of a pool is held by a transaction that waits for another connection of the same pool: none would
 * ever be given back. Only a certain deadlock counts. The acquire that would complete it is refused.
 */
export class SelfDeadlockWatch {
  readonly #stuck = new Set<TransactionScope>();

  constructor(
    private readonly pool: unknown,
    private readonly summary: () => PoolSummary,
  ) {}

  /** To be called before a waiter is queued. Returns why it must not be. */
  refusalOf(waiter: ConnectionWaiter): PoolError | undefined {
    const waiting = this.#transactionsAround();
    if (waiting.length === 0) return undefined;
    const { used, limit, idle, checking, opening } = this.summary();
    const nothingComes = idle + checking + opening === 0 && used >= limit;
    if (nothingComes && this.#holders(waiting) >= used) return selfDeadlock(limit);
    for (const scope of waiting) {
      scope.waiting += 1;
      this.#stuck.add(scope);
    }
    waiter.onceSettled(() => this.#endWaits(waiting));
    return undefined;
  }

  #endWaits(transactions: readonly TransactionScope[]): void {
    for (const scope of transactions) {
      scope.waiting -= 1;
      if (scope.waiting === 0) this.#stuck.delete(scope);
    }
  }

  /** Those of this pool that wait for what is called here: the innermost, and those that it was begun in. */
  #transactionsAround(): readonly TransactionScope[] {
    const found: TransactionScope[] = [];
    // No transaction waits for calls that it left behind when it was over.
    for (let scope = enclosingScope(); scope !== undefined && !scope.over; scope = scope.outer) {
      if (scope.pool === this.pool) found.push(scope);
    }
    return found;
  }

  /** How many connections are held by transactions that wait. One that is being committed or rolled back, or has lost its connection, holds none. */
  #holders(besides: readonly TransactionScope[]): number {
    const all = new Set([...this.#stuck, ...besides]);
    return [...all].filter((scope) => scope.holds).length;
  }
}

function selfDeadlock(limit: number): PoolError {
  const all = limit === 1 ? 'The only connection is' : `All ${limit} connections are`;
  return new PoolError(
    'POOL_SELF_DEADLOCK',
    `${all} held by transactions that wait for another connection of the same pool: this call would never return. Inside pool.transaction, use its tx.`,
  );
}
