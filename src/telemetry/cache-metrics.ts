/** The metrics of caches, as one table. */

import type { QueryCache } from '../cache/serving/index.js';
import type { CacheStats } from '../cache/contract/index.js';
import { CollectedMetric, type MetricDescription } from './collected-metric.js';
import { type PoolSource, poolReader } from './pool-source.js';

type Labels = Readonly<Record<string, string>>;

/** A metric of each cache: its values, with their labels but the cache's name. */
interface CacheMetric extends MetricDescription {
  readonly values: (stats: CacheStats) => readonly (readonly [Labels, number])[];
}

const counter = (name: string, help: string, values: CacheMetric['values']): CacheMetric => ({
  name,
  type: 'counter',
  help,
  aggregator: 'sum',
  values,
});

const gauge = (name: string, help: string, value: (stats: CacheStats) => number, aggregator: 'sum' | 'min' = 'sum'): CacheMetric => ({
  name,
  type: 'gauge',
  help,
  aggregator,
  values: (stats) => [[{}, value(stats)]],
});

/** The one table of what is exported of caches. */
const CACHE_METRICS: readonly CacheMetric[] = [
  counter(
    'cache_requests_total',
    'Callers, by the deciding tier and the result: hit, miss (loaded), coalesced (shared a loading), bypassed (not proven fresh).',
    ({ hits, misses, coalesced, bypassed }) => [
      [{ tier: 'memory', result: 'hit' }, hits.memory],
      [{ tier: 'redis', result: 'hit' }, hits.redis],
      [{ tier: 'database', result: 'miss' }, misses],
      [{ tier: 'memory', result: 'coalesced' }, coalesced],
      [{ tier: 'database', result: 'bypassed' }, bypassed],
    ],
  ),
  counter('cache_stale_total', 'Hits that were served after their ttl while a caller reloads them.', ({ stale }) => [[{}, stale]]),
  counter('cache_loads_total', 'Loaders that have ended, by outcome.', ({ latency, loadErrors }) => [
    [{ outcome: 'loaded' }, latency.load.count - loadErrors],
    [{ outcome: 'failed' }, loadErrors],
  ]),
  counter('cache_stores_total', 'Values that were stored, by tier.', ({ stores }) => [
    [{ tier: 'memory' }, stores.memory],
    [{ tier: 'redis' }, stores.redis],
  ]),
  counter('cache_not_stored_total', 'Values that were not stored, by reason: invalidated while they were loaded, or refused.', (stats) => [
    [{ reason: 'invalidated' }, stats.discarded],
    [{ reason: 'refused' }, stats.refused],
  ]),
  counter('cache_evictions_total', 'Values that were dropped from memory to make room.', ({ evictions }) => [[{}, evictions]]),
  counter('cache_invalidations_total', 'Invalidations by this process.', ({ invalidations }) => [[{}, invalidations]]),
  counter('cache_redis_errors_total', 'Failures of Redis, by kind.', ({ redis }) =>
    redis === undefined ? [] : Object.entries(redis.errors).map(([kind, count]) => [{ kind }, count]),
  ),
  gauge('cache_entries', 'Values in memory.', ({ entries }) => entries),
  gauge('cache_bytes', 'Size of the values in memory, in bytes.', ({ bytes }) => bytes),
  gauge('cache_live', 'Whether the cache serves: 0 while it may have missed an invalidation.', isLive, 'min'),
  gauge('cache_invalidation_backlog', 'Invalidations that have not yet been sent to other processes.', ({ redis }) => redis?.backlog ?? 0),
  counter('cache_tier_seconds_total', 'Measured time in each tier. In memory, one hit in 64 is measured.', ({ latency }) => [
    [{ tier: 'memory' }, latency.memory.sumMs / 1000],
    [{ tier: 'redis' }, latency.redis.sumMs / 1000],
    [{ tier: 'database' }, latency.load.sumMs / 1000],
  ]),
  counter('cache_tier_measured_total', 'How often time was measured in each tier.', ({ latency }) => [
    [{ tier: 'memory' }, latency.memory.count],
    [{ tier: 'redis' }, latency.redis.count],
    [{ tier: 'database' }, latency.load.count],
  ]),
];

/** The metrics of the caches of all these pools; one that several pools share is counted once. */
export function cacheMetrics(source: PoolSource, prefix: string): CollectedMetric[] {
  const pools = poolReader(source);
  const cachesByName = (): ReadonlyMap<string, QueryCache> => {
    const caches = new Set([...pools().values()].flatMap(({ cache }) => (cache === undefined ? [] : [cache])));
    const named = new Map<string, QueryCache>();
    for (const cache of caches) named.set(uniqueIn(named, cache.name), cache);
    return named;
  };
  return CACHE_METRICS.map(
    ({ values, ...metric }) =>
      new CollectedMetric({ ...metric, name: prefix + metric.name }, () =>
        [...cachesByName()].flatMap(([name, cache]) =>
          values(cache.stats()).map(([labels, value]) => ({ labels: { cache: name, ...labels }, value })),
        ),
      ),
  );
}

function isLive({ redis }: CacheStats): number {
  return redis === undefined || redis.live ? 1 : 0;
}

/** Labels must be unique. */
function uniqueIn(named: ReadonlyMap<string, unknown>, wanted: string): string {
  let name = wanted;
  for (let number = 2; named.has(name); number += 1) name = `${wanted}#${number}`;
  return name;
}
