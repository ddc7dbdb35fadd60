/** Metrics of pools, caches and breakers, for Prometheus and OpenTelemetry. */

export {
  type BreakerReader,
  breakerReader,
  type BreakerSource,
  type ListedBreaker,
  type ObservedBreaker,
  type ReportedBreaker,
  reportOf,
} from './breaker-source.js';
export { clusterIn, type ObservedCluster, withNodePools } from './cluster-source.js';
export { fleetIn } from './fleet/fleet-table.js';
export { CollectedMetric, type MetricDescription, type MetricsRegistry, type Sample } from './collected-metric.js';
export { addBreakers, DEFAULT_PREFIX } from './pool-metrics.js';
export { registerMetrics } from './registered-metrics.js';
export { type ObservedPool, type PoolCollection, type PoolReader, poolReader, type PoolSource } from './pool-source.js';
