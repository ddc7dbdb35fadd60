/** Metrics of PgBouncer, made from what its admin console answers. */

import type { PgBouncerReport, PgBouncerRow } from '../../probes/index.js';
import { CollectedMetric, type MetricDescription, type Sample } from '../../telemetry/index.js';

/** A metric of PgBouncer: what the columns of its console say, in seconds. */
interface PgBouncerMetric extends MetricDescription {
  readonly samples: (report: PgBouncerReport) => readonly Sample[];
}

/** PgBouncer makes a pool for each pair of database and user. Pools beyond this number are left out. */
const MOST_ROWS = 50;

const CLIENT_STATES = { active: 'cl_active', waiting: 'cl_waiting' } as const;
const SERVER_STATES = { active: 'sv_active', idle: 'sv_idle', used: 'sv_used', tested: 'sv_tested', login: 'sv_login' } as const;

const METRICS: readonly PgBouncerMetric[] = [
  {
    name: 'up',
    type: 'gauge',
    help: 'Whether PgBouncer answered on its admin console.',
    aggregator: 'min',
    samples: ({ available }) => [{ labels: {}, value: available ? 1 : 0 }],
  },
  {
    name: 'clients',
    type: 'gauge',
    help: "Clients of PgBouncer's pools, by state: active (linked to a server connection) and waiting for one.",
    aggregator: 'max',
    samples: ({ pools }) => byState(pools, CLIENT_STATES),
  },
  {
    name: 'servers',
    type: 'gauge',
    help: "Server connections of PgBouncer's pools, by state: active, idle, used, tested and login.",
    aggregator: 'max',
    samples: ({ pools }) => byState(pools, SERVER_STATES),
  },
  {
    name: 'max_wait_seconds',
    type: 'gauge',
    help: "How long the first client in the queues of PgBouncer's pools has been waiting.",
    aggregator: 'max',
    samples: ({ pools }) =>
      rows(pools).map((row) => ({ labels: poolOf(row), value: numberIn(row, 'maxwait') + numberIn(row, 'maxwait_us') / 1e6 })),
  },
  total('queries_total', 'Statements that PgBouncer has forwarded.', 'total_query_count', 1),
  total('transactions_total', 'Transactions that PgBouncer has forwarded.', 'total_xact_count', 1),
  total('wait_seconds_total', 'Total time that clients have waited for a server connection of PgBouncer.', 'total_wait_time', 1e-6),
];

/** @param prefix what the names start with, with 'pgbouncer_' */
export function pgbouncerMetrics(prefix: string, probe: () => Promise<PgBouncerReport>): CollectedMetric[] {
  return METRICS.map(
    ({ samples, ...metric }) => new CollectedMetric({ ...metric, name: prefix + metric.name }, async () => samples(await probe())),
  );
}

/** A counter of SHOW STATS. PgBouncer counts times in microseconds. */
function total(name: string, help: string, column: string, factor: number): PgBouncerMetric {
  return {
    name,
    type: 'counter',
    help,
    aggregator: 'max',
    samples: ({ stats }) =>
      rows(stats).map((row) => ({ labels: { database: String(row['database']) }, value: numberIn(row, column) * factor })),
  };
}

function byState(pools: readonly PgBouncerRow[], states: Readonly<Record<string, string>>): Sample[] {
  return rows(pools).flatMap((row) =>
    Object.entries(states).map(([state, column]) => ({ labels: { ...poolOf(row), state }, value: numberIn(row, column) })),
  );
}

function rows(all: readonly PgBouncerRow[]): readonly PgBouncerRow[] {
  return all.slice(0, MOST_ROWS);
}

function poolOf(row: PgBouncerRow): { readonly database: string; readonly user: string } {
  return { database: String(row['database']), user: String(row['user']) };
}

/** A version that lacks the column has nothing to count. */
function numberIn(row: PgBouncerRow, column: string): number {
  const value = Number(row[column] ?? 0);
  return Number.isFinite(value) ? value : 0;
}
