import { invalid } from '../engine/index.js';
import type { Breaker, BreakerSnapshot } from '../resilience/breaker.js';
import type { PoolReader } from './pool-source.js';

/** What is read of a breaker. */
export type ObservedBreaker = Pick<Breaker, 'name' | 'snapshot'>;

/** Breakers that belong to no pool. A function is asked anew each time. Their names must differ. */
export type BreakerSource = Iterable<ObservedBreaker> | (() => Iterable<ObservedBreaker>);

/** A breaker, and the pool that it belongs to. */
export interface ReportedBreaker extends BreakerSnapshot {
  readonly pool: string | null;
}

/**
 * The breakers of these pools, then the others.
 *
 * @throws PoolError `POOL_OPTION_INVALID` when `source` is nothing that holds breakers
 */
export function breakerReader(pools: PoolReader, source: BreakerSource): () => readonly ReportedBreaker[] {
  const others = typeof source === 'function' ? () => checked(source()) : () => checked(source);
  if (typeof source !== 'function') checked(source);
  return () => [
    ...[...pools().values()].flatMap((pool) => Object.values(pool.stats().breakers).map((breaker) => ({ pool: pool.name, ...breaker }))),
    ...others().map((breaker) => ({ pool: null, ...breaker.snapshot() })),
  ];
}

function checked(source: Iterable<ObservedBreaker>): readonly ObservedBreaker[] {
  const breakers: unknown = typeof source === 'object' && source !== null && Symbol.iterator in source ? [...source] : undefined;
  if (!Array.isArray(breakers) || !breakers.every(isBreaker))
    throw invalid('breakers', source, 'breakers, or a function that returns them');
  return breakers;
}

function isBreaker(value: unknown): value is ObservedBreaker {
  return typeof value === 'object' && value !== null && 'snapshot' in value && 'name' in value;
}
