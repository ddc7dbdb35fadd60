/** The steps of the examination of a cluster, and what a node was found to be. */

import type { NodeAddress, NodeReading } from '../../cluster/contract/index.js';
import type { Finding } from '../doctor/index.js';

/** The steps, in their order: those of each node, then those about all of them. */
export const CLUSTER_STEPS = ['node', 'grants', 'role', 'replication', 'commit-order', 'position', 'address', 'members', 'writer'] as const;

export type ClusterStep = (typeof CLUSTER_STEPS)[number];

export type ClusterFinding = Finding<ClusterStep>;

export type Report = (finding: ClusterFinding) => void;

/** A node that answered. */
export interface ExaminedNode {
  /** `host:port`. */
  readonly name: string;
  readonly address: NodeAddress;
  readonly reading: NodeReading;
}
