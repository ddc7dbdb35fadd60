/** Clusters among the pools that are observed, and the pools over which their nodes are read. */

import type { Cluster, ResolvedClusterOptions } from '../cluster/index.js';
import type { DurationCounts } from '../engine/index.js';
import type { ObservedPool, PoolReader } from './pool-source.js';

/** What is read of a cluster beside what is read of any pool. */
export type ObservedCluster = ObservedPool &
  Pick<Cluster, 'topology' | 'clusterStats' | 'readStats'> & {
    /** How long reads waited for positions, counted up to each bound, in milliseconds. */
    readWaitCounts(boundsMs: readonly number[]): DurationCounts;
    /** The pools over which nodes are read: those that were needed until now. */
    readonly nodePools: readonly ObservedPool[];
    /** The options in force. */
    readonly clusterOptions: ResolvedClusterOptions;
  };

/** The pool as the cluster that it is; undefined: it leads to one server. */
export function clusterIn(pool: ObservedPool): ObservedCluster | undefined {
  // Another copy of this package in the process may have made it: its class is another one.
  return 'clusterStats' in pool && 'nodePools' in pool ? (pool as ObservedCluster) : undefined;
}

/** The pools with those over which nodes of clusters are read, behind their cluster: `shop/reader@b:3306`. */
export function withNodePools(pools: PoolReader): PoolReader {
  return () => {
    const named = new Map<string, ObservedPool>();
    for (const [name, pool] of pools()) {
      named.set(name, pool);
      for (const nodePool of clusterIn(pool)?.nodePools ?? []) if (!named.has(nodePool.name)) named.set(nodePool.name, nodePool);
    }
    return named;
  };
}
