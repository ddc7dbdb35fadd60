/** The tRPC router and what its procedures ask. */

export { monitoringOptionNames, type MonitoringOptions } from './monitoring-options.js';
export { Monitoring } from './monitoring.js';
export type {
  FleetReport,
  HistoryReport,
  IncidentsReport,
  PoolHealthReport,
  PoolStatsReport,
  TopologyReport,
  ReadinessReport,
} from './reports.js';
export { type ServedContext, servedRouter } from './procedures.js';
export type { MonitoringServerRouter, PgBouncerOptions, PoolCollection, PoolSource } from './router.js';
