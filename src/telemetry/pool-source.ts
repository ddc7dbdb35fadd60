/** Where pools to observe come from: one, several, or a function that names them. */

import { invalid, PoolError } from '../engine/index.js';
import type { Pool } from '../mysql/index.js';

/** What is read of a pool, and what may be done to it. */
export type ObservedPool = Pick<
  Pool,
  | 'name'
  | 'options'
  | 'breakers'
  | 'stats'
  | 'summary'
  | 'health'
  | 'durationCounts'
  | 'observeDurations'
  | 'borrowed'
  | 'slowQueries'
  | 'watch'
  | 'evict'
  | 'suspend'
  | 'resume'
  | 'drain'
  | 'resize'
  | 'cache'
>;

/** A pool, or several. */
export type PoolCollection = ObservedPool | Iterable<ObservedPool> | ReadonlyMap<string, ObservedPool>;

/**
 * Where to find the pools. It is looked at again each time, so a function, an array or a map may name pools that are made later. The
 * function `pools` of `poolwright` names every pool of the process.
 */
export type PoolSource = PoolCollection | (() => PoolCollection);

/** The pools as they are now, by name, in the order in which they were named. */
export type PoolReader = () => ReadonlyMap<string, ObservedPool>;

/**
 * @throws PoolError `POOL_OPTION_INVALID` when `source` is nothing that holds pools
 */
export function poolReader(source: PoolSource): PoolReader {
  if (typeof source === 'function') return () => byName(source());
  const isIterator = typeof source === 'object' && source !== null && 'next' in source;
  // An iterator can be walked once only: what it names now is all that there will be.
  const collection = isIterator ? [...(source as Iterable<ObservedPool>)] : source;
  byName(collection);
  return () => byName(collection);
}

function byName(collection: PoolCollection): ReadonlyMap<string, ObservedPool> {
  const pools = new Map<string, ObservedPool>();
  for (const pool of listed(collection)) {
    // A pool may be made under the name of one that is closed; labels must be unique.
    const namesake = pools.get(pool.name);
    if (namesake === undefined || namesake.summary().state === 'closed') pools.set(pool.name, pool);
  }
  return pools;
}

function listed(collection: PoolCollection): ObservedPool[] {
  if (isPool(collection)) return [collection];
  if (typeof collection !== 'object' || collection === null || !(Symbol.iterator in collection))
    throw invalid('pools', collection, ALLOWED);
  const pools: unknown[] = [...(collection instanceof Map ? collection.values() : (collection as Iterable<ObservedPool>))];
  if (pools.every(isPool)) return pools;
  throw new PoolError('POOL_OPTION_INVALID', `pools must be ${ALLOWED}; one of those given is not a pool of Poolwright.`);
}

const ALLOWED = 'a pool of Poolwright, several of them, or a function that returns them';

function isPool(value: unknown): value is ObservedPool {
  return typeof value === 'object' && value !== null && 'stats' in value && 'durationCounts' in value;
}
