import { invalid, refuseUnknownOptions } from '../engine/index.js';
import { Monitoring } from './monitoring.js';
import { type MonitoringOptions, monitoringOptionNames } from './monitoring-options.js';
import { type Authorize, type servedRouter, routerOver } from './procedures.js';

export type { PgBouncerOptions, PgBouncerReason, PgBouncerReport, PgBouncerRow } from '../probes/pgbouncer.js';
export { probePgBouncer } from '../probes/pgbouncer.js';
export type { PoolCollection, PoolSource } from '../telemetry/pool-source.js';
export type { PoolHealthReport, PoolMetricsReport, PoolStatsReport, ShownOptions, ShownStats } from './monitoring.js';
export type { MonitoringOptions } from './monitoring-options.js';

/** What `createMonitoringRouter` takes. */
export interface MonitoringRouterOptions<Context extends object = object> extends MonitoringOptions {
  /** Decides by the context of the call whether it may be answered; otherwise it is `FORBIDDEN`. Default: everybody may ask. */
  readonly authorize?: (context: Context) => boolean | Promise<boolean>;
}

/**
 * Makes a tRPC 11 router that answers how pools and PgBouncer are. Mount it as `monitoring` in your own router; `poolwright/server`
 * serves it at `/api/trpc`. All procedures are queries, and their input may be left out:
 *
 * - `connectionPoolHealth({ pool?, deep? })`: the verdict and its reasons; `deep` also runs a statement
 * - `connectionPoolStats({ pool? })`: everything that the pool knows about itself, and its options, without secrets
 * - `connectionPoolMetrics()`: all pools in Prometheus' text format
 * - `pgbouncerAvailable()`: what PgBouncer's admin console says
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
  refuseUnknownOptions(options, [...monitoringOptionNames, 'authorize']);
  const { authorize } = options;
  if (authorize !== undefined && typeof authorize !== 'function') throw invalid('authorize', authorize, 'a function');
  return routerOver(new Monitoring(options, process.env), authorize as Authorize | undefined);
}

/** What {@link createMonitoringRouter} returns. */
export type MonitoringRouter = ReturnType<typeof createMonitoringRouter>;

/** What `poolwright/server` serves: for the type of a client. */
export type MonitoringServerRouter = ReturnType<typeof servedRouter>;
