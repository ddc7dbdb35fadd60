/** What a cluster says and does when what it was given is not what it needs. */
import { describe, expect, it } from 'vitest';
import type { Cluster, ClusterOptions } from '../../../src/cluster/index.js';
import type { PoolError } from '../../../src/engine/index.js';
import { fetchedVersions } from '../../../scripts/servers/fetch.mjs';
import { databaseUrl } from '../../../src/demo/database-url.js';
import { errorOf, valueOf } from '../../support/pool-on-database.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { startMySqlRouter } from '../../support/sql-servers/mysql-router.js';
import { waitFor } from '../../support/wait-for.js';
import { disposableCluster, LONG, sharedSourceAndReplica } from '../support/source-and-replica.js';

const shared = sharedSourceAndReplica();

function open(nodes: ClusterOptions['nodes'], options: Partial<ClusterOptions> = {}): Cluster & AsyncDisposable {
  return disposableCluster({ nodes, acquireTimeout: 60_000, ...options });
}

describe('a cluster', () => {
  it('reports to callers at once that no node lets them in, and which account is refused; one node that does is enough', async () => {
    const wrong = (node: ReplicatedNode): string => databaseUrl({ ...node.connection, password: 'wrong' });
    await using locked = open([wrong(shared.source), wrong(shared.replica)], { acquireTimeout: 0 });
    const error = (await errorOf(locked.query('DO 0'))) as PoolError;
    expect(error).toMatchObject({ code: 'POOL_CONNECT_FAILED', errno: 1045 });
    expect(error.message).toContain('Access denied');
    expect(await errorOf(locked.query('DO 0'))).toMatchObject({ code: 'POOL_CONNECT_FAILED' });

    await using half = open([shared.source.url(), wrong(shared.replica)]);
    await half.query('DO 0');
  });

  it('works with an account that may read no replication: eventual reads go to the replica, and the grant is named', async () => {
    await using db = open([shared.source.url(), shared.replica.url()], { discovery: 'static' });
    await waitFor('two nodes', () => db.topology().nodes.every(({ state }) => state === 'up'), Boolean, LONG);
    expect(db.topology()).toMatchObject({ writer: shared.source.name, nodes: [{ role: 'writer' }, { role: 'reader' }] });
    const grant = shared.servers.kind === 'mysql' ? 'GRANT REPLICATION CLIENT' : 'GRANT SLAVE MONITOR';
    const sentence = `it is not known whether its replication runs: ${grant} ON *.* TO '${shared.servers.user}'@'%'.`;
    expect(db.topology().complaints).toContain(`${shared.replica.name}: ${sentence}`);
    const portOf = async (consistency: 'eventual' | 'session'): Promise<unknown> => {
      const [rows] = await db.reader.query({ sql: 'SELECT @@port AS port', consistency });
      return (rows as unknown as [{ port: number }])[0].port;
    };
    expect(await portOf('eventual')).toBe(shared.replica.server.port);
    expect(await portOf('session')).toBe(shared.source.server.port);
    await using strict = open([shared.source.url(), shared.replica.url()], { discovery: 'static', reads: { fallback: 'refuse' } });
    await strict.query('DO 0');
    await waitFor('both', () => strict.topology().nodes.every(({ state }) => state === 'up'), Boolean, LONG);
    const refusal = (await errorOf(strict.reader.query('SELECT 1'))) as PoolError;
    expect(refusal).toMatchObject({ code: 'POOL_NO_READER' });
    expect(refusal.message).toContain(`${shared.replica.name} may not report whether it replicates: ${sentence}`);
  });

  it('knows the same server under two addresses as one', async () => {
    await using db = open([shared.source.url(), databaseUrl({ ...shared.source.connection, host: 'localhost' }), shared.replica.url()], {
      discovery: 'static',
    });
    await db.query('DO 0');
    const twin = await waitFor(
      'the twin to be seen',
      () => db.topology().nodes[1],
      (node) => node?.state === 'unfit',
      LONG,
    );
    expect(twin?.reason).toBe(`it is the same server as ${shared.source.name}`);
    expect(db.topology()).toMatchObject({ writer: shared.source.name, ambiguous: [] });
  });

  it('says that a node is MySQL Router, and continues with the server that it leads to', async ({ skip }) => {
    skip(fetchedVersions('mysql') === undefined, 'MySQL Router comes with MySQL, which is not there.');
    // A router that reads the protocol greets for itself; one that passes everything through cannot be distinguished from its server.
    const route = { client_ssl_mode: 'DISABLED', server_ssl_mode: 'DISABLED' };
    await using router = await startMySqlRouter([{ host: shared.source.host, port: shared.source.server.port }], { route });
    await using db = open([databaseUrl({ ...shared.source.connection, port: router.port })], { discovery: 'static', ssl: false });
    expect(await valueOf(db, '@@port')).toBe(shared.source.server.port);
    expect(db.topology().complaints).toContain(
      `127.0.0.1:${router.port}: this is MySQL Router, which chooses a server by itself: name the servers behind it as nodes.`,
    );
  });

  it('has the reads that were cut off in the report of its drain', async () => {
    const db = open([shared.source.url(), shared.replica.url()], { discovery: 'static' });
    await db.query('DO 0');
    await waitFor('both', () => db.topology().nodes.every(({ state }) => state === 'up'), Boolean, LONG);
    const reading = await db.reader.getConnection({ consistency: 'eventual' });
    const writing = await db.getConnection();
    const report = await db.drain({ timeout: 0 });
    expect(report.complete).toBe(false);
    expect(report.cutOff).toHaveLength(2);
    expect(report.refused).toBe(0);
    reading.release();
    writing.release();
  });
});
