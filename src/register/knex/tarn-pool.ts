/** tarn's pool over a managed one: its methods, numbers, events and errors, for Knex. */
import { performance, within } from '../../engine/waiting/index.js';
import type { DataLayerPool } from '../../mysql/drop-in.js';
import { isOverdue, isStrange, outcomeOf } from '../pool-errors.js';

/** tarn's pending operation, as callers of `acquire()` see it. */
export interface Pending {
  promise: Promise<unknown>;
  isRejected: boolean;
  possibleTimeoutCause: unknown;
  readonly timeoutMillis: number;
  abort(): void;
}

/** tarn's pool, as far as it is built on. */
export interface TarnPool {
  readonly creator: (callback: (error: unknown, connection?: unknown) => void) => unknown;
  readonly destroyer: (connection: unknown) => unknown;
  readonly validate: (connection: unknown) => unknown;
  readonly log: (message: string, level?: string) => void;
  readonly min: number;
  readonly max: number;
  readonly acquireTimeoutMillis: number;
  readonly createTimeoutMillis: number;
  readonly destroyTimeoutMillis: number;
  readonly idleTimeoutMillis: number;
  readonly reapIntervalMillis: number;
  readonly createRetryIntervalMillis: number;
  readonly propagateCreateError: boolean;
  readonly emitter: { removeAllListeners(): unknown };
  destroyed: boolean;
  eventId: number;
  acquire(): Pending;
  release(connection: unknown): boolean;
  destroy(): Promise<unknown>;
  check(): void;
  numUsed(): number;
  numFree(): number;
  numPendingAcquires(): number;
  numPendingValidations(): number;
  numPendingCreates(): number;
  _executeEventHandlers(event: string, ...details: unknown[]): void;
}

export type TarnPoolClass = new (options: object) => TarnPool;
type TimeoutErrorClass = new (message: string) => Error;

/** The managed pool behind a tarn pool; nothing: it stays tarn's own. */
export type MakeLender = (pool: TarnPool, opener: TarnOpener) => DataLayerPool | undefined;

/** How it opens and closes connections: as tarn does. */
export interface TarnOpener {
  readonly open: () => Promise<unknown>;
  readonly close: (connection: unknown) => Promise<void>;
}

const UNKNOWN_REASON = 'operation timed out for an unknown reason';

/** The numbers that tarn keeps as arrays. */
const LISTS = ['used', 'free', 'pendingCreates', 'pendingAcquires', 'pendingValidations'] as const;

/**
 * Makes the class of managed pools for one copy of tarn.
 *
 * @param Base the class of the pool that it stands in for
 * @param TimeoutError tarn's own: Knex knows by it that an acquire took too long
 */
export function managedTarnPool(
  Base: TarnPoolClass,
  TimeoutError: TimeoutErrorClass,
): new (
  original: TarnPool,
  make: MakeLender,
  left: (why: string) => void,
) => TarnPool {
  return class ManagedTarnPool extends Base {
    /** Made by the first acquire: a Knex that only builds statements has none. `null`: this pool is tarn's own after all. */
    #lender: DataLayerPool | null | undefined = undefined;
    #validating = 0;
    #served = false;
    readonly #closing = new Set<Promise<void>>();

    constructor(
      original: TarnPool,
      private readonly make: MakeLender,
      private readonly left: (why: string) => void,
    ) {
      super(optionsOf(original));
      for (const name of LISTS) {
        let own: unknown = (this as unknown as Record<string, unknown>)[name];
        const get = (): unknown => (this.#lender === null ? own : this.#listed(name));
        const set = (value: unknown): void => void (own = value);
        Object.defineProperty(this, name, { configurable: true, enumerable: true, get, set });
      }
    }

    override numUsed(): number {
      return this.#lender === null ? super.numUsed() : (this.#lender?.counts.used ?? 0);
    }

    override numFree(): number {
      return this.#lender === null ? super.numFree() : (this.#lender?.counts.free ?? 0);
    }

    override numPendingAcquires(): number {
      return this.#lender === null ? super.numPendingAcquires() : (this.#lender?.counts.waiting ?? 0);
    }

    override numPendingValidations(): number {
      return this.#lender === null ? super.numPendingValidations() : this.#validating;
    }

    override numPendingCreates(): number {
      return this.#lender === null ? super.numPendingCreates() : (this.#lender?.counts.opening ?? 0);
    }

    override acquire(): Pending {
      if (this.#lender === null || (this.destroyed && this.#lender === undefined)) return super.acquire();
      const eventId = this.#newEvent('acquireRequest');
      const way = { given: false, cancel: (): void => undefined };
      const pending: Pending = {
        promise: this.#borrow(way).then(
          (connection) => {
            this._executeEventHandlers('acquireSuccess', eventId, connection);
            return connection;
          },
          (error: unknown) => {
            pending.isRejected = true;
            this._executeEventHandlers('acquireFail', eventId, error);
            throw error;
          },
        ),
        isRejected: false,
        possibleTimeoutCause: null,
        timeoutMillis: this.acquireTimeoutMillis,
        abort: () => {
          way.given = true;
          way.cancel();
        },
      };
      return pending;
    }

    override release(connection: unknown): boolean {
      if (this.#lender === null) return super.release(connection);
      this._executeEventHandlers('release', connection);
      // Knex says so of a connection that broke, and of one whose statement took too long and still runs.
      const { __knex__disposed: disposed } = connection as { readonly __knex__disposed?: unknown };
      return this.#lender?.giveBack(connection as object, Boolean(disposed)) ?? false;
    }

    /** The managed pool keeps house. */
    override check(): void {
      if (this.#lender === null) super.check();
    }

    /** As tarn's, it waits until all borrowers have given back; callers that wait are refused at once. */
    override async destroy(): Promise<unknown> {
      if (this.#lender === null || this.#lender === undefined) {
        this.destroyed = true;
        await Promise.all(this.#closing);
        return await super.destroy();
      }
      const eventId = this.#newEvent('poolDestroyRequest');
      this.destroyed = true;
      if (this.#served) this._executeEventHandlers('stopReaping');
      await this.#lender.end('refuse');
      await Promise.all(this.#closing);
      this._executeEventHandlers('poolDestroySuccess', eventId);
      this.emitter.removeAllListeners();
      return undefined;
    }

    async #borrow(way: { given: boolean; cancel: () => void }): Promise<unknown> {
      try {
        const lender = this.#made();
        if (lender === null) return await super.acquire().promise;
        return await this.#borrowFrom(lender, way);
      } catch (error) {
        if (!isStrange(outcomeCause(error))) throw this.#failureFor(error);
        this.#giveUp();
        return await super.acquire().promise;
      }
    }

    async #borrowFrom(lender: DataLayerPool, way: { given: boolean; cancel: () => void }): Promise<unknown> {
      const timeout = lender.acquireTimeout;
      const startedAt = performance.now();
      const left = (): number => (timeout === 0 ? Number.POSITIVE_INFINITY : Math.max(timeout - (performance.now() - startedAt), 1));
      for (let remaining = timeout; ; remaining = left() === Number.POSITIVE_INFINITY ? 0 : left()) {
        if (way.given) throw new Error('aborted');
        const borrowing = lender.borrow(remaining);
        way.cancel = borrowing.cancel;
        const connection = await borrowing.connection;
        const isValid = await this.#isValid(connection, left());
        if (isValid && !way.given) {
          if (!this.#served) this._executeEventHandlers('startReaping');
          this.#served = true;
          return connection;
        }
        lender.giveBack(connection, !isValid);
        if (isValid === undefined) throw new TimeoutError(UNKNOWN_REASON);
      }
    }

    /** Nothing: the answer did not come in time. */
    async #isValid(connection: object, timeoutMs: number): Promise<boolean | undefined> {
      this.#validating += 1;
      const late = new TimeoutError(UNKNOWN_REASON);
      try {
        // As tarn's: what throws may be a callback of the application's.
        const answer = (async (): Promise<unknown> => await this.validate(connection))();
        return Boolean(await within(answer, timeoutMs, () => late));
      } catch (error) {
        this.log(`Tarn: resource validator threw an exception ${stackOf(error)}`, 'warn');
        return error === late ? undefined : false;
      } finally {
        this.#validating -= 1;
      }
    }

    #made(): DataLayerPool | null {
      if (this.#lender !== undefined) return this.#lender;
      const opener = { open: () => this.#create(), close: (connection: unknown) => this.#noteClosing(this.#close(connection)) };
      this.#lender = this.make(this, opener) ?? null;
      return this.#lender;
    }

    /** What Knex opens is not a connection of the mysql2 that is managed: it has its own pool back. */
    #giveUp(): void {
      const lender = this.#lender;
      this.#lender = null;
      if (lender !== null && lender !== undefined) {
        this.left('it does not open its connections with createConnection of mysql2');
        lender.end('refuse').catch(() => undefined);
      }
    }

    async #create(): Promise<unknown> {
      const eventId = this.#newEvent('createRequest');
      try {
        const connection = await callbackOrPromise(this.creator);
        this._executeEventHandlers('createSuccess', eventId, connection);
        return connection;
      } catch (error) {
        this._executeEventHandlers('createFail', eventId, error);
        throw error;
      }
    }

    #noteClosing(closing: Promise<void>): Promise<void> {
      this.#closing.add(closing);
      return closing.finally(() => this.#closing.delete(closing));
    }

    async #close(connection: unknown): Promise<void> {
      const eventId = this.#newEvent('destroyRequest', connection);
      try {
        const destroyed = (async (): Promise<unknown> => await this.destroyer(connection))();
        await within(destroyed, this.destroyTimeoutMillis, () => new TimeoutError(UNKNOWN_REASON), { hold: 'unheld' });
        this._executeEventHandlers('destroySuccess', eventId, connection);
      } catch (error) {
        this._executeEventHandlers('destroyFail', eventId, connection, error);
        this.log(`Tarn: resource destroyer threw an exception ${stackOf(error)}`, 'warn');
      }
    }

    #newEvent(event: string, ...details: unknown[]): number {
      const { eventId } = this;
      this.eventId += 1;
      this._executeEventHandlers(event, eventId, ...details);
      return eventId;
    }

    #failureFor(error: unknown): unknown {
      const outcome = outcomeOf(error);
      switch (outcome.kind) {
        case 'late':
          return this.#timeout(outcome.cause instanceof Error ? outcome.cause.message : UNKNOWN_REASON, error);
        case 'not opened':
          return isOverdue(outcome.error) ? this.#timeout(UNKNOWN_REASON, error) : outcome.error;
        case 'ended':
        case 'given up':
          return new Error('aborted');
        case 'other':
          return error;
      }
    }

    /** Its cause says who holds the connections. */
    #timeout(message: string, cause: unknown): Error {
      return Object.defineProperty(new TimeoutError(message), 'cause', { value: cause, configurable: true, writable: true });
    }

    #listed(name: (typeof LISTS)[number]): unknown[] {
      const lender = this.#lender;
      const settled = { promise: Promise.resolve() };
      const asResource = (resource: object): object => ({ resource, ...settled });
      if (name === 'used') return lender?.used.map(asResource) ?? [];
      if (name === 'free') return lender?.idle.map(asResource) ?? [];
      const counts = {
        pendingCreates: () => this.numPendingCreates(),
        pendingAcquires: () => this.numPendingAcquires(),
        pendingValidations: () => this.numPendingValidations(),
      };
      return Array.from({ length: counts[name]() }, () => settled);
    }
  };
}

function outcomeCause(error: unknown): unknown {
  const outcome = outcomeOf(error);
  if (outcome.kind === 'not opened') return outcome.error;
  return outcome.kind === 'late' ? outcome.cause : error;
}

function optionsOf(pool: TarnPool): object {
  const { creator, destroyer, validate, log, min, max, propagateCreateError } = pool;
  const {
    acquireTimeoutMillis,
    createTimeoutMillis,
    destroyTimeoutMillis,
    idleTimeoutMillis,
    reapIntervalMillis,
    createRetryIntervalMillis,
  } = pool;
  const times = {
    acquireTimeoutMillis,
    createTimeoutMillis,
    destroyTimeoutMillis,
    idleTimeoutMillis,
    reapIntervalMillis,
    createRetryIntervalMillis,
  };
  return { create: creator, destroy: destroyer, validate, log, min, max, propagateCreateError, ...times };
}

/** As tarn calls it: a function that calls back, or returns a promise. */
function callbackOrPromise(creator: TarnPool['creator']): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const returned = (async (): Promise<unknown> => await creator((error, connection) => (error ? reject(error) : resolve(connection))))();
    returned.then((connection) => (connection ? resolve(connection) : undefined), reject);
  });
}

function stackOf(error: unknown): string {
  return error instanceof Error ? String(error.stack) : String(error);
}
