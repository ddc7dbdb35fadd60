/** Makes clusters. */

import { inRootContext } from '../../engine/waiting/index.js';
import { register, uniqueName } from '../../mysql/index.js';
import type { ClusterOptions, GivenNode } from '../contract/index.js';
import type { MakeLooker } from '../monitoring/index.js';
import { Cluster } from './cluster.js';
import { resolveClusterOptions } from './options.js';

/**
 * Makes a cluster: a pool of connections to the node that takes writes, and pools for reads on the others. It watches each node over a
 * connection of its own. It lives until `end()` or `drain()`, as any pool.
 *
 * @param options see {@link ClusterOptions}: `nodes`, what is special to a cluster, and the options of a pool
 * @throws PoolError `POOL_OPTION_INVALID`, `POOL_TLS_REQUIRED`; nothing was opened and nothing is listed then
 *
 * @example
 * ```ts
 * const db = createCluster({ nodes: ['mysql://app:secret@a/shop', 'mysql://app:secret@b/shop'], connectionLimit: 50 });
 * ```
 */
export function createCluster(options: ClusterOptions): Cluster {
  return makeCluster(options, process.env);
}

/** @param makeLooker in the place of what looks at servers, for tests */
export function makeCluster(options: ClusterOptions, environment: NodeJS.ProcessEnv, makeLooker?: MakeLooker): Cluster {
  const resolved = resolveClusterOptions(options, environment);
  const name = uniqueName(resolved.name);
  const [{ options: first }] = resolved.nodes as [GivenNode];
  const cluster = inRootContext(() => new Cluster({ ...resolved, name }, { ...first, atStart: { ...first.atStart, name } }, makeLooker));
  register(cluster);
  return cluster;
}
