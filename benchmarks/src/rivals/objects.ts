import { EventEmitter } from 'node:events';
import { createPool as createGenericPool } from 'generic-pool';
import PgPool from 'pg-pool';
import { Pool as SequelizePool } from 'sequelize-pool';
import { Pool as TarnPool } from 'tarn';
import type { Lender, LenderSettings } from './lender.js';
import { openObject } from './open-object.js';

export function openTarn({ size, acquireTimeoutMs }: LenderSettings): Lender {
  const pool = new TarnPool<object>({
    create: openObject,
    destroy: () => undefined,
    min: size,
    max: size,
    ...(acquireTimeoutMs === undefined ? {} : { acquireTimeoutMillis: acquireTimeoutMs }),
  });
  return {
    acquire: () => pool.acquire().promise,
    release: (resource) => pool.release(resource as object),
    acquireCancellable() {
      const pending = pool.acquire();
      return { promise: pending.promise, cancel: () => pending.abort() };
    },
    close: () => pool.destroy(),
  };
}

export function openGenericPool({ size, acquireTimeoutMs }: LenderSettings): Lender {
  const pool = createGenericPool<object>(
    { create: openObject, destroy: async () => undefined },
    { min: size, max: size, ...(acquireTimeoutMs === undefined ? {} : { acquireTimeoutMillis: acquireTimeoutMs }) },
  );
  return {
    acquire: () => pool.acquire(),
    release: (resource) => void pool.release(resource as object),
    async close() {
      await pool.drain();
      await pool.clear();
    },
  };
}

export function openSequelizePool({ size, acquireTimeoutMs }: LenderSettings): Lender {
  const pool = new SequelizePool<object>({
    create: openObject,
    destroy: () => undefined,
    validate: () => true,
    min: size,
    max: size,
    ...(acquireTimeoutMs === undefined ? {} : { acquireTimeoutMillis: acquireTimeoutMs }),
  });
  return {
    acquire: () => pool.acquire(),
    release: (resource) => pool.release(resource as object),
    async close() {
      await pool.drain();
      await pool.destroyAllNow();
    },
  };
}

/** What pg-pool needs of a client. Without `_queryable` it takes each client for a broken one, and replaces it at its release. */
class IdleClient extends EventEmitter {
  readonly _queryable = true;
  readonly _ending = false;
  release: () => void = () => undefined;

  connect(callback: (error?: Error) => void): void {
    process.nextTick(callback);
  }

  end(callback?: () => void): void {
    callback?.();
  }
}

export function openPgPool({ size, acquireTimeoutMs }: LenderSettings): Lender {
  const pool = new PgPool({
    Client: IdleClient as never,
    // With `min` it starts no timer at release: in its favour, and the others keep their resources too.
    min: size,
    max: size,
    ...(acquireTimeoutMs === undefined ? {} : { connectionTimeoutMillis: acquireTimeoutMs }),
  });
  return {
    acquire: () => pool.connect(),
    release: (client) => (client as IdleClient).release(),
    close: () => pool.end(),
  };
}

/** No pool: an array and promises. Callers beyond the array get an object of their own, for an array does not wait. */
export function openBare({ size }: LenderSettings): Lender {
  const idle: object[] = Array.from({ length: size }, (_, id) => ({ id }));
  return {
    acquire: () => Promise.resolve(idle.pop() ?? { id: -1 }),
    release: (resource) => idle.push(resource as object),
    close: () => Promise.resolve(),
  };
}
