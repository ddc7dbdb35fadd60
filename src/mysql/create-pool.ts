/** Makes pools, and the process-wide default one. */

import { inRootContext } from '../engine/waiting/index.js';
import { type PoolOptions, type ResolvedOptions, resolveOptions } from './options/index.js';
import { Pool } from './pools/index.js';
import { defaultPool, register, uniqueName } from './registry.js';

/**
 * Makes a pool. It opens `minIdle` connections right away (default: 1), without a call, and the others as they are needed. With `minIdle: 0` it
 * opens none before the first call. A pool lives until `end()` or `drain()`: the process lists it, its housekeeper works, and garbage collection
 * never takes it. Make one for the life of the process, not one for each request.
 *
 * @param target a database URL (`mysql://user:password@host:3306/database`), or options; default: the URL in `DATABASE_URL`
 * @param options go before what the URL says
 * @throws PoolError `POOL_OPTION_INVALID`, `POOL_TLS_REQUIRED`
 *
 * @example
 * ```ts
 * const pool = createPool(process.env.DATABASE_URL, { connectionLimit: 50 });
 * ```
 */
export function createPool(target?: string | PoolOptions, options?: PoolOptions): Pool {
  return makePool(resolveOptions({ target, options }, 'own', process.env));
}

/** Makes a pool under a name of its own, and lists it. */
export function makePool(resolved: ResolvedOptions): Pool {
  const name = uniqueName(resolved.atStart.name);
  // A pool that is made inside a request outlives it, and so do the listeners that follow it.
  return inRootContext(() => {
    const pool = new Pool({ ...resolved, atStart: { ...resolved.atStart, name } });
    register(pool);
    return pool;
  });
}

/**
 * The process-wide default pool: made from `DATABASE_URL` at the first call, the same one at every other, also after a hot reload.
 * After it was ended, the next call makes a new one.
 *
 * @throws PoolError `POOL_OPTION_INVALID`, `POOL_TLS_REQUIRED`
 */
export function getPool(): Pool {
  return defaultPool(() => createPool());
}
