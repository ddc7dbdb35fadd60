/** Clusters as their users have them. */

export { Cluster, type ClusterEvents, type ClusterStats } from './cluster.js';
export { createCluster, makeCluster } from './create-cluster.js';
