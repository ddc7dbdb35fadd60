/** What the procedures and the probes answer. */

import type { Health, HealthCheck, SlowQueryReport } from '../../mysql/index.js';
import type { ReportedBreaker } from '../../telemetry/index.js';
import type { ShownCache, ShownFleet, ShownStats, ShownTopology } from '../live/index.js';
import type { LivePoint } from '../points/index.js';
import type { Incident, PoolVerdict } from '../verdict/index.js';

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
  /** What is wrong, since when, how many callers it has failed, what holds it up, and what to do: what the dashboard shows. */
  readonly verdict: PoolVerdict;
}

/** The answer of `monitoring.incidents`. */
export interface IncidentsReport {
  /** Whether there is a pool. */
  readonly available: boolean;
  /** The last one first: at most 50 of the last day, and those that last. In memory only. */
  readonly incidents: readonly Incident[];
}

/** The answer of `monitoring.history`. All times are in milliseconds since 1970. */
export interface HistoryReport {
  /** The pool that was meant; null: there is none. */
  readonly pool: string | null;
  /** The range that the answer is about. */
  readonly from: number;
  readonly to: number;
  /** About how long each point covers, in milliseconds: the time before its `at`. */
  readonly resolutionMs: number;
  /** The oldest first, at most as many as were asked for. Counts add up; of the rest the worst moment is shown. */
  readonly points: readonly LivePoint[];
  /** Those that lasted for any part of the range, the last one first. */
  readonly incidents: readonly Incident[];
  /** From when on points are kept; null: there is none yet. */
  readonly keptFrom: number | null;
}

/** What `monitoring.history` is asked for. All times are in milliseconds since 1970. */
export interface HistoryQuestion {
  /** Default: the first pool. */
  readonly pool?: string | undefined;
  /** Default: a day before `to`. */
  readonly from?: number | undefined;
  /** Default: now. */
  readonly to?: number | undefined;
  /** At most so many points: 1 to 1 000. Default: 300. */
  readonly most?: number | undefined;
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
  readonly verdict: PoolVerdict;
}

/** Whether requests may be sent to this process. */
export interface ReadinessReport {
  readonly ready: boolean;
  readonly pools: readonly PoolReadiness[];
}

/** Of a process without a pool. */
export const NO_POOL_HEALTH: PoolHealthReport = {
  healthy: false,
  status: 'unhealthy',
  activeConnections: 0,
  idleConnections: 0,
  waitingClients: 0,
  poolUtilization: 0,
  message: 'there is no pool',
  poolType: 'application',
  checks: [],
  verdict: {
    status: 'unhealthy',
    cause: null,
    headline: 'There is no pool.',
    details: [],
    advice: null,
    since: null,
    callersFailed: 0,
    failingPerSecond: 0,
    holders: [],
  },
};
