/** Registers the metrics of pools, caches, clusters and fleets with prom-client. */

import type * as PromClient from 'prom-client';
import type { PrometheusContentType, Registry, RegistryContentType } from 'prom-client';
import { requirePeer } from '../packages/index.js';
import type { BreakerSource } from './breaker-source.js';
import type { PoolSource } from './pool-source.js';
import { registerMetrics } from './registered-metrics.js';

export type { BreakerSource, ObservedBreaker } from './breaker-source.js';
export type { ObservedPool, PoolCollection, PoolSource } from './pool-source.js';

const { Registry: PromRegistry } = requirePeer('prom-client', 'poolwright/prometheus') as typeof PromClient;

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
  return registerMetrics(options, () => new PromRegistry());
}
