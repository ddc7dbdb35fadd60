/** Registers the metrics of pools, caches, clusters and fleets with prom-client. */

import type * as PromClient from 'prom-client';
import type { PrometheusContentType, Registry, RegistryContentType } from 'prom-client';
import { invalid, PoolError, refuseUnknownOptions } from '../engine/index.js';
import { requirePeer } from '../packages/index.js';
import { cacheMetrics } from './cache-metrics.js';
import { clusterMetrics } from './cluster-metrics.js';
import type { CollectedMetric, MetricsRegistry } from './collected-metric.js';
import type { BreakerSource } from './breaker-source.js';
import { fleetMetrics } from './fleet/fleet-metrics.js';
import { DEFAULT_PREFIX, poolMetrics } from './pool-metrics.js';
import type { PoolSource } from './pool-source.js';

export type { BreakerSource, ObservedBreaker } from './breaker-source.js';
export type { ObservedPool, PoolCollection, PoolSource } from './pool-source.js';

const { Registry: PromRegistry } = requirePeer('prom-client', 'The exporter for Prometheus') as typeof PromClient;

/** What `registerPoolMetrics` takes. */
export interface PoolMetricsOptions<ContentType extends RegistryContentType = PrometheusContentType> {
  /** The pools to report. Looked at again at each scrape, so that pools which are made or closed later are seen. */
  readonly pools: PoolSource;
  /** Breakers that belong to no pool, to be reported too. Default: none. */
  readonly breakers?: BreakerSource;
  /** Where to put the metrics. Default: a new registry; prom-client's global one is used only when it is given. */
  readonly registry?: Registry<ContentType>;
  /** What the names of the metrics start with. Default: 'poolwright_'. */
  readonly prefix?: string;
}

/** Of the Prometheus data model, metric names. */
const VALID_PREFIX = /^([a-zA-Z_:][a-zA-Z0-9_:]*)?$/;

/**
 * Puts the metrics of pools into a registry of prom-client. Nothing is counted twice: the values are the pools' own, read at each scrape.
 *
 * @returns the registry, for `await registry.metrics()`
 * @throws PoolError `POOL_OPTION_INVALID`, and when the registry already has metrics of these names; nothing is registered then
 *
 * @example
 * ```ts
 * import { pools } from 'poolwright';
 * import { registerPoolMetrics } from 'poolwright/prometheus';
 * import { register } from 'prom-client';
 *
 * registerPoolMetrics({ pools, registry: register });
 * app.get('/metrics', async (_, response) => response.type(register.contentType).send(await register.metrics()));
 * ```
 */
export function registerPoolMetrics<ContentType extends RegistryContentType = PrometheusContentType>(
  options: PoolMetricsOptions<ContentType>,
): Registry<ContentType> {
  refuseUnknownOptions(options, ['pools', 'breakers', 'registry', 'prefix']);
  const { registry = new PromRegistry() as Registry<ContentType>, prefix = DEFAULT_PREFIX } = options;
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
