import { AsyncLocalStorage } from 'node:async_hooks';
import { type Lease, PoolError, type PoolSummary, Waiter } from '../engine/index.js';
import type { ManagedConnection } from './managed-connection.js';

/** A transaction that is under way: what is called inside it finds it here. */
export class TransactionScope {
  /** Acquires made inside the transaction that wait for another connection of the same pool. */
  waiting = 0;
  over = false;

  constructor(readonly pool: unknown) {}
}

const scopes = new AsyncLocalStorage<TransactionScope>();

/** Runs `work` so that acquires inside it are known to be inside this transaction. */
export function runInScope<T>(scope: TransactionScope, work: () => Promise<T>): Promise<T> {
  return scopes.run(scope, work);
}

/** A waiter for a connection that knows which transaction it was made in, if any. */
export abstract class ConnectionWaiter extends Waiter<ManagedConnection> {
  #watch: SelfDeadlockWatch | undefined = undefined;
  #scope: TransactionScope | undefined = undefined;

  /** @internal */
  waitsIn(scope: TransactionScope, watch: SelfDeadlockWatch): void {
    this.#scope = scope;
    this.#watch = watch;
  }

  override granted(lease: Lease<ManagedConnection>): void {
    this.#settle();
    this.lent(lease);
  }

  override refused(error: PoolError): void {
    this.#settle();
    this.failed(error);
  }

  /** The connection is yours until you release the lease. */
  abstract lent(lease: Lease<ManagedConnection>): void;

  abstract failed(error: PoolError): void;

  #settle(): void {
    if (this.#scope === undefined) return;
    this.#watch?.settled(this.#scope);
    this.#scope = undefined;
  }
}

/**
 * Finds out when every connection of a pool is held by a transaction that waits for another connection of the same pool: nobody would
 * ever give one back. Only a certain deadlock counts; whoever would complete it is refused.
 */
export class SelfDeadlockWatch {
  readonly #stuck = new Set<TransactionScope>();

  constructor(
    private readonly pool: unknown,
    private readonly summary: () => PoolSummary,
  ) {}

  /** To be called before a waiter is queued. Returns why it must not be. */
  check(waiter: ConnectionWaiter): PoolError | undefined {
    const scope = scopes.getStore();
    if (scope === undefined || scope.pool !== this.pool || scope.over) return undefined;
    const { used, limit, idle } = this.summary();
    const stuck = this.#stuck.size + (this.#stuck.has(scope) ? 0 : 1);
    if (idle === 0 && used === limit && stuck >= used) return selfDeadlock(limit);
    scope.waiting += 1;
    this.#stuck.add(scope);
    waiter.waitsIn(scope, this);
    return undefined;
  }

  settled(scope: TransactionScope): void {
    scope.waiting -= 1;
    if (scope.waiting === 0) this.#stuck.delete(scope);
  }
}

function selfDeadlock(limit: number): PoolError {
  const all = limit === 1 ? 'The only connection is' : `All ${limit} connections are`;
  return new PoolError(
    'POOL_SELF_DEADLOCK',
    `${all} held by transactions that wait for another connection of the same pool: this call would wait for ever. Inside pool.transaction, use its tx.`,
  );
}
