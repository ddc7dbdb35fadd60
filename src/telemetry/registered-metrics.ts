/** Puts all metrics of pools into a registry of prom-client, which the caller brings or makes. */

import { invalid, PoolError, refuseUnknownOptions } from '../engine/index.js';
import type { BreakerSource } from './breaker-source.js';
import { cacheMetrics } from './cache-metrics.js';
import { clusterMetrics } from './cluster-metrics.js';
import type { CollectedMetric, MetricsRegistry } from './collected-metric.js';
import { fleetMetrics } from './fleet/fleet-metrics.js';
import { DEFAULT_PREFIX, poolMetrics } from './pool-metrics.js';
import type { PoolSource } from './pool-source.js';

/** The options of `registerPoolMetrics`, for any class of registry. */
export interface RegisteredMetricsOptions<Registry extends MetricsRegistry> {
  readonly pools: PoolSource;
  readonly breakers?: BreakerSource;
  readonly registry?: Registry;
  readonly prefix?: string;
}

/** Of the Prometheus data model, metric names. */
const VALID_PREFIX = /^([a-zA-Z_:][a-zA-Z0-9_:]*)?$/;

/**
 * Checks the options, and registers the metrics. It loads nothing: who calls it says where a new registry comes from.
 *
 * @throws PoolError `POOL_OPTION_INVALID`, and when the registry already has metrics of these names; nothing is registered then
 */
export function registerMetrics<Registry extends MetricsRegistry>(
  options: RegisteredMetricsOptions<Registry>,
  makeRegistry: () => Registry,
): Registry {
  refuseUnknownOptions(options, ['pools', 'breakers', 'registry', 'prefix']);
  const { registry = makeRegistry(), prefix = DEFAULT_PREFIX } = options;
  if (typeof prefix !== 'string' || !VALID_PREFIX.test(prefix)) throw invalid('prefix', prefix, 'the beginning of a metric name, or empty');
  if (typeof registry !== 'object' || registry === null || typeof registry.registerMetric !== 'function') {
    throw invalid('registry', registry, "a Registry of prom-client's");
  }
  const { pools } = options;
  register(registry, [
    ...poolMetrics(pools, prefix, options.breakers),
    ...cacheMetrics(pools, prefix),
    ...clusterMetrics(pools, prefix),
    ...fleetMetrics(pools, prefix),
  ]);
  return registry;
}

/** @throws PoolError `POOL_OPTION_INVALID` when one of the names is taken; nothing is registered then */
function register(registry: MetricsRegistry, metrics: readonly CollectedMetric[]): void {
  const taken = metrics.find((metric) => registry.getSingleMetric(metric.name) !== undefined);
  if (taken !== undefined) {
    throw new PoolError(
      'POOL_OPTION_INVALID',
      `This registry has a metric ${taken.name} already. Register pools once, with a function that returns all of them, or give another prefix.`,
    );
  }
  for (const metric of metrics) registry.registerMetric(metric.asMetric());
}
