/** The words of the cluster: nodes, readings, topologies, options. */

export type { DiscoveryKind, NodeAddress, NodeReading, NodeRole, Peer, RoleWord } from './node.js';
export type { NodeConnection } from './node-connection.js';
export type {
  ClusterOptions,
  FailureDetectionOptions,
  GivenNode,
  MonitorOptions,
  NodeOptions,
  ReadOptions,
  ResolvedClusterOptions,
} from './options.js';
export type { NodeState, Topology, TopologyChange, TopologyNode } from './topology.js';
