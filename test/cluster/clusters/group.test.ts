/** A cluster over MySQL Group Replication: it finds the members and follows the primary. */
import { describe, expect, it } from 'vitest';
import { createCluster } from '../../../src/cluster/index.js';
import { databaseUrl } from '../../../src/demo/database-url.js';
import { valueOf } from '../../support/pool-on-database.js';
import { groupsAreMissing, startGroup } from '../../support/replication/group.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { waitFor } from '../../support/wait-for.js';
import { missing, writerIs, writers } from '../support/load.js';

const LONG = { intervalMs: 20 };

describe('a cluster that is given one member of a group', () => {
  it('finds the others, loses no write when the primary is changed, and continues with the next one when it is killed', async ({
    skip,
  }) => {
    const reason = groupsAreMissing();
    skip(reason !== undefined, reason);
    await using group = await startGroup();
    const [a, b] = group.nodes as unknown as [ReplicatedNode, ReplicatedNode, ReplicatedNode];
    await a.admin(
      `CREATE USER app@'%' IDENTIFIED BY 'secret'`,
      `GRANT ALL ON ${group.database}.* TO app@'%'`,
      `GRANT SELECT ON performance_schema.* TO app@'%'`,
    );
    const db = createCluster({
      nodes: [databaseUrl({ ...a.connection, user: 'app', password: 'secret' })],
      connectionLimit: 10,
      acquireTimeout: 60_000,
    });
    await db.query('CREATE TABLE written (value INT PRIMARY KEY)');
    await waitFor(
      'all members to be up',
      () => db.topology().nodes.filter(({ state }) => state === 'up').length,
      (count) => count === 3,
      LONG,
    );
    expect(db.topology()).toMatchObject({ discovery: 'group-replication', writer: a.name });

    const load = writers(db, 20);
    await load.more(100);
    await group.switchOver(b);
    await writerIs(db, b.name);
    await load.more(100);
    expect(load.failed.map(({ message }) => message)).toEqual([]);
    expect(db.clusterStats().writerChanges).toBe(1);
    expect(await valueOf(db, '@@port')).toBe(b.server.port);

    await b.server.kill('SIGKILL');
    const next = await waitFor(
      'the next primary',
      () => db.topology().writer,
      (name) => name !== undefined && name !== b.name,
      LONG,
    );
    await load.more(100);
    await load.stop();
    expect([...new Set(load.failed.map(({ code }) => code))].filter((code) => code !== 'POOL_CONNECTION_LOST')).toEqual([]);
    const node = group.nodes.find(({ name }) => name === next) as ReplicatedNode;
    expect(await missing(node, load.acknowledged)).toEqual([]);
    await db.end();
  });
});
