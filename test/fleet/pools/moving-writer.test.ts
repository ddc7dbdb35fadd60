import { createConnection } from 'mysql2/promise';
import { expect, it } from 'vitest';
import { performance } from '../../../src/engine/waiting/index.js';
import { createCluster } from '../../../src/cluster/index.js';
import { createClusterAccount } from '../../support/replication/cluster-on-replication.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { startReplication } from '../../support/replication/replication.js';
import { chosenKind } from '../../support/sql-servers/kinds.js';
import { waitFor } from '../../support/wait-for.js';
import { fleetOf, fleetTo, load, watchConnections } from '../support/fleet-of-pools.js';
import { MemoryLedger } from '../support/memory-ledger.js';

const BUDGET = 9;
const CLUSTERS = 3;
/** Each cluster looks at each server over one connection, and opens the next one when the writer is missing. */
const OF_MONITORS = CLUSTERS * 2;

it('the budget of each server holds while the writer of three clusters moves from one to the other, and the fleet of the next one is joined', async () => {
  await using servers = await startReplication({ kind: chosenKind(), replicas: 1, proxied: false });
  const [first, second] = servers.nodes as [ReplicatedNode, ReplicatedNode];
  const account = await createClusterAccount(servers, first);
  await servers.caughtUp(second, first);
  const watched = ({ host, port, server }: ReplicatedNode) =>
    watchConnections({
      user: account.user,
      connectAsAdmin: () => createConnection({ host, port, user: server.adminUser, password: server.adminPassword }),
    });
  await using atFirst = await watched(first);
  await using atSecond = await watched(second);
  const ledger = new MemoryLedger(() => performance.now());
  const clusters = Array.from({ length: CLUSTERS }, (_, index) =>
    createCluster({
      name: `process-${index}`,
      nodes: servers.nodes.map(({ host, port }) => ({ host, port })),
      discovery: 'static',
      database: servers.database,
      ...account,
      minIdle: 0,
      connectionLimit: 20,
      monitor: { interval: 200, intervalInDoubt: 50, timeout: 2_000 },
      fleet: { name: 'shop', budget: BUDGET, floor: 2, processes: CLUSTERS, lease: 1_000, ledger },
    }),
  );
  try {
    const stops = clusters.map((db) => load(db, 12));
    const whole = async ({ name }: ReplicatedNode): Promise<void> => {
      for (const db of clusters) await fleetTo('a lease', db, (fleet) => fleet.phase === 'leased' && fleet.name === `shop@${name}`);
      await waitFor(
        'the whole budget to be leased',
        () => clusters.map((db) => fleetOf(db).lease),
        (leases) => leases.reduce((sum, lease) => sum + lease) === BUDGET,
        { timeoutMs: 60_000 },
      );
      await waitFor('all to serve', () => clusters.every((db) => db.topology().writer === name && db.summary().used > 0));
    };
    await whole(first);
    await servers.switchOver(first, second);
    await whole(second);
    const failed = await Promise.all(stops.map((stop) => stop()));
    console.log(
      `at most ${atFirst.most} and ${atSecond.most} connections in ${atFirst.looks} and ${atSecond.looks} looks; failed statements: ${failed.join(', ')}`,
    );
    expect(atFirst.most).toBeLessThanOrEqual(BUDGET + OF_MONITORS);
    expect(atSecond.most).toBeLessThanOrEqual(BUDGET + OF_MONITORS);
    expect(Math.min(atFirst.most, atSecond.most)).toBeGreaterThan(OF_MONITORS);
  } finally {
    await Promise.all(clusters.map((db) => db.end()));
  }
});
