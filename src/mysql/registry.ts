/** Every pool of the process that is not closed, by name. */

import type { Pool, ServerProduct } from './pools/index.js';

/** The pools that are not closed. Other copies of this package in the process share it. */
interface Registry {
  readonly pools: Map<string, Pool>;
  defaultPool: Pool | undefined;
  /** For names that several pools have wanted: up to which number all were taken. Another copy of this package may not know of it. */
  takenUpTo?: Map<string, number>;
}

const KEY = Symbol.for('poolwright.registry');

function registry(): Registry {
  const holder = globalThis as { [KEY]?: Registry };
  holder[KEY] ??= { pools: new Map(), defaultPool: undefined };
  return holder[KEY];
}

/** A name that no other pool of the process has: the wanted one, or the wanted one with a number. */
export function uniqueName(wanted: string): string {
  const current = registry();
  const { pools: taken } = current;
  if (!taken.has(wanted)) return wanted;
  // Thousands of pools may have wanted the same one.
  const takenUpTo = (current.takenUpTo ??= new Map());
  for (let number = (takenUpTo.get(wanted) ?? 1) + 1; ; number += 1) {
    const name = `${wanted}#${number}`;
    if (taken.has(name)) continue;
    takenUpTo.set(wanted, number - 1);
    return name;
  }
}

/** Lists a pool until it is closed. */
export function register(pool: Pool): void {
  const current = registry();
  current.pools.set(pool.name, pool);
  pool.watch('stateChanged', ({ to }) => {
    if (to !== 'closed') return;
    current.pools.delete(pool.name);
    current.takenUpTo?.clear();
  });
}

/** Every pool of this process that is not closed, by name. */
export function pools(): ReadonlyMap<string, Pool> {
  return new Map(registry().pools);
}

/** What the server at an address is, by its greeting; undefined when no pool of this process has a connection there. */
export function serverProductAt(address: string, port: number | undefined): ServerProduct | undefined {
  for (const pool of registry().pools.values()) {
    // Another copy of this package in the process may be an older one.
    const product = 'serverProductAt' in pool ? pool.serverProductAt(address, port) : undefined;
    if (product !== undefined) return product;
  }
  return undefined;
}

/** The default pool: the one that is there, or a new one. One that is ending does not count. */
export function defaultPool(create: () => Pool): Pool {
  const current = registry();
  const state = current.defaultPool?.summary().state;
  if (current.defaultPool === undefined || state === 'closed' || state === 'draining') current.defaultPool = create();
  return current.defaultPool;
}
