/** The servers of a cluster as JSON has them: who writes, who lags, what changed, where reads go. */

import type { DiscoveryKind, NodeRole, ReadOptions, ReadReason, TopologyChange, TopologyNode } from '../../cluster/index.js';
import type { DurationSummary } from '../../engine/index.js';
import { clusterIn, type ObservedPool } from '../../telemetry/index.js';
import type { JudgedTopology } from '../verdict/index.js';

/** One server of a cluster, as JSON has it. */
export interface ShownNode {
  /** `host:port`. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Null: it was never heard. */
  readonly serverId: string | null;
  /** Whether it takes writes, by its own word; null: it was never heard. */
  readonly role: NodeRole | null;
  readonly state: TopologyNode['state'];
  /** Why it is not 'up'; null when it is. */
  readonly reason: string | null;
  /** Milliseconds behind its source; null: not known. */
  readonly lagMs: number | null;
  /** How long it takes to answer the monitor, in milliseconds; null: it was never heard. */
  readonly latencyMs: number | null;
  /** When it came into its state, in milliseconds since 1970. */
  readonly since: number;
}

/** A cluster, as JSON has it. Its size is bounded. */
export interface ShownTopology extends JudgedTopology {
  readonly name: string;
  readonly discovery: DiscoveryKind;
  /** At most 50, the writer among them. */
  readonly nodes: readonly ShownNode[];
  /** How many more nodes there are. */
  readonly nodesLeftOut: number;
  /** The one server that takes writes; null: none, or more than one. */
  readonly writer: string | null;
  /** All that take writes, when there is more than one: writes are refused then. */
  readonly ambiguous: readonly string[];
  /** What could not be found out or used, and what to do about it; at most 10. */
  readonly complaints: readonly string[];
  /** The last one first; at most 50. */
  readonly changes: readonly TopologyChange[];
  /** How often another server became the writer. */
  readonly writerChanges: number;
  readonly reads: ShownReads;
}

/** How reads are routed, and where they went since the cluster was made. */
export interface ShownReads extends Required<ReadOptions> {
  /** By route and reason. */
  readonly counts: Readonly<Partial<Record<ReadReason, number>>>;
  /** Reads that moved to another node, as theirs was lost or unreachable. */
  readonly moved: number;
  /** How long reads waited for a replica to come to a position, in milliseconds. */
  readonly waits: DurationSummary;
}

const MOST_NODES = 50;
const MOST_CHANGES = 50;
const MOST_COMPLAINTS = 10;
/** Servers and their errors may say more. */
const LONGEST_TEXT = 300;

export function isCluster(pool: ObservedPool): boolean {
  return clusterIn(pool) !== undefined;
}

/** Null when the pool is no cluster. */
export function shownTopology(pool: ObservedPool): ShownTopology | null {
  const cluster = clusterIn(pool);
  if (cluster === undefined) return null;
  const { topology, withoutWriterMs, writerChanges } = cluster.clusterStats();
  const { reads: counts, moved, waits } = cluster.readStats();
  const { name, discovery, nodes, writer = null, ambiguous, complaints, changes } = topology;
  const shown = nodes.length <= MOST_NODES ? nodes : nodes.toSorted((a, b) => rank(b) - rank(a)).slice(0, MOST_NODES);
  return {
    name,
    discovery,
    nodes: shown.map(shownNode),
    nodesLeftOut: nodes.length - shown.length,
    writer,
    ambiguous: ambiguous.slice(0, MOST_NODES),
    withoutWriterMs,
    writerChanges,
    complaints: complaints.slice(0, MOST_COMPLAINTS).map(short),
    changes: changes
      .slice(-MOST_CHANGES)
      .toReversed()
      .map((change) => ({ ...change, message: short(change.message) })),
    reads: { ...cluster.clusterOptions.reads, counts, moved, waits },
  };
}

/** Pools over which the replicas of these clusters are read. One of them that fails keeps no caller from the data: the writer serves its reads. */
export function poolsOfReplicas(pools: Iterable<ObservedPool>): ReadonlySet<ObservedPool> {
  const found = new Set<ObservedPool>();
  for (const pool of pools) {
    for (const nodePool of clusterIn(pool)?.nodePools ?? []) found.add(nodePool);
  }
  return found;
}

function shownNode({ name, host, port, serverId, role, state, reason, lagMs, latencyMs, since }: TopologyNode): ShownNode {
  return {
    name,
    host,
    port,
    serverId: serverId ?? null,
    role: role ?? null,
    state,
    reason: reason === undefined ? null : short(reason),
    lagMs: lagMs ?? null,
    latencyMs: latencyMs ?? null,
    since,
  };
}

/** Who takes writes comes first, then who is in trouble. */
function rank({ role, state }: TopologyNode): number {
  return (role === 'writer' ? 2 : 0) + (state === 'up' ? 0 : 1);
}

function short(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text;
}
