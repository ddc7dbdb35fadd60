/** The panel of a pool's cache. */

import type { ReactNode } from 'react';
import type { CachePoint } from '../../../src/monitor/points/index.js';
import type { LivePool, LiveSnapshot } from '../../../src/monitor/live/index.js';
import type { LivePoint } from '../../../src/monitor/points/index.js';
import { Chart } from '../chart.js';
import { amount, bytes, duration, percent } from '../format.js';
import { useTimeline } from '../timeline.js';
import { BYTES, MILLISECONDS, PER_SECOND, PERCENT } from '../units.js';
import { Facts, Panel } from './panel.js';

interface CacheProps {
  readonly pool: LivePool;
  readonly snapshot: LiveSnapshot;
}

type Count = 'hitsMemory' | 'hitsRedis' | 'stale' | 'misses' | 'coalesced' | 'bypassed' | 'evictions' | 'invalidations' | 'errors';
type Tier = 'memoryMs' | 'redisMs' | 'loadMs';

const ANSWERED = ['hitsMemory', 'hitsRedis', 'coalesced', 'misses', 'bypassed'] as const satisfies readonly Count[];

export function Cache({ pool, snapshot }: CacheProps) {
  const { frame } = useTimeline();
  const { cache } = pool;
  if (cache === null) return null;
  const { stats } = cache;
  const { redis, latency } = stats;
  const breaker = snapshot.breakers.find((one) => one.name === 'cache' && one.pool === pool.name);
  const groups = frame.groups.map((group) => group.flatMap(({ cache: point }) => point ?? []));
  const of = <T,>(read: (points: readonly CachePoint[], group: readonly LivePoint[]) => T): T[] =>
    groups.map((points, index) => read(points, frame.groups[index] as readonly LivePoint[]));
  const shareOf = (...counts: Count[]): (number | null)[] =>
    of((points) => {
      const all = totalOf(points, ...ANSWERED);
      return all === 0 ? null : (totalOf(points, ...counts) / all) * 100;
    });
  const perSecond = (count: Count): number[] =>
    of((points, group) => totalOf(points, count) / Math.max(1, group.reduce((sum, { sinceMs }) => sum + sinceMs, 0) / 1_000));
  const meanOf = (tier: Tier): (number | null)[] => of((points) => mean(points.flatMap((point) => point[tier] ?? [])));
  const all = groups.flat();
  const asked = totalOf(all, ...ANSWERED);
  const hits = totalOf(all, 'hitsMemory', 'hitsRedis');
  return (
    <Panel title={`Cache ${cache.name}`} wide>
      {redis !== null && !redis.live ? (
        <p className="problem">The cache serves nothing now, because it may have missed an invalidation. All reads go to the database.</p>
      ) : null}
      <dl className="figures">
        <Figure name="hits, in the time shown" value={percent(hits, asked)} />
        <Figure name="values in memory" value={amount(stats.entries)} />
        <Figure name="size in memory" value={bytes(stats.bytes)} />
        <Figure name="loading now" value={amount(stats.loading)} />
        <Figure
          name="Redis"
          value={
            redis === null ? (
              'none'
            ) : (
              <span className={`tag breaker-${breaker?.state ?? (redis.asked ? 'closed' : 'open')}`}>
                {breaker === undefined || breaker.state === 'closed' ? (redis.asked ? 'asked' : 'not asked') : `breaker ${breaker.state}`}
              </span>
            )
          }
        />
      </dl>
      <div className="charts">
        <Chart
          title="Who answers, % of callers"
          summary={`${percent(hits, asked)} of callers had their value from the cache in the time shown.`}
          stacked
          most={100}
          unit={PERCENT}
          curves={[
            { label: 'memory', colour: '--used', filled: true, values: shareOf('hitsMemory') },
            { label: 'Redis', colour: '--opening', filled: true, values: shareOf('hitsRedis') },
            { label: 'shared a loading', colour: '--idle', filled: true, values: shareOf('coalesced') },
            { label: 'database', colour: '--checking', filled: true, values: shareOf('misses', 'bypassed') },
          ]}
        />
        <Chart
          title="Mean time of each tier"
          summary={`Memory ${duration(latency.memory.p50Ms)}, Redis ${duration(latency.redis.p50Ms)}, loading ${duration(latency.load.p50Ms)}, by their medians.`}
          unit={MILLISECONDS}
          logarithmic
          curves={[
            { label: 'memory', colour: '--used', values: meanOf('memoryMs') },
            { label: 'Redis', colour: '--opening', values: meanOf('redisMs') },
            { label: 'loading', colour: '--checking', values: meanOf('loadMs') },
          ]}
        />
        <Chart
          title="Size in memory"
          summary={`${bytes(stats.bytes)} in ${amount(stats.entries)} values.`}
          unit={BYTES}
          curves={[{ label: 'size', colour: '--used', filled: true, values: of((points) => points.at(-1)?.bytes ?? 0) }]}
        />
        <Chart
          title="Invalidated and evicted, per second"
          summary={`${amount(totalOf(all, 'errors'))} errors in the time shown.`}
          unit={PER_SECOND}
          curves={[
            { label: 'invalidations', colour: '--opening', values: perSecond('invalidations') },
            { label: 'evictions', colour: '--checking', values: perSecond('evictions') },
            { label: 'served stale', colour: '--idle-line', values: perSecond('stale') },
            { label: 'errors', colour: '--bad', values: perSecond('errors') },
          ]}
        />
      </div>
      <Facts
        rows={[
          ['Hits: memory, Redis', `${amount(stats.hits.memory)}, ${amount(stats.hits.redis)}`],
          ['Loaded, shared a loading', `${amount(stats.misses)}, ${amount(stats.coalesced)}`],
          ['Served stale while loading', amount(stats.stale)],
          ['Sent to the database: not proven fresh', amount(stats.bypassed)],
          ['Invalidations, evictions', `${amount(stats.invalidations)}, ${amount(stats.evictions)}`],
          ['Not stored: invalidated meanwhile; too large, or an object of a class', `${amount(stats.discarded)}, ${amount(stats.refused)}`],
          ['Loaders that failed', amount(stats.loadErrors)],
          ...(redis === null
            ? []
            : ([
                [
                  'Redis errors: timeouts, garbage, refused for lack of room, others',
                  [redis.errors.timeout, redis.errors.garbage, redis.errors.full, redis.errors.other].map(amount).join(', '),
                ],
                ['Invalidations not yet sent to other processes', amount(redis.backlog)],
              ] as const)),
          ['p99: memory, Redis, loading', [latency.memory, latency.redis, latency.load].map(({ p99Ms }) => duration(p99Ms)).join(', ')],
        ]}
      />
    </Panel>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function totalOf(points: readonly CachePoint[], ...counts: Count[]): number {
  return points.reduce((sum, point) => sum + counts.reduce((all, count) => all + point[count], 0), 0);
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
