/** Answers questions about pools, caches, breakers and PgBouncer, and acts on pools. */

import { randomUUID } from 'node:crypto';
import type * as PromClient from 'prom-client';
import { requirePeer } from '../../packages/index.js';
import { type Health, type HealthCheck, type SlowQueryOrder, type SlowQueryReport, utilizationOf } from '../../mysql/index.js';
import { type PgBouncerProbe, type PgBouncerReport, preparePgBouncerProbe } from '../../probes/index.js';
import {
  addBreakers,
  type BreakerReader,
  breakerReader,
  type BreakerSource,
  DEFAULT_PREFIX,
  type ListedBreaker,
  type MetricsRegistry,
  type ObservedBreaker,
  type ObservedPool,
  type PoolReader,
  poolReader,
  registerMetrics,
  type ReportedBreaker,
  reportOf,
} from '../../telemetry/index.js';
import { pgbouncerMetrics, ProbeGuard } from '../pgbouncer/index.js';
import { type MonitoringOptions, resolveProbe } from './monitoring-options.js';
import {
  type Action,
  type ActionRecord,
  Actions,
  type BreakerAction,
  isCluster,
  isInFleet,
  LiveFeed,
  type LiveSnapshot,
  NotThere,
  ownHealth,
  poolsOfReplicas,
  processFacts,
  type ShownCache,
  shownCache,
  type ShownFleet,
  shownFleet,
  type ShownStats,
  shownStats,
  type ShownTopology,
  shownTopology,
  wholeHealth,
} from '../live/index.js';
import { type ProcessReport, SharedCall } from '../peers/index.js';

const { Registry } = requirePeer('prom-client', 'poolwright/trpc') as typeof PromClient;

/** The answer of `monitoring.connectionPoolHealth`. */
export interface PoolHealthReport {
  readonly healthy: boolean;
  /** `unhealthy`: it cannot serve. `degraded`: it serves, but an operator should look. */
  readonly status: Health['status'];
  readonly activeConnections: number;
  readonly idleConnections: number;
  readonly waitingClients: number;
  /** Connections in use, in percent of the limit: 0 to 100. */
  readonly poolUtilization: number;
  /** The reasons in words; when all is well, the use. */
  readonly message: string;
  readonly poolType: 'application';
  readonly checks: readonly HealthCheck[];
}

/** The answer of `monitoring.connectionPoolStats`. */
export interface PoolStatsReport {
  /** Whether there is a pool. */
  readonly available: boolean;
  readonly stats: ShownStats | null;
}

/** The answer of `monitoring.connectionPoolMetrics`. */
export interface PoolMetricsReport {
  /** Prometheus' text format. */
  readonly metrics: string;
  readonly contentType: string;
}

/** The answer of `monitoring.cacheStats`. */
export interface CacheStatsReport {
  /** Whether there is a pool, and it has a cache. */
  readonly available: boolean;
  readonly name: string | null;
  readonly stats: ShownCache['stats'] | null;
}

/** The answer of `monitoring.topology`. */
export interface TopologyReport {
  /** Whether there is a pool, and it is a cluster. */
  readonly available: boolean;
  readonly topology: ShownTopology | null;
}

/** The answer of `monitoring.fleet`. */
export interface FleetReport {
  /** Whether there is a pool, and it is in a fleet. */
  readonly available: boolean;
  readonly fleet: ShownFleet | null;
}

/** The answer of `monitoring.slowQueries`. */
export interface SlowQueryAnswer extends SlowQueryReport {
  /** Whether there is a pool. */
  readonly available: boolean;
}

/** The answer of `monitoring.circuitBreakers`. */
export interface BreakersReport {
  readonly breakers: readonly ReportedBreaker[];
}

/** Whether a pool can serve. */
export interface PoolReadiness {
  readonly pool: string;
  readonly status: Health['status'];
  /** The checks that did not pass. */
  readonly problems: readonly HealthCheck[];
}

/** Whether requests may be sent to this process. */
export interface ReadinessReport {
  readonly ready: boolean;
  readonly pools: readonly PoolReadiness[];
}

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
    if (probe !== undefined) this.#registerPgBouncer(() => this.#probe.get());
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
    const health = wholeHealth(await ownHealth(pool, deep ? this.#deepHealth(pool) : pool.health()), this.#breakers());
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
    };
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

  /** Keeps the last minutes for later listeners, until `stop()`. */
  keepHistory(): void {
    this.#feed.keep();
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
    const observed = [...this.#pools().values()];
    const ofReplicas = poolsOfReplicas(observed);
    const pools = await Promise.all(observed.map((pool) => readinessOf(pool, ofReplicas.has(pool))));
    return { ready: pools.length > 0 && pools.every(({ status }) => status !== 'unhealthy'), pools };
  }

  /** This process, and the state of its pools, in short. */
  async process(): Promise<ProcessReport> {
    const breakers = this.#breakers();
    const observed = [...this.#pools().values()];
    const ofReplicas = poolsOfReplicas(observed);
    const pools = await Promise.all(
      observed.map(async (pool) => {
        const { used, limit, waiting } = pool.summary();
        const { status } = wholeHealth(await pool.health(), breakers);
        return { name: pool.name, status: atWorst(status, ofReplicas.has(pool)), used, limit, waiting };
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

  async #deepHealth(pool: ObservedPool): Promise<Health> {
    let check = this.#deepChecks.get(pool);
    if (check === undefined) {
      check = new SharedCall(() => pool.health({ deep: true }));
      this.#deepChecks.set(pool, check);
    }
    return await check.get();
  }

  #registerPgBouncer(probe: PgBouncerProbe): void {
    for (const metric of pgbouncerMetrics(`${DEFAULT_PREFIX}pgbouncer_`, probe)) {
      if (this.#registry.getSingleMetric(metric.name) === undefined) this.#registry.registerMetric(metric.asMetric());
    }
  }
}

const NO_POOL_HEALTH: PoolHealthReport = Object.freeze({
  healthy: false,
  status: 'unhealthy',
  activeConnections: 0,
  idleConnections: 0,
  waitingClients: 0,
  poolUtilization: 0,
  message: 'there is no pool',
  poolType: 'application',
  checks: [],
});

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

async function readinessOf(pool: ObservedPool, ofReplica: boolean): Promise<PoolReadiness> {
  const { status, checks } = await ownHealth(pool);
  return { pool: pool.name, status: atWorst(status, ofReplica), problems: checks.filter((check) => check.status !== 'pass') };
}

/** A replica that fails leaves its cluster degraded. */
function atWorst(status: Health['status'], ofReplica: boolean): Health['status'] {
  return ofReplica && status === 'unhealthy' ? 'degraded' : status;
}
