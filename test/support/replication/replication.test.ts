import { createConnection } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { errorOf, valueOf } from '../pool-on-database.js';
import { chosenKind } from '../sql-servers/kinds.js';
import { waitFor } from '../wait-for.js';
import type { ReplicatedNode } from './replicated-node.js';
import { startReplication } from './replication.js';

/** Each kind of server has its own words for replication: a run is about its own. */
const KIND = chosenKind();
const READ_ONLY = 1290;

async function write(node: ReplicatedNode, value: number): Promise<void> {
  await using connection = await createConnection(node.connection);
  await connection.query('CREATE TABLE IF NOT EXISTS written (value INT)');
  await connection.query('INSERT INTO written VALUES (?)', [value]);
}

async function sum(node: ReplicatedNode): Promise<number> {
  await using connection = await createConnection(node.connection);
  return Number(await valueOf(connection, '(SELECT SUM(value) FROM written)'));
}

describe('a source with its replicas', () => {
  it('passes writes on, and only the source takes them', async () => {
    await using servers = await startReplication({ kind: KIND });
    const [source, first, second] = servers.nodes as [ReplicatedNode, ReplicatedNode, ReplicatedNode];
    await write(source, 1);
    for (const replica of [first, second]) {
      await servers.caughtUp(replica, source);
      expect(await sum(replica)).toBe(1);
      expect(await errorOf(write(replica, 10))).toMatchObject({ errno: READ_ONLY });
    }
  });

  it('can be switched over and back, and fail over after SIGKILL', async () => {
    await using servers = await startReplication({ kind: KIND });
    const [a, b, c] = servers.nodes as [ReplicatedNode, ReplicatedNode, ReplicatedNode];
    await write(a, 1);
    await servers.switchOver(a, b);
    expect(await errorOf(write(a, 10))).toMatchObject({ errno: READ_ONLY });
    await write(b, 2);
    await servers.switchOver(b, a);
    await write(a, 4);
    for (const replica of [b, c]) {
      await servers.caughtUp(replica, a);
      expect(await sum(replica)).toBe(7);
    }

    await a.server.kill('SIGKILL');
    await servers.failOver(c, [b]);
    await write(c, 8);
    await servers.caughtUp(b, c);
    expect(await sum(b)).toBe(15);

    // It comes back as its configuration says: as one more server that takes writes.
    await a.restart();
    await write(a, 100);
    await servers.demote(a);
    expect(await errorOf(write(a, 10))).toMatchObject({ errno: READ_ONLY });
    await a.restart();
    expect(await errorOf(write(a, 10))).toMatchObject({ errno: READ_ONLY });
  });

  it('has replicas that lag, that are late, that break, and that are frozen', async () => {
    await using servers = await startReplication({ kind: KIND });
    const [source, first, second] = servers.nodes as [ReplicatedNode, ReplicatedNode, ReplicatedNode];
    await write(source, 1);
    await servers.caughtUp(first, source);
    await servers.stopApplying(first);
    await write(source, 2);
    await servers.caughtUp(second, source);
    expect(await sum(first)).toBe(1);
    await servers.startApplying(first);
    await servers.caughtUp(first, source);
    expect(await sum(first)).toBe(3);

    await servers.delay(first, 3_600);
    await write(source, 4);
    await servers.caughtUp(second, source);
    expect(await sum(first)).toBe(3);
    await servers.delay(first, 0);
    await servers.caughtUp(first, source);
    expect(await sum(first)).toBe(7);

    await first.server.kill('SIGSTOP');
    expect(await errorOf(createConnection({ ...first.connection, connectTimeout: 300 }))).toMatchObject({ code: 'ETIMEDOUT' });
    await first.server.kill('SIGCONT');
    await write(source, 8);
    await servers.caughtUp(first, source);
    await servers.break(second, source);
    await write(source, 16);
    await servers.caughtUp(first, source);
    expect(await sum(first)).toBe(31);
    expect(await sum(second)).toBe(15);
  });

  it('is cut by the proxies of its nodes, for clients and for replication', async () => {
    await using servers = await startReplication({ kind: KIND, replicas: 1, semiSync: KIND === 'mysql' });
    const [source, replica] = servers.nodes as [ReplicatedNode, ReplicatedNode];
    await write(source, 1);
    await servers.caughtUp(replica, source);
    source.proxy?.refuse();
    source.proxy?.reset();
    expect(await errorOf(createConnection(source.connection))).toMatchObject({ code: 'ECONNREFUSED' });
    await waitFor(
      'the replica to miss its source',
      () => servers.status(replica),
      (status) => Object.values(status ?? {}).includes('Connecting'),
    );
    await source.proxy?.accept();
    await write(source, 2);
    await servers.caughtUp(replica, source);
    expect(await sum(replica)).toBe(3);
  });

  it('makes accounts that all nodes know, with the grants that were asked for', async () => {
    await using servers = await startReplication({ kind: KIND, replicas: 1, proxied: false });
    const [source, replica] = servers.nodes as [ReplicatedNode, ReplicatedNode];
    const account = await servers.createAccount(source, [KIND === 'mysql' ? 'REPLICATION CLIENT ON *.*' : 'SLAVE MONITOR ON *.*']);
    await servers.caughtUp(replica, source);
    await using connection = await createConnection({ host: replica.host, port: replica.port, ...account });
    await connection.query(KIND === 'mysql' ? 'SHOW REPLICA STATUS' : 'SHOW SLAVE STATUS');
    expect(replica.port).toBe(replica.server.port);
  });
});
