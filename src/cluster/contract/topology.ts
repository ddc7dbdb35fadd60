/** What a cluster looks like now, as its users and the layers above see it. */

import type { DiscoveryKind, NodeAddress, NodeRole } from './node.js';

/**
 * 'up': it answers and is fit. 'suspect': the last look failed, or took too long. 'down': it does not answer. 'unfit': it answers, and must not
 * serve, such as a replica whose replication stopped, or a server of another cluster.
 */
export type NodeState = 'up' | 'suspect' | 'down' | 'unfit';

/** One server of a cluster, now. */
export interface TopologyNode extends NodeAddress {
  /** `host:port`, as labels and messages name it. */
  readonly name: string;
  readonly serverId: string | undefined;
  /** undefined: it was never seen. */
  readonly role: NodeRole | undefined;
  readonly state: NodeState;
  /** Why it is not 'up', in one sentence. */
  readonly reason: string | undefined;
  /** Milliseconds behind its source. */
  readonly lagMs: number | undefined;
  /** How long it takes to answer the monitor: a moving average, in milliseconds. */
  readonly latencyMs: number | undefined;
  /** When it came into its state, in milliseconds since the epoch. */
  readonly since: number;
}

/** What changed last, and before. */
export interface TopologyChange {
  readonly at: number;
  readonly what: 'writer' | 'node-joined' | 'node-left' | 'state' | 'ambiguous';
  /** In one sentence, such as "b:3306 is the writer; it was a:3306". */
  readonly message: string;
}

/** A frozen picture of a cluster. */
export interface Topology {
  readonly name: string;
  readonly discovery: DiscoveryKind;
  readonly nodes: readonly TopologyNode[];
  /** The name of the one server that takes writes; undefined: none, or more than one. */
  readonly writer: string | undefined;
  /** The names of all that take writes, when there is more than one: then writes are refused. */
  readonly ambiguous: readonly string[];
  /** What could not be found out or used, with what to do about it, in sentences that begin with the name of a node. */
  readonly complaints: readonly string[];
  /** The newest last; at most 100. */
  readonly changes: readonly TopologyChange[];
}
