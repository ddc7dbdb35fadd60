/** The health of a pool as the dashboard and the procedures show it: its own, in the words of the verdict, and the breakers that belong to no pool. */

import { type Health, wordsOf } from '../../mysql/index.js';
import type { ListedBreaker, ObservedPool } from '../../telemetry/index.js';
import { inWordsOfCluster, withOutsideWarnings } from '../verdict/index.js';
import { shownTopology } from './shown-topology.js';

/** A pool's own health. That of a cluster is in the words of its verdict. */
export async function ownHealth(pool: ObservedPool, own: Promise<Health> = pool.health()): Promise<Health> {
  const health = await own;
  return health.healthy ? health : inWordsOfCluster(health, shownTopology(pool), pool.summary().waiting, Date.now());
}

/**
 * Breakers that belong to no pool keep no caller from a pool's connections, but an operator should look: the service behind them
 * does not answer. They make no pool unhealthy, and no process unready.
 */
export function wholeHealth(own: Health, breakers: readonly ListedBreaker[]): Health {
  const words = breakers
    .filter(({ pool, breaker }) => pool === null && breaker.snapshot().state !== 'closed')
    .map(({ name, breaker }) => wordsOf({ ...breaker.snapshot(), name }));
  return withOutsideWarnings(own, words);
}
