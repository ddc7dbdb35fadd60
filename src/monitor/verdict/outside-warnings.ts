/** Adds to a pool's health what is wrong outside of it: breakers that belong to no pool, replicas that others stand in for. */

import type { Health, HealthCheck } from '../../mysql/index.js';

/**
 * The pool's own health, with a warning for each thing that is wrong outside of it. Such a thing never makes a pool unhealthy: it keeps no
 * caller from the pool's connections.
 *
 * @param name the check that reports it
 * @param words one sentence without a full stop for each thing that is wrong
 */
export function withOutsideWarnings(health: Health, name: HealthCheck['name'], words: readonly string[]): Health {
  if (words.length === 0) return health;
  const checks = health.checks.map((check): HealthCheck => {
    if (check.name !== name) return check;
    return check.status === 'pass'
      ? { ...check, status: 'warn', message: words.join('; ') }
      : { ...check, message: [check.message, ...words].join('; ') };
  });
  const reasons = [...(health.healthy ? [] : [health.message]), ...words];
  return { status: health.healthy ? 'degraded' : health.status, healthy: false, message: reasons.join('; '), checks };
}
