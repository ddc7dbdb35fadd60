/** What `createCluster` takes, and what is in force. */

import type { Consistency, PoolOptions, ResolvedOptions } from '../../mysql/index.js';
import type { DiscoveryKind, NodeAddress, Peer } from './node.js';

/** How reads go to replicas. Durations are in milliseconds. */
export interface ReadOptions {
  /** Default: 'session'. */
  readonly consistency?: Consistency;
  /** How far a replica may be behind that serves bounded reads, in milliseconds. Default: 1000. */
  readonly maxLag?: number;
  /** What becomes of a read when no replica is fit: the writer serves it, or it is refused. Default: 'writer'. */
  readonly fallback?: 'writer' | 'refuse';
  /** How long a replica may take to come to the position that a read must see, before the writer serves the read, in milliseconds. Default: 1000. */
  readonly waitTimeout?: number;
}

/** How nodes are watched. Durations are in milliseconds. */
export interface MonitorOptions {
  /** The time from one look at a node to the next, in milliseconds. Default: 1000. */
  readonly interval?: number;
  /** The same for a node that is in doubt, in milliseconds; while there is no writer, the longest time between two looks at any. Default: 250. */
  readonly intervalInDoubt?: number;
  /** How long one look may take, in milliseconds. Default: 1000. */
  readonly timeout?: number;
}

/** Ends a statement early whose server does not answer any more. Durations are in milliseconds. */
export interface FailureDetectionOptions {
  /** A statement that has been running for longer is watched. */
  readonly after: number;
  /** The time from one question to its server to the next, and how long it has to answer, in milliseconds. Default: 1000. */
  readonly interval?: number;
  /** This many questions in a row without an answer end the statement. Default: 3. */
  readonly count?: number;
}

/** Options of a pool that say where one server is: they belong to a node. */
type OfOneServer = 'uri' | 'host' | 'port' | 'socketPath';

/** How to reach one server. */
export type NodeOptions = Pick<PoolOptions, OfOneServer | 'user' | 'password' | 'credentials' | 'database' | 'ssl' | 'localAddress'>;

/** What `createCluster` takes: nodes, what is special to a cluster, and the options of a pool. */
export interface ClusterOptions extends Omit<PoolOptions, OfOneServer | 'role'> {
  /** The servers, by URL or by options that say how to reach one. At least one; others may be discovered. */
  readonly nodes: readonly (string | NodeOptions)[];
  /** How the servers are found. 'auto' asks the first that answers what it is; 'static': these and no others. Default: 'auto'. */
  readonly discovery?: DiscoveryKind | 'auto';
  readonly reads?: ReadOptions;
  /** The address under which this process reaches a server that was discovered; undefined leaves it out. Default: the server's own. */
  readonly address?: (node: Peer) => NodeAddress | undefined;
  readonly monitor?: MonitorOptions;
  /** Default: off. */
  readonly failureDetection?: FailureDetectionOptions | false;
}

/** A node that was given, with the options of its connections. */
export interface GivenNode {
  readonly name: string;
  readonly address: NodeAddress;
  readonly options: ResolvedOptions;
}

/** The options in force. */
export interface ResolvedClusterOptions {
  readonly name: string;
  readonly nodes: readonly GivenNode[];
  readonly discovery: DiscoveryKind | 'auto';
  readonly reads: Required<ReadOptions>;
  readonly address: ((node: Peer) => NodeAddress | undefined) | undefined;
  readonly monitor: Required<MonitorOptions>;
  readonly failureDetection: Required<FailureDetectionOptions> | undefined;
  /** The options of connections to a server that was discovered: those of the first node, with another address. */
  optionsAt(address: NodeAddress): ResolvedOptions;
}
