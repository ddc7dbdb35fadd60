/** Answers questions about pools, caches, breakers and PgBouncer, and acts on pools. */

import { randomUUID } from 'node:crypto';
import type * as PromClient from 'prom-client';
import { PoolError } from '../../engine/index.js';
import { type Health, type SlowQueryOrder, utilizationOf } from '../../mysql/index.js';
import { requirePeer } from '../../packages/index.js';
import { type PgBouncerReport, preparePgBouncerProbe } from '../../probes/index.js';
import {
  addBreakers,
  type BreakerReader,
  breakerReader,
  type BreakerSource,
  type CollectedMetric,
  DEFAULT_PREFIX,
  type ListedBreaker,
  type MetricsRegistry,
  type ObservedBreaker,
  type ObservedPool,
  type PoolReader,
  poolReader,
  registerMetrics,
  reportOf,
} from '../../telemetry/index.js';
import { pgbouncerMetrics, ProbeGuard } from '../pgbouncer/index.js';
import { type MonitoringOptions, resolveProbe } from './monitoring-options.js';
import {
  type BreakersReport,
  type CacheStatsReport,
  type FleetReport,
  type HistoryQuestion,
  type HistoryReport,
  type IncidentsReport,
  NO_POOL_HEALTH,
  type PoolHealthReport,
  type PoolMetricsReport,
  type PoolReadiness,
  type PoolStatsReport,
  type ReadinessReport,
  type SlowQueryAnswer,
  type TopologyReport,
} from './reports.js';
import {
  type Action,
  type ActionRecord,
  Actions,
  type BreakerAction,
  isCluster,
  isInFleet,
  judgedNow,
  LiveFeed,
  type LiveSnapshot,
  NotThere,
  poolsOfReplicas,
  processFacts,
  shownCache,
  shownFleet,
  shownStats,
  shownTopology,
} from '../live/index.js';
import type { HistoryStore } from '../history/index.js';
import { type ProcessReport, SharedCall } from '../peers/index.js';
import { KEPT_MS } from '../points/index.js';
import { type NamedVerdict, verdictMetrics } from './verdict-metrics.js';
import { type PoolVerdict, verdictOn } from '../verdict/index.js';

const { Registry } = requirePeer('prom-client', 'poolwright/trpc') as typeof PromClient;

/** There is no pool of the name that was asked for. */
class UnknownPool extends NotThere {
  constructor(name: string, known: readonly string[]) {
    const others = known.length === 0 ? 'there is no pool' : `there are: ${known.join(', ')}`;
    super('unknown-pool', `There is no pool named '${name}'; ${others}.`);
  }
}

/** There is no breaker of the name that was asked for. */
class UnknownBreaker extends NotThere {
  constructor(name: string, pool: string | null, known: readonly ListedBreaker[]) {
    const names = known.filter((one) => one.pool === pool).map((one) => one.name);
    const whose = pool === null ? 'outside of pools' : `of pool '${pool}'`;
    super(
      'unknown-breaker',
      `There is no breaker '${name}' ${whose}; ${names.length === 0 ? 'there is none' : `there are: ${names.join(', ')}`}.`,
    );
  }
}

/** Callers that ask more often share one answer: each probe is a login. */
const KEEP_PROBE_MS = 1_000;

/** Answers questions about pools and PgBouncer. It does not know by which protocol they came. */
export class Monitoring {
  /** Another one in each process, and each time that a monitoring is made. */
  readonly id = randomUUID();
  readonly #pools: PoolReader;
  readonly #registry: MetricsRegistry;
  readonly #probe: SharedCall<PgBouncerReport>;
  readonly #actions: Actions;
  readonly #feed: LiveFeed;
  readonly #breakers: BreakerReader;
  readonly #deepChecks = new WeakMap<ObservedPool, SharedCall<Health>>();

  /** @throws PoolError `POOL_OPTION_INVALID`; Error `MODULE_NOT_FOUND` when PgBouncer is configured and the package `pg` is missing */
  constructor(options: MonitoringOptions, environment: NodeJS.ProcessEnv) {
    this.#pools = poolReader(options.pools);
    const probe = resolveProbe(options, environment);
    const guard = probe === undefined ? undefined : new ProbeGuard(probe);
    this.#probe = new SharedCall(guard === undefined ? preparePgBouncerProbe() : () => guard.probe(), KEEP_PROBE_MS);
    const breakers = withGuard(options.breakers ?? [], guard);
    this.#breakers = breakerReader(this.#pools, breakers);
    this.#registry = registryWithPools(options, breakers, this.#breakers);
    this.#actions = new Actions((record) => options.onAction?.(record));
    this.#feed = new LiveFeed({
      pools: this.#pools,
      pgbouncer: () => this.#probe.get(),
      breakers: this.#breakers,
      actions: () => this.#actions.records,
    });
    this.#register(verdictMetrics(DEFAULT_PREFIX, () => this.verdicts()));
    if (probe !== undefined) this.#register(pgbouncerMetrics(`${DEFAULT_PREFIX}pgbouncer_`, () => this.#probe.get()));
  }

  /**
   * @param name default: the first pool
   * @param deep also runs a statement, one for all callers that ask at the same time
   * @throws UnknownPool
   */
  async health(name?: string, deep = false): Promise<PoolHealthReport> {
    const pool = this.#pool(name);
    if (pool === undefined) return NO_POOL_HEALTH;
    // Read first: a deep check borrows a connection itself.
    const summary = pool.summary();
    const { health, verdict } = await this.#judge(pool, deep ? this.#deepHealth(pool) : pool.health());
    return {
      healthy: health.healthy,
      status: health.status,
      activeConnections: summary.used,
      idleConnections: summary.idle,
      waitingClients: summary.waiting,
      // While a lowered limit is being worked off, more may be in use than the limit allows.
      poolUtilization: Math.min(100, utilizationOf(summary)),
      message: health.message,
      poolType: 'application',
      checks: health.checks,
      verdict,
    };
  }

  /** @throws UnknownPool */
  incidents(name?: string): IncidentsReport {
    const pool = this.#pool(name);
    if (pool === undefined) return { available: false, incidents: [] };
    return { available: true, incidents: this.#feed.historyOf(pool)?.incidents ?? [] };
  }

  /**
   * What is kept of a pool's last day.
   *
   * @throws UnknownPool; PoolError `POOL_OPTION_INVALID`: the range ends before it begins
   */
  history({ pool: name, to = Date.now(), from = to - KEPT_MS, most = 300 }: HistoryQuestion): HistoryReport {
    if (from >= to) throw new PoolError('POOL_OPTION_INVALID', `from must be before to; they are ${from} and ${to}.`);
    const pool = this.#pool(name);
    const past = pool === undefined ? undefined : this.#feed.historyOf(pool);
    const incidents = past?.incidents.filter(({ begin, end }) => begin <= to && (end ?? to) >= from) ?? [];
    const stretch = past?.read({ from, to, most }) ?? { resolutionMs: 1_000, points: [] };
    return { pool: pool?.name ?? null, from, to, ...stretch, incidents, keptFrom: past?.keptFrom ?? null };
  }

  /** @throws UnknownPool */
  stats(name?: string): PoolStatsReport {
    const pool = this.#pool(name);
    if (pool === undefined) return { available: false, stats: null };
    return { available: true, stats: shownStats(pool) };
  }

  async metrics(): Promise<PoolMetricsReport> {
    return { metrics: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

  /** The breakers of the pools come first. */
  breakers(): BreakersReport {
    return { breakers: this.#breakers().map(reportOf) };
  }

  /**
   * The breaker of this name, to be opened, closed or isolated manually.
   *
   * @param pool null: one that belongs to no pool
   * @throws UnknownBreaker
   */
  breaker(name: string, pool: string | null): ObservedBreaker {
    const listed = this.#breakers();
    const found = listed.find((one) => one.name === name && one.pool === pool);
    if (found === undefined) throw new UnknownBreaker(name, pool, listed);
    return found.breaker;
  }

  async pgbouncer(): Promise<PgBouncerReport> {
    return await this.#probe.get();
  }

  /** @throws UnknownPool */
  cacheStats(name?: string): CacheStatsReport {
    const pool = this.#pool(name);
    const cache = pool === undefined ? null : shownCache(pool);
    return cache === null ? { available: false, name: null, stats: null } : { available: true, ...cache };
  }

  /**
   * @param name default: the first pool that is a cluster
   * @throws UnknownPool
   */
  topology(name?: string): TopologyReport {
    const pool = name === undefined ? [...this.#pools().values()].find(isCluster) : this.#pool(name);
    const topology = pool === undefined ? null : shownTopology(pool);
    return { available: topology !== null, topology };
  }

  /**
   * @param name default: the first pool that is in a fleet
   * @throws UnknownPool
   */
  fleet(name?: string): FleetReport {
    const pool = name === undefined ? [...this.#pools().values()].find(isInFleet) : this.#pool(name);
    const fleet = pool === undefined ? null : shownFleet(pool);
    return { available: fleet !== null, fleet };
  }

  /** @throws UnknownPool */
  slowQueries(name?: string, limit = 20, orderBy: SlowQueryOrder = 'total'): SlowQueryAnswer {
    const pool = this.#pool(name);
    if (pool === undefined) return { available: false, windowMs: 0, totalMs: 0, queries: [] };
    return { available: true, ...pool.slowQueries({ limit, orderBy }) };
  }

  /** A message now, and one each second until the signal aborts; see {@link LiveFeed}. */
  live(signal: AbortSignal | undefined, after?: number): AsyncGenerator<LiveSnapshot, void, void> {
    return this.#feed.listen(signal, after);
  }

  /**
   * Keeps the last day, until `stop()`.
   *
   * @param store where it is kept for the next process; default: nowhere
   */
  keepHistory(store?: HistoryStore): void {
    this.#feed.keep(store);
  }

  stop(): void {
    this.#feed.stop();
  }

  /** @throws UnknownPool; NoCache; PoolError what the pool says */
  async act(name: string, action: Action, by: string): Promise<void> {
    const pool = this.#pool(name);
    if (pool !== undefined) await this.#actions.runOnPool(pool, action, by);
  }

  /**
   * @param pool null: the breaker belongs to none
   * @throws UnknownBreaker
   */
  async actOnBreaker(pool: string | null, action: BreakerAction, by: string): Promise<void> {
    await this.#actions.runOnBreaker(this.breaker(action.breaker, pool), pool, action, by);
  }

  /** What operators have done, the last first. */
  actions(): readonly ActionRecord[] {
    return this.#actions.records;
  }

  /**
   * Ready: there is a pool, and each can serve. A process whose last pool is closed is about to end. A replica of a cluster that cannot be reached
   * makes no process unready: the others, or the writer, serve the reads.
   */
  async readiness(): Promise<ReadinessReport> {
    const pools = await Promise.all([...this.#pools().values()].map((pool) => this.#readinessOf(pool)));
    return { ready: pools.length > 0 && pools.every(({ status }) => status !== 'unhealthy'), pools };
  }

  /** The verdict on each pool. One that cannot be judged is left out: whether the process is up does not depend on it. */
  async verdicts(): Promise<readonly NamedVerdict[]> {
    const judged = [...this.#pools().values()].map(async (pool) => ({ pool: pool.name, verdict: (await this.#judge(pool)).verdict }));
    return (await Promise.allSettled(judged)).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }

  /** This process, and the state of its pools, in short. */
  async process(): Promise<ProcessReport> {
    const pools = await Promise.all(
      [...this.#pools().values()].map(async (pool) => {
        const { used, limit, waiting } = pool.summary();
        const { status, headline } = (await this.#judge(pool)).verdict;
        return { name: pool.name, status, headline, used, limit, waiting };
      }),
    );
    return { id: this.id, ...processFacts(), pools };
  }

  #pool(name: string | undefined): ObservedPool | undefined {
    const pools = this.#pools();
    if (name === undefined) return pools.values().next().value;
    const pool = pools.get(name);
    if (pool === undefined) throw new UnknownPool(name, [...pools.keys()]);
    return pool;
  }

  /** The one judgement on a pool, for all that ask. */
  async #judge(pool: ObservedPool, own?: Promise<Health>): Promise<{ readonly health: Health; readonly verdict: PoolVerdict }> {
    const surroundings = { breakers: this.#breakers(), ofReplicas: poolsOfReplicas(this.#pools().values()) };
    const judged = await judgedNow(pool, surroundings, own);
    const past = this.#feed.historyOf(pool) ?? { points: [], incidents: [] };
    return { health: judged.health, verdict: verdictOn(judged, past, Date.now()) };
  }

  async #readinessOf(pool: ObservedPool): Promise<PoolReadiness> {
    const { health, verdict } = await this.#judge(pool);
    return { pool: pool.name, status: health.status, problems: health.checks.filter(({ status }) => status !== 'pass'), verdict };
  }

  async #deepHealth(pool: ObservedPool): Promise<Health> {
    let check = this.#deepChecks.get(pool);
    if (check === undefined) {
      check = new SharedCall(() => pool.health({ deep: true }));
      this.#deepChecks.set(pool, check);
    }
    return await check.get();
  }

  #register(metrics: readonly CollectedMetric[]): void {
    for (const metric of metrics) {
      if (this.#registry.getSingleMetric(metric.name) === undefined) this.#registry.registerMetric(metric.asMetric());
    }
  }
}

function registryWithPools({ pools, registry }: MonitoringOptions, breakers: BreakerSource, listed: BreakerReader): MetricsRegistry {
  if (registry === undefined) return registerMetrics<MetricsRegistry>({ pools, breakers }, () => new Registry());
  if (registry.getSingleMetric(`${DEFAULT_PREFIX}connections`) === undefined)
    return registerMetrics({ pools, breakers, registry }, () => registry);
  addBreakers(registry, listed, DEFAULT_PREFIX);
  return registry;
}

function withGuard(source: BreakerSource, guard: ProbeGuard | undefined): BreakerSource {
  if (guard === undefined) return source;
  return () => [...(typeof source === 'function' ? source() : source), guard.breaker];
}
