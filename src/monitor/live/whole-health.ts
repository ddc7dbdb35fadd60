/** The health of a pool as the dashboard and the procedures show it: its own, and the breakers that belong to no pool. */

import { type Health, wordsOf } from '../../mysql/index.js';
import type { ListedBreaker } from '../../telemetry/index.js';
import { withOutsideWarnings } from '../verdict/index.js';

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
