/** The tRPC router and what its procedures ask. */

export { monitoringOptionNames, type MonitoringOptions } from './monitoring-options.js';
export {
  Monitoring,
  type FleetReport,
  type PoolHealthReport,
  type PoolStatsReport,
  type TopologyReport,
  type ReadinessReport,
} from './monitoring.js';
export { type ServedContext, servedRouter } from './procedures.js';
export type { MonitoringServerRouter, PgBouncerOptions, PoolCollection, PoolSource } from './router.js';
