/** sequelize-pool's pool over a managed one: its methods, numbers and errors, for Sequelize. */
import { performance } from '../../engine/waiting/index.js';
import type { DataLayerPool } from '../../mysql/drop-in.js';
import { isOverdue, isStrange, outcomeOf } from '../pool-errors.js';

/** What Sequelize gives to its pool. */
export interface PoolFactory {
  readonly name?: string;
  readonly create: () => Promise<object>;
  readonly destroy: (connection: object) => Promise<unknown>;
  readonly validate: (connection: object) => unknown;
  readonly max: number;
  readonly min: number;
}

/** sequelize-pool's pool, as far as it is built on. */
export interface SequelizePool {
  readonly _factory: PoolFactory;
  readonly idleTimeoutMillis: number;
  readonly acquireTimeoutMillis: number;
  readonly maxUsesPerResource: number;
  _draining: boolean;
  readonly size: number;
  readonly available: number;
  readonly using: number;
  readonly waiting: number;
  _log(message: string, level: string): void;
  acquire(): Promise<object>;
  release(connection: object): void;
  destroy(connection: object): Promise<void>;
  drain(): Promise<void>;
  destroyAllNow(): Promise<void>;
}

export type SequelizePoolClass = new (factory: PoolFactory) => SequelizePool;

/** How it opens and closes connections: as sequelize-pool does. */
export interface SequelizeOpener {
  readonly open: () => Promise<unknown>;
  readonly close: (connection: unknown) => Promise<void>;
}

/** What the adapter asks of the hook. */
export interface SequelizeHost {
  /** The managed pool behind it; nothing: it stays sequelize-pool's own. */
  make(pool: SequelizePool, opener: SequelizeOpener): DataLayerPool | undefined;
  /** It is sequelize-pool's own after all. */
  left(why: string): void;
  /** Whether the Sequelize that it belongs to was closed. */
  isClosed(): boolean;
}

interface Classes {
  readonly Base: SequelizePoolClass;
  /** sequelize-pool's own: Sequelize knows by it that an acquire took too long. */
  readonly TimeoutError: new (
    message: string,
  ) => Error;
  /** What it says. */
  readonly timeoutText: string;
}

/** Makes the class of managed pools for one copy of sequelize-pool. */
export function managedSequelizePool({
  Base,
  TimeoutError,
  timeoutText,
}: Classes): new (
  original: SequelizePool,
  host: SequelizeHost,
) => SequelizePool {
  return class ManagedSequelizePool extends Base {
    /** Made by the first acquire. `null`: this pool is sequelize-pool's own after all, or has ended. */
    #lender: DataLayerPool | null | undefined = undefined;
    /** Those that were lent by a managed pool that has ended. */
    #ended: DataLayerPool | undefined = undefined;
    readonly #uses = new WeakMap<object, number>();
    readonly #closing = new Map<unknown, Promise<void>>();

    constructor(
      original: SequelizePool,
      private readonly host: SequelizeHost,
    ) {
      super(original._factory);
    }

    override get size(): number {
      const counts = this.#lender?.counts;
      return counts === undefined ? super.size : counts.used + counts.free + counts.opening;
    }

    override get available(): number {
      return this.#lender?.counts.free ?? super.available;
    }

    override get using(): number {
      return this.#lender?.counts.used ?? super.using;
    }

    override get waiting(): number {
      return this.#lender?.counts.waiting ?? super.waiting;
    }

    override async acquire(): Promise<object> {
      if (this._draining) throw new Error('pool is draining and cannot accept work');
      const lender = this.#made();
      if (lender === null) return await super.acquire();
      try {
        return await this.#borrowFrom(lender);
      } catch (error) {
        if (!isStrange(causeOf(error))) throw this.#failureFor(error);
        this.#giveUp();
        return await super.acquire();
      }
    }

    override release(connection: object): void {
      const lender = this.#lender ?? this.#ended;
      if (lender === undefined) {
        super.release(connection);
        return;
      }
      const uses = (this.#uses.get(connection) ?? 0) + 1;
      this.#uses.set(connection, uses);
      if (lender.giveBack(connection, uses >= this.maxUsesPerResource)) return;
      if (lender === this.#ended && this.#lender === null && this.#owns(connection)) super.release(connection);
      else this._log('attempt to release an invalid resource', 'error');
    }

    override async destroy(connection: object): Promise<void> {
      const lender = this.#lender ?? this.#ended;
      if (lender === undefined || !lender.giveBack(connection, true)) {
        await super.destroy(connection);
        return;
      }
      await this.#closing.get(connection);
    }

    override async drain(): Promise<void> {
      if (this.#lender === undefined || this.#lender === null) {
        await super.drain();
        return;
      }
      this._draining = true;
      await this.#lender.end('serve');
      await Promise.all(this.#closing.values());
    }

    override async destroyAllNow(): Promise<void> {
      const lender = this.#lender;
      if (lender !== undefined && lender !== null && !this._draining) {
        lender.evict();
        // What is lent comes back later.
        if (this.host.isClosed()) this.#end(lender);
        await Promise.all(this.#closing.values());
      }
      await super.destroyAllNow();
    }

    async #borrowFrom(lender: DataLayerPool): Promise<object> {
      const timeout = lender.acquireTimeout;
      const startedAt = performance.now();
      for (let remaining = timeout; ; ) {
        const connection = await lender.borrow(remaining).connection;
        let isValid: unknown = false;
        try {
          isValid = this._factory.validate(connection);
          if (isValid) return connection;
        } finally {
          if (!isValid) lender.giveBack(connection, true);
        }
        if (timeout > 0) remaining = Math.max(timeout - (performance.now() - startedAt), 1);
      }
    }

    #made(): DataLayerPool | null {
      if (this.#lender !== undefined) return this.#lender;
      const opener = { open: () => this._factory.create(), close: (connection: unknown) => this.#close(connection as object) };
      this.#lender = this.host.make(this, opener) ?? null;
      return this.#lender;
    }

    #close(connection: object): Promise<void> {
      const closing = (async (): Promise<void> => {
        try {
          await this._factory.destroy(connection);
        } catch (error) {
          this._log(`Error destroying resource: ${String(error)}`, 'error');
        } finally {
          this.#closing.delete(connection);
        }
      })();
      this.#closing.set(connection, closing);
      return closing;
    }

    /** From now on it is sequelize-pool's own. */
    #end(lender: DataLayerPool): void {
      this.#lender = null;
      this.#ended = lender;
      lender.end('serve').catch(() => undefined);
    }

    /** What Sequelize opens is not a connection of the mysql2 that is managed: it has its own pool back. */
    #giveUp(): void {
      if (this.#lender !== undefined && this.#lender !== null) {
        this.host.left('it does not open its connections with createConnection of mysql2');
        this.#end(this.#lender);
      }
    }

    #owns(connection: object): boolean {
      const { _inUseObjects: lent } = this as unknown as { readonly _inUseObjects: readonly { readonly resource: object }[] };
      return lent.some(({ resource }) => resource === connection);
    }

    #failureFor(error: unknown): unknown {
      const outcome = outcomeOf(error);
      switch (outcome.kind) {
        case 'late':
          return this.#timeout(error);
        case 'not opened':
          return isOverdue(outcome.error) ? this.#timeout(error) : outcome.error;
        case 'ended':
          return new Error('pool is draining and cannot accept work');
        case 'given up':
        case 'other':
          return error;
      }
    }

    /** Its cause says who holds the connections. */
    #timeout(cause: unknown): Error {
      return Object.defineProperty(new TimeoutError(timeoutText), 'cause', { value: cause, configurable: true, writable: true });
    }
  };
}

function causeOf(error: unknown): unknown {
  const outcome = outcomeOf(error);
  return outcome.kind === 'not opened' ? outcome.error : error;
}
