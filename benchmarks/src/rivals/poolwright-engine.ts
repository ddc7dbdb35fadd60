import { type Lease, Pool } from 'poolwright/engine';
import type { Lender, LenderSettings } from './lender.js';
import { openObject } from './open-object.js';

/** The engine under poolwright's pool, over plain objects: what pools of anything are like for like compared with. */
export async function openEngine({ size, acquireTimeoutMs }: LenderSettings): Promise<Lender> {
  const factory = { open: openObject, close: () => undefined, validate: async () => undefined };
  const pool = new Pool<object>(factory, {
    connectionLimit: size,
    minIdle: size,
    ...(acquireTimeoutMs === undefined ? {} : { acquireTimeout: acquireTimeoutMs }),
  });
  await pool.ready();
  return {
    acquire: () => pool.acquire(),
    release: (lease) => (lease as Lease<object>).release(),
    acquireCancellable() {
      const controller = new AbortController();
      return { promise: pool.acquire({ signal: controller.signal }), cancel: () => controller.abort() };
    },
    close: () => pool.close(),
  };
}
