/** What a pool reports of itself: health, slow queries, breakers, log. */

export {
  type BreakersByName,
  type BreakerSnapshots,
  type PoolBreakerOptions,
  PoolBreakers,
  type ResolvedPoolBreakers,
  resolvePoolBreakers,
} from './breakers.js';
export {
  type CheckStatus,
  type Health,
  type HealthCheck,
  HealthMonitor,
  type HealthThresholds,
  healthThresholdTable,
  utilizationOf,
  wordsOf,
} from './health.js';
export { LeaksByPlace } from './leaks-by-place.js';
export { checkedLogger, PoolLog, type PoolLogger } from './logger.js';
export { SlowQueries, type SlowQuery, type SlowQueryOrder, type SlowQueryReport } from './slow-queries.js';
export { isOneValue, withGivenText } from './given-text.js';
export { askForComment } from './statement-comment.js';
export { type CachedFrom, type CachedRead, cachedReads, givenTexts, type StatementToSend, statementsToSend } from './trace-channels.js';
export { type Breakage, StatementLog, type WriteObserver, type WritingConnection } from './statement-log.js';
