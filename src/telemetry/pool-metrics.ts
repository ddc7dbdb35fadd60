/** The metrics of pools and breakers, as one table. */

import { queueMicrotask } from '../engine/waiting/index.js';
import type { DurationCounts } from '../engine/index.js';
import type { PoolStats, RetryCounts } from '../mysql/index.js';
import type { BreakerSnapshot, BreakerState } from '../resilience/breaker/index.js';
import { type BreakerReader, type BreakerSource, breakerReader, reportOf } from './breaker-source.js';
import { withNodePools } from './cluster-source.js';
import { CollectedMetric, type MetricDescription, type MetricsRegistry, type Sample } from './collected-metric.js';
import { type ObservedPool, type PoolSource, poolReader } from './pool-source.js';

/** What the names of the metrics start with. */
export const DEFAULT_PREFIX = 'poolwright_';

/**
 * Upper bounds of the histograms' buckets, in milliseconds. Steps of at most 2.5, as in prom-client's and Prometheus' own defaults, so
 * that an estimated percentile is never off by more. From 0.1 ms, below which an acquire was served by an idle connection and a query
 * is not slow, to the 30 s after which an acquire times out by default. Two significant digits of microseconds, so that they are edges
 * of the pool's own buckets and the counts are exact.
 */
export const DURATION_BOUNDS_MS: readonly number[] = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
];

type Labels = Readonly<Record<string, string>>;

/** A metric of each pool: its values, with their labels but the pool's name. */
interface PoolMetric extends MetricDescription {
  readonly values: (stats: PoolStats) => readonly (readonly [Labels, number])[];
}

const CONNECTION_STATES = ['idle', 'used', 'opening', 'checking', 'closing'] as const;

const gauge = (name: string, help: string, value: (stats: PoolStats) => number, aggregator: 'sum' | 'max' = 'sum'): PoolMetric => ({
  name,
  type: 'gauge',
  help,
  aggregator,
  values: (stats) => [[{}, value(stats)]],
});

const counter = (name: string, help: string, values: PoolMetric['values']): PoolMetric => ({
  name,
  type: 'counter',
  help,
  aggregator: 'sum',
  values,
});

const byLabel = (label: string, counts: Readonly<Record<string, number>>): [Labels, number][] =>
  Object.entries(counts).map(([value, count]) => [{ [label]: value }, count]);

const outcomesOf = (kind: string, { recovered, exhausted, overBudget }: RetryCounts): [Labels, number][] =>
  byLabel('outcome', { recovered, exhausted, over_budget: overBudget }).map(([labels, count]) => [{ kind, ...labels }, count]);

/** The one table of what is exported; docs and dashboards are made from its names. */
const POOL_METRICS: readonly PoolMetric[] = [
  {
    name: 'connections',
    type: 'gauge',
    help: 'Connections by state: idle, used (lent), opening, checking (being validated or cleaned), and closing.',
    aggregator: 'sum',
    values: (stats) => CONNECTION_STATES.map((state) => [{ state }, stats[state]]),
  },
  gauge('connections_limit', 'The most connections that may be open now.', (stats) => stats.limit),
  gauge(
    'connections_limit_configured',
    'The most connections that connectionLimit allows. If it is a range, its maximum.',
    (stats) => stats.connectionLimit,
  ),
  gauge('waiters', 'Acquires that are waiting for a connection.', (stats) => stats.waiting),
  // An acquire is in the histogram when it has ended. While a pool is stuck none ends, and without acquireTimeout none ever times out.
  gauge('longest_wait_seconds', 'How long the first waiting acquire has been waiting.', (stats) => stats.longestWaitMs / 1000, 'max'),
  counter('acquires_total', 'Acquires that have ended, by outcome: acquired, timed_out, cancelled, or refused.', (stats) => [
    [{ outcome: 'acquired' }, stats.acquired],
    [{ outcome: 'timed_out' }, stats.timedOut],
    [{ outcome: 'cancelled' }, stats.cancelled],
    [{ outcome: 'refused' }, stats.refused],
  ]),
  counter(
    'sheds_total',
    'Acquires that were refused so that others do not wait longer than waitTarget. They count as refused, too.',
    (stats) => [[{}, stats.shed]],
  ),
  counter('connections_opened_total', 'Connections that were opened.', (stats) => [[{}, stats.opened]]),
  counter('connections_closed_total', 'Connections that were closed, by reason.', (stats) => byLabel('reason', stats.closedByReason)),
  counter('connect_errors_total', "Failures to open a connection, by the server's error number or the system's code.", (stats) =>
    byLabel('errno', stats.connectErrorsByCode),
  ),
  counter('leaks_total', 'Lent connections that ran no statement for longer than leakDetectionThreshold.', (stats) => [[{}, stats.leaks]]),
  counter('pings_total', 'Validations that were answered.', (stats) => [[{}, stats.pings]]),
  counter('resets_total', 'Sessions that were reset before they were lent again.', (stats) => [[{}, stats.resets]]),
  counter('kills_total', 'Statements that were killed on the server because they were too slow or their callers aborted them.', (stats) => [
    [{}, stats.kills],
  ]),
  counter('query_errors_total', 'Statements that the server answered with an error, by error number.', (stats) =>
    byLabel('errno', stats.queryErrorsByErrno),
  ),
  counter(
    'retries_total',
    'Work that was run again, by kind: transactions after a deadlock or a similar error, statements after they lost their connection.',
    (stats) => [
      [{ kind: 'transaction' }, stats.retries],
      [{ kind: 'statement' }, stats.statementRetries.retried],
    ],
  ),
  counter(
    'retry_outcomes_total',
    'Work that was run again, or could have been, by kind and outcome: recovered, exhausted (failed after its last run), or over_budget (not run again).',
    ({ transactionRetries, statementRetries }) => [
      ...outcomesOf('transaction', transactionRetries),
      ...outcomesOf('statement', statementRetries),
    ],
  ),
];

const HISTOGRAMS = [
  ['acquire', 'Time from acquire to lease, for acquires that got a connection.'],
  ['use', 'Time from lease to release.'],
  ['connect', 'Time to open a connection.'],
  ['query', 'Time that the server took to answer statements.'],
] as const;

/** The worst state has the highest number. */
const STATE_NUMBERS: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2, isolated: 3 };

/** A metric of each breaker: its values, with their labels but the breaker's. */
interface BreakerMetric extends MetricDescription {
  readonly values: (snapshot: BreakerSnapshot) => readonly (readonly [Labels, number])[];
}

const BREAKER_METRICS: readonly BreakerMetric[] = [
  {
    name: 'breaker_state',
    type: 'gauge',
    help: 'State of a circuit breaker: 0 closed, 1 half-open, 2 open, 3 isolated.',
    aggregator: 'max',
    values: ({ state }) => [[{}, STATE_NUMBERS[state]]],
  },
  {
    name: 'breaker_transitions_total',
    type: 'counter',
    help: 'How often a circuit breaker has entered each state.',
    aggregator: 'sum',
    values: ({ transitions }) => byLabel('to', transitions),
  },
  {
    name: 'breaker_calls_total',
    type: 'counter',
    help: 'Calls that a circuit breaker has counted, by outcome: success, failure, or refused.',
    aggregator: 'sum',
    values: ({ successes, failures, refused }) => byLabel('outcome', { success: successes, failure: failures, refused }),
  },
  {
    name: 'breaker_slow_calls_total',
    type: 'counter',
    help: 'Calls that took longer than the slowCallTime of their circuit breaker.',
    aggregator: 'sum',
    values: ({ slowCalls }) => [[{}, slowCalls]],
  },
];

/** Reads each pool once a scrape: prom-client reads all metrics in one turn of the event loop. */
function sharedStats(): (pool: ObservedPool) => PoolStats {
  const looked = new Map<ObservedPool, PoolStats>();
  return (pool) => {
    if (looked.size === 0) queueMicrotask(() => looked.clear());
    const stats = looked.get(pool) ?? pool.stats();
    looked.set(pool, stats);
    return stats;
  };
}

/** The metrics of all these pools, and of breakers that belong to no pool. */
export function poolMetrics(source: PoolSource, prefix: string, breakers: BreakerSource = []): CollectedMetric[] {
  const pools = withNodePools(poolReader(source));
  const listed = breakerReader(pools, breakers);
  const statsOf = sharedStats();
  const ofEach = (samples: (pool: ObservedPool) => readonly Sample[]): Sample[] => [...pools().values()].flatMap(samples);
  return [
    ...POOL_METRICS.map(
      ({ values, ...metric }) =>
        new CollectedMetric({ ...metric, name: prefix + metric.name }, () =>
          ofEach((pool) => values(statsOf(pool)).map(([labels, value]) => ({ labels: { pool: pool.name, ...labels }, value }))),
        ),
    ),
    ...BREAKER_METRICS.map(
      (metric) => new CollectedMetric({ ...metric, name: prefix + metric.name }, () => breakerSamples(metric, listed)),
    ),
    ...HISTOGRAMS.map(
      ([which, help]) =>
        new CollectedMetric({ name: `${prefix}${which}_seconds`, type: 'histogram', help, aggregator: 'sum' }, (name) =>
          ofEach((pool) => histogramSamples(name, pool, which)),
        ),
    ),
  ];
}

function breakerSamples({ values }: BreakerMetric, listed: BreakerReader): Sample[] {
  return listed().flatMap((one) => {
    const whose = { ...(one.pool === null ? {} : { pool: one.pool }), breaker: one.name };
    return values(reportOf(one)).map(([labels, value]) => ({ labels: { ...whose, ...labels }, value }));
  });
}

/** Shows these breakers, too, in a registry that has the metrics of pools already. */
export function addBreakers(registry: Pick<MetricsRegistry, 'getSingleMetric'>, listed: BreakerReader, prefix: string): void {
  for (const metric of BREAKER_METRICS) {
    const registered: unknown = registry.getSingleMetric(prefix + metric.name);
    if (registered instanceof CollectedMetric) registered.alsoFrom(() => breakerSamples(metric, listed));
  }
}

function histogramSamples(name: string, pool: ObservedPool, which: (typeof HISTOGRAMS)[number][0]): Sample[] {
  return samplesOfDurations(name, { pool: pool.name }, pool.durationCounts(which, DURATION_BOUNDS_MS));
}

/** The lines of a histogram with the buckets of {@link DURATION_BOUNDS_MS}. */
export function samplesOfDurations(name: string, labels: Labels, { count, sumMs, cumulative }: DurationCounts): Sample[] {
  const bucket = (le: number | string, value: number): Sample => ({ labels: { ...labels, le }, value, metricName: `${name}_bucket` });
  return [
    ...DURATION_BOUNDS_MS.map((bound, index) => bucket(bound / 1000, cumulative[index] as number)),
    bucket('+Inf', count),
    { labels, value: sumMs / 1000, metricName: `${name}_sum` },
    { labels, value: count, metricName: `${name}_count` },
  ];
}
