/** The metrics of clusters, as one table. */

import type { ReadReason, Topology, TopologyNode } from '../cluster/index.js';
import { clusterIn, type ObservedCluster } from './cluster-source.js';
import { CollectedMetric, type MetricDescription } from './collected-metric.js';
import { DURATION_BOUNDS_MS, samplesOfDurations } from './pool-metrics.js';
import { type PoolSource, poolReader } from './pool-source.js';

type Labels = Readonly<Record<string, string>>;

/** A metric of each cluster: its values, with their labels but the cluster's name. */
interface ClusterMetric extends MetricDescription {
  readonly values: (cluster: ObservedCluster) => readonly (readonly [Labels, number])[];
}

/** This many nodes of a cluster have series of their own: those that are listed first, which are the ones that were given. */
const MOST_NODES = 100;

const gauge = (name: string, help: string, aggregator: 'max' | 'min', values: ClusterMetric['values']): ClusterMetric => ({
  name,
  type: 'gauge',
  help,
  aggregator,
  values,
});

const counter = (name: string, help: string, values: ClusterMetric['values']): ClusterMetric => ({
  name,
  type: 'counter',
  help,
  aggregator: 'sum',
  values,
});

const ofNodes = (cluster: ObservedCluster, values: (node: TopologyNode) => readonly [Labels, number] | undefined): [Labels, number][] =>
  cluster
    .topology()
    .nodes.slice(0, MOST_NODES)
    .flatMap((node) => {
      const found = values(node);
      return found === undefined ? [] : [[{ node: node.name, ...found[0] }, found[1]]];
    });

/** The labels of each reason. */
const ROUTES: Readonly<Record<ReadReason, Labels>> = {
  'reader:fit': { route: 'reader', reason: 'fit' },
  'writer:strong': { route: 'writer', reason: 'strong' },
  'writer:no-reader': { route: 'writer', reason: 'no-reader' },
  'writer:lag': { route: 'writer', reason: 'lag' },
  'writer:position': { route: 'writer', reason: 'position' },
  refused: { route: 'none', reason: 'refused' },
};

/** The one table of what is exported of clusters. */
const CLUSTER_METRICS: readonly ClusterMetric[] = [
  gauge(
    'node_up',
    'Whether a node answers and may serve. The role is what the node reports: writer, reader, or unknown until the node has answered.',
    'min',
    (cluster) => ofNodes(cluster, ({ role = 'unknown', state }) => [{ role }, state === 'up' ? 1 : 0]),
  ),
  gauge(
    'node_lag_seconds',
    'How far a node lags behind its source. There is no value if the node is down or does not replicate.',
    'max',
    (cluster) => ofNodes(cluster, ({ lagMs, state }) => (lagMs === undefined || state === 'down' ? undefined : [{}, lagMs / 1_000])),
  ),
  gauge('cluster_max_lag_seconds', 'The limit for bounded reads, reads.maxLag.', 'max', ({ clusterOptions }) => [
    [{}, clusterOptions.reads.maxLag / 1_000],
  ]),
  gauge(
    'cluster_writers',
    'Servers that take writes. 1 = the cluster follows it; 0 = callers wait; more = writes are refused.',
    'max',
    (cluster) => [[{}, writersIn(cluster.topology())]],
  ),
  gauge(
    'cluster_without_writer_seconds',
    'How long the cluster has followed no writer, because no server takes writes or several do.',
    'max',
    (cluster) => [[{}, cluster.clusterStats().withoutWriterMs / 1_000]],
  ),
  counter('cluster_writer_changes_total', 'How often another server became the writer.', (cluster) => [
    [{}, cluster.clusterStats().writerChanges],
  ]),
  counter(
    'reads_total',
    'Reads that asked for a replica, by route and reason: reader (fit), writer (strong, no-reader, lag, position), or none (refused: no server was asked).',
    (cluster) => {
      const { reads } = cluster.readStats();
      return Object.entries(ROUTES).map(([reason, labels]) => [labels, reads[reason as ReadReason] ?? 0]);
    },
  ),
  counter('reads_moved_total', 'Reads that moved to another node because theirs was lost or unreachable.', (cluster) => [
    [{}, cluster.readStats().moved],
  ]),
];

/** The metrics of the clusters among all these pools. */
export function clusterMetrics(source: PoolSource, prefix: string): CollectedMetric[] {
  const pools = poolReader(source);
  const clusters = (): ObservedCluster[] => [...pools().values()].flatMap((pool) => clusterIn(pool) ?? []);
  return [
    ...CLUSTER_METRICS.map(
      ({ values, ...metric }) =>
        new CollectedMetric({ ...metric, name: prefix + metric.name }, () =>
          clusters().flatMap((cluster) =>
            values(cluster).map(([labels, value]) => ({ labels: { cluster: cluster.name, ...labels }, value })),
          ),
        ),
    ),
    new CollectedMetric(
      {
        name: `${prefix}read_waits_seconds`,
        type: 'histogram',
        help: 'Time that reads waited for a replica to reach the position that they must see.',
        aggregator: 'sum',
      },
      (name) =>
        clusters().flatMap((cluster) => samplesOfDurations(name, { cluster: cluster.name }, cluster.readWaitCounts(DURATION_BOUNDS_MS))),
    ),
  ];
}

function writersIn({ writer, ambiguous }: Topology): number {
  return writer === undefined ? ambiguous.length : 1;
}
