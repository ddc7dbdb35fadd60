import { createCluster, type Cluster, type ClusterOptions } from '../../../src/cluster/index.js';
import { waitFor } from '../wait-for.js';
import type { ReplicatedNode } from './replicated-node.js';
import type { Replication } from './replication.js';

/** Of accounts that clusters log in with: they may use the database, and read how replication is. */
const GRANTS = ['REPLICATION CLIENT ON *.*', 'REPLICATION SLAVE ON *.*'];

/** An account with the privileges that a cluster asks for. */
export async function createClusterAccount(
  servers: Replication,
  source: ReplicatedNode,
): Promise<{ readonly user: string; readonly password: string }> {
  const onMariaDb = servers.kind === 'mysql' ? [] : ['SLAVE MONITOR ON *.*', 'REPLICATION MASTER ADMIN ON *.*', 'BINLOG MONITOR ON *.*'];
  const performance = servers.kind === 'mysql' ? ['SELECT ON performance_schema.*'] : [];
  return await servers.createAccount(source, [`ALL ON ${servers.database}.*`, ...GRANTS, ...onMariaDb, ...performance]);
}

/** A cluster over replicated servers, once it has looked at all of them. Disposing ends it. */
export async function openCluster(servers: Replication, options: Partial<ClusterOptions> = {}): Promise<Cluster & AsyncDisposable> {
  const [source] = servers.nodes;
  if (source === undefined) throw new Error('bug: no servers');
  const account = await createClusterAccount(servers, source);
  for (const node of servers.nodes) if (node !== source) await servers.caughtUp(node, source);
  const db = createCluster({
    nodes: servers.nodes.map(({ host, port }) => ({ host, port })),
    discovery: 'static',
    database: servers.database,
    minIdle: 0,
    ...account,
    ...options,
  });
  await allUp(db);
  return Object.assign(db, { [Symbol.asyncDispose]: () => db.end() });
}

/** Waits until a cluster has a writer and every node of it is up. */
export async function allUp(db: Pick<Cluster, 'topology'>): Promise<void> {
  await waitFor(
    'all nodes to be up',
    () => db.topology(),
    ({ nodes, writer }) => writer !== undefined && nodes.every(({ state }) => state === 'up'),
  );
}
