/** The public tRPC router that an application mounts in its own. */

import { invalid, refuseUnknownOptions } from '../../engine/index.js';
import { Monitoring } from './monitoring.js';
import { type MonitoringOptions, monitoringOptionNames } from './monitoring-options.js';
import { type Authorize, type servedRouter, routerOver } from './procedures.js';

export type { PgBouncerOptions, PgBouncerReason, PgBouncerReport, PgBouncerRow } from '../../probes/index.js';
export { probePgBouncer } from '../../probes/index.js';
export type { PoolCollection, PoolSource } from '../../telemetry/index.js';
export type { Action, ActionRecord, BreakerAction, CachedNames } from '../live/index.js';
export type { BreakerChanged } from '../live/index.js';
export type { CachePoint } from '../points/index.js';
export type { LivePool, LiveSnapshot } from '../live/index.js';
export { LIVE_BOUNDS_MS, type SparseCounts } from '../points/index.js';
export type { LivePoint } from '../points/index.js';
export type { PeerReport, PeerState, ProcessPool, ProcessReport } from '../peers/index.js';
export type {
  BreakersReport,
  CacheStatsReport,
  PoolHealthReport,
  FleetReport,
  HistoryReport,
  IncidentsReport,
  PoolMetricsReport,
  PoolStatsReport,
  SlowQueryAnswer,
  TopologyReport,
} from './reports.js';
export type { PoolEvent } from '../live/index.js';
export type { Cause, Holders, Incident, PoolVerdict } from '../verdict/index.js';
export type { ShownCache } from '../live/index.js';
export type { ShownNode, ShownReads, ShownTopology } from '../live/index.js';
export type { ShownFleet, ShownLedger, ShownMember } from '../live/index.js';
export type { ShownOptions, ShownStats } from '../live/index.js';
export type { MonitoringOptions } from './monitoring-options.js';

/** What `createMonitoringRouter` takes. */
export interface MonitoringRouterOptions<Context extends object = object> extends MonitoringOptions {
  /** Decides by the context of the call whether it may be answered; otherwise it is `FORBIDDEN`. Default: every caller may ask. */
  readonly authorize?: (context: Context) => boolean | Promise<boolean>;
  /**
   * Decides by the context of the call whether it may act on pools: evict, suspend, resume, drain, resize, invalidate, and on
   * breakers; otherwise it is `FORBIDDEN`.
   * Default: no caller may.
   */
  readonly authorizeActions?: (context: Context) => boolean | Promise<boolean>;
}

/**
 * Makes a tRPC 11 router that answers how pools and PgBouncer are. Mount it as `monitoring` in your own router; `poolwright/server`
 * serves it at `/api/trpc`. Queries, whose input may be left out:
 *
 * - `connectionPoolHealth({ pool?, deep? })`: the verdict and its reasons; `deep` also runs a statement
 * - `incidents({ pool? })`: what was wrong from when to when, whom it hit, and who held the connections then
 * - `history({ pool?, from?, to?, most? })`: points and incidents of a part of the last day
 * - `connectionPoolStats({ pool? })`: everything that the pool knows about itself, and its options, without secrets
 * - `connectionPoolMetrics()`: all pools in Prometheus' text format
 * - `circuitBreakers()`: state, counts and transitions of every breaker
 * - `pgbouncerAvailable()`: what PgBouncer's admin console says
 * - `cacheStats({ pool? })`: what the pool's cache has counted
 * - `topology({ pool? })`: the servers of a cluster, who takes writes, and where reads go
 * - `fleet({ pool? })`: the budget that the pool shares, its members, and how the ledger fares
 * - `slowQueries({ pool?, limit?, orderBy? })`: the statements that cost most, by shape, without their values
 * - `process()`: who this process is, and how its pools are; `processes()`: the same of the server's `peers`, too
 * - `actionLog()`: what operators have done; `capabilities()`: which procedures there are, and whether this caller may act
 *
 * A subscription: `live()` pushes a snapshot of everything each second, over `httpSubscriptionLink`.
 *
 * Mutations, for callers that `authorizeActions` allows: `evict`, `suspend`, `resume`, `drain({ pool, timeoutMs? })`,
 * `resize({ pool, connectionLimit })` (a number or `{ min, max }`), `invalidate({ pool, tags?, tables?, all? })`, `isolateBreaker({ pool, breaker, reason? })`,
 * `closeBreaker({ pool, breaker })`.
 *
 * `pool` is a pool's name; default: the first one. A name that does not exist is `NOT_FOUND`, a wrong input `BAD_REQUEST`.
 *
 * @throws PoolError `POOL_OPTION_INVALID`; Error `MODULE_NOT_FOUND` when PgBouncer is configured and the package `pg` is missing
 *
 * @example
 * ```ts
 * const appRouter = t.router({ users: usersRouter, monitoring: createMonitoringRouter({ pools }) });
 * ```
 */
export function createMonitoringRouter<Context extends object = object>(options: MonitoringRouterOptions<Context>) {
  refuseUnknownOptions(options, [...monitoringOptionNames, 'authorize', 'authorizeActions']);
  const authorize = checkedFunction('authorize', options.authorize);
  const authorizeActions = checkedFunction('authorizeActions', options.authorizeActions);
  return routerOver(new Monitoring(options, process.env), { authorize, authorizeActions, who: () => 'the application' });
}

function checkedFunction(name: string, given: unknown): Authorize | undefined {
  if (given !== undefined && typeof given !== 'function') throw invalid(name, given, 'a function');
  return given as Authorize | undefined;
}

/** What {@link createMonitoringRouter} returns. */
export type MonitoringRouter = ReturnType<typeof createMonitoringRouter>;

/** What `poolwright/server` serves: for the type of a client. */
export type MonitoringServerRouter = ReturnType<typeof servedRouter>;
