/** A writer and its replicas: what the layers above use of them. */

export { Cluster, type ClusterEvents, type ClusterStats, createCluster } from './clusters/index.js';
export type {
  ClusterOptions,
  DiscoveryKind,
  FailureDetectionOptions,
  MonitorOptions,
  NodeAddress,
  NodeOptions,
  NodeRole,
  NodeState,
  Peer,
  ReadOptions,
  ResolvedClusterOptions,
  Topology,
  TopologyChange,
  TopologyNode,
} from './contract/index.js';
export type { Consistency, ReadingOptions } from '../mysql/index.js';
export type { Reader, ReadReason, ReadStats } from './reading/index.js';
