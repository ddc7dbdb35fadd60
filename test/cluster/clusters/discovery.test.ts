import { describe, expect, it } from 'vitest';
import { createCluster } from '../../../src/cluster/index.js';
import { databaseUrl } from '../../../src/demo/database-url.js';
import { valueOf } from '../../support/pool-on-database.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { startReplication } from '../../support/replication/replication.js';
import { chosenKind } from '../../support/sql-servers/kinds.js';
import { waitFor } from '../../support/wait-for.js';

const LONG = { intervalMs: 20 };
/** MariaDB has a privilege of its own for the status of a replica. */
const STATUS = chosenKind() === 'mysql' ? 'REPLICATION CLIENT' : 'REPLICA MONITOR, REPLICATION MASTER ADMIN';

describe('a cluster that is given one of its nodes', () => {
  it('finds the others, follows a switch to one of them, and forgets one that dies', async () => {
    await using servers = await startReplication({ kind: chosenKind() });
    const [a, b, c] = servers.nodes as unknown as [ReplicatedNode, ReplicatedNode, ReplicatedNode];
    const account = await servers.createAccount(a, [`REPLICATION SLAVE, ${STATUS} ON *.*`, `ALL ON ${servers.database}.*`]);
    await Promise.all([b, c].map((replica) => servers.caughtUp(replica, a)));
    const db = createCluster({ nodes: [databaseUrl({ ...a.connection, ...account })], acquireTimeout: 60_000 });
    const names = (): readonly string[] => db.topology().nodes.map(({ name, state }) => `${name} ${state}`);
    await db.query('DO 0');
    await waitFor(`${b.name} and ${c.name} to join`, names, (found) => found.filter((name) => name.endsWith(' up')).length === 3, LONG);
    expect(db.topology()).toMatchObject({ discovery: 'replication', writer: a.name });

    await servers.switchOver(a, b);
    await waitFor(
      'the new writer',
      () => db.topology().writer,
      (name) => name === b.name,
      LONG,
    );
    expect(await valueOf(db, '@@port')).toBe(b.server.port);

    // Its source names it until it has something to send, and finds no replica there.
    await c.server.kill('SIGKILL');
    await waitFor(`${c.name} to leave`, names, (found) => found.length === 2, LONG);
    expect(db.topology().changes.map(({ message }) => message)).toContain(`${c.name} left the cluster`);

    await db.end();
  });
});
