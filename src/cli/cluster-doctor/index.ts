/** The doctor for clusters: each node, and what they are to each other. */

export { examineCluster } from './examine-cluster.js';
export type { ClusterFinding, ClusterStep } from './steps.js';
