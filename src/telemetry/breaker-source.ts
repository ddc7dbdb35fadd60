/** The one list of all breakers: those of pools, and those that belong to none. */

import { invalid } from '../engine/index.js';
import type { Breaker, BreakerSnapshot } from '../resilience/breaker/index.js';
import type { PoolReader } from './pool-source.js';

/** What is read of a breaker, and what may be done to it manually. */
export type ObservedBreaker = Pick<Breaker, 'name' | 'snapshot' | 'onChange' | 'open' | 'close' | 'isolate'>;

/** Breakers that belong to no pool, such as those around calls of your own. A function is asked again each time. */
export type BreakerSource = Iterable<ObservedBreaker> | (() => Iterable<ObservedBreaker>);

/** A breaker in the list of all of them. No two have the same pool and name. */
export interface ListedBreaker {
  /** The pool that it belongs to; null: to none. */
  readonly pool: string | null;
  /** Of a pool's: its key in `pool.breakers`. Of others: their own, with a number behind it where another has it already. */
  readonly name: string;
  readonly breaker: ObservedBreaker;
}

/** The breakers as they are now: each once, those of the pools first. */
export type BreakerReader = () => readonly ListedBreaker[];

/** A breaker at one moment, and the pool that it belongs to. */
export interface ReportedBreaker extends BreakerSnapshot {
  readonly pool: string | null;
}

/**
 * The one list of breakers, which metrics, procedures, health and actions are made from.
 *
 * @throws PoolError `POOL_OPTION_INVALID` when `source` is nothing that holds breakers
 */
export function breakerReader(pools: PoolReader, source: BreakerSource): BreakerReader {
  const isIterator = typeof source === 'object' && source !== null && 'next' in source;
  // An iterator can be walked once only.
  const held = isIterator ? [...source] : source;
  const others = typeof held === 'function' ? () => checked(held()) : () => checked(held);
  if (typeof held !== 'function') checked(held);
  return () => {
    const listed = new Map<ObservedBreaker, ListedBreaker>();
    for (const pool of pools().values()) {
      for (const [name, breaker] of Object.entries(pool.breakers) as [string, ObservedBreaker][]) {
        // Several pools may share a cache, and its breaker.
        if (!listed.has(breaker)) listed.set(breaker, { pool: pool.name, name, breaker });
      }
    }
    const names = new Set<string>();
    for (const breaker of others()) {
      if (!listed.has(breaker)) listed.set(breaker, { pool: null, name: uniqueIn(names, breaker.name), breaker });
    }
    return [...listed.values()];
  };
}

export function reportOf({ pool, name, breaker }: ListedBreaker): ReportedBreaker {
  return { pool, ...breaker.snapshot(), name };
}

/** Numbers breakers that share a name: labels must be unique, or Prometheus rejects the whole scrape. */
function uniqueIn(names: Set<string>, wanted: string): string {
  let name = wanted;
  for (let number = 2; names.has(name); number += 1) name = `${wanted}#${number}`;
  names.add(name);
  return name;
}

function checked(source: Iterable<ObservedBreaker>): readonly ObservedBreaker[] {
  const breakers: unknown = typeof source === 'object' && source !== null && Symbol.iterator in source ? [...source] : undefined;
  if (!Array.isArray(breakers) || !breakers.every(isBreaker))
    throw invalid('breakers', source, 'breakers, or a function that returns them');
  return breakers;
}

function isBreaker(value: unknown): value is ObservedBreaker {
  return typeof value === 'object' && value !== null && 'name' in value && 'snapshot' in value && 'isolate' in value;
}
