/** A cluster of three servers that are as a test says; behind each of their names is the one database of the test. */

import { makeCluster } from '../../../src/cluster/clusters/index.js';
import type { Cluster, ClusterOptions } from '../../../src/cluster/index.js';
import { nodeName } from '../../../src/cluster/monitoring/index.js';
import { SimulatedLooker, SimulatedServer } from '../../cluster/support/simulated-servers.js';
import { movingName } from '../../support/network/moving-name.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';

/** Disposing ends the cluster, then drops the database. */
export interface ScriptedCluster extends AsyncDisposable {
  readonly db: Cluster;
  readonly database: TestDatabase;
  /** The first takes writes. */
  readonly servers: readonly [SimulatedServer, SimulatedServer, SimulatedServer];
  /** Waits until the cluster has seen what the test has made of its servers. */
  readonly untilSeen: (what: string, isSo: (topology: ReturnType<Cluster['topology']>) => boolean) => Promise<void>;
}

export async function scriptedCluster(options: Partial<ClusterOptions> = {}): Promise<ScriptedCluster> {
  const database = await createDatabase();
  const { port, connection } = database;
  const names = ['db-1', 'db-2', 'db-3'].map((host) => movingName(host, connection.host));
  const servers = names.map(({ host }, index) => new SimulatedServer(`${host}:${port}`, index === 0));
  const { user, password } = connection;
  const db = makeCluster(
    {
      nodes: names.map(({ host }) => ({ host, port, user, password, database: connection.database, ssl: false })),
      name: 'shop',
      discovery: 'static',
      minIdle: 0,
      validateAfterIdle: 600_000,
      acquireTimeout: 60_000,
      monitor: { interval: 50, intervalInDoubt: 50 },
      ...options,
    },
    {},
    ({ endpoint }) => {
      const server = servers.find(({ name }) => name === nodeName(endpoint));
      if (server === undefined) throw new Error(`There is no server at ${nodeName(endpoint)}.`);
      return new SimulatedLooker(server);
    },
  );
  const untilSeen: ScriptedCluster['untilSeen'] = async (what, isSo) => {
    await waitFor(what, () => db.topology(), isSo, { timeoutMs: 60_000, intervalMs: 20 });
  };
  await untilSeen('all servers', ({ writer, nodes }) => writer !== undefined && nodes.every(({ state }) => state === 'up'));
  return {
    db,
    database,
    servers: servers as unknown as ScriptedCluster['servers'],
    untilSeen,
    async [Symbol.asyncDispose]() {
      await db.end();
      for (const name of names.toReversed()) name[Symbol.dispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
