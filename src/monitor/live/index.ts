/** The live feed of the dashboard: points, snapshots, logs and actions. */

export { type Action, type ActionRecord, Actions, type BreakerAction, type CachedNames } from './actions.js';
export type { BreakerChanged } from './breaker-log.js';
export type { PoolEvent } from './event-log.js';
export { type FeedTime, LiveFeed, type LivePool, type LiveSnapshot, TooManyListeners } from './live-feed.js';
export { type MissingThing, NotThere } from './not-there.js';
export { processFacts } from './process-facts.js';
export { type ShownCache, shownCache } from './shown-cache.js';
export { isInFleet, type ShownFleet, shownFleet, type ShownLedger, type ShownMember } from './shown-fleet.js';
export { type ShownOptions, type ShownStats, shownStats } from './shown-stats.js';
export {
  isCluster,
  poolsOfReplicas,
  type ShownNode,
  type ShownReads,
  type ShownTopology,
  shownTopology,
} from './shown-topology.js';
export { type JudgedNow, judgedNow, type Surroundings } from './pool-history.js';
