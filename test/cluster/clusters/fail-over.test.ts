import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../../src/cluster/index.js';
import { createCluster } from '../../../src/cluster/index.js';
import type { ClusterOptions } from '../../../src/cluster/index.js';
import { outcomeOf, valueOf } from '../../support/pool-on-database.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { type Replication, startReplication } from '../../support/replication/replication.js';
import { chosenKind } from '../../support/sql-servers/kinds.js';
import { waitFor } from '../../support/wait-for.js';
import { missing, readersAndWriters, writerIs, writers } from '../support/load.js';

const KIND = chosenKind();
const LONG = { intervalMs: 20 };

type Three = readonly [ReplicatedNode, ReplicatedNode, ReplicatedNode];

function clusterOf(servers: Replication, options: Partial<ClusterOptions> = {}): Cluster {
  return createCluster({
    nodes: servers.nodes.map((node) => node.url()),
    name: 'shop',
    discovery: 'static',
    connectionLimit: 10,
    acquireTimeout: 60_000,
    ...options,
  });
}

describe('a cluster whose writer moves', () => {
  it('loses no read and no write of 200 callers at a planned switch', async () => {
    // The pause is measured: proxies in this process would take part in it.
    await using servers = await startReplication({ kind: KIND, proxied: false });
    const [a, b] = servers.nodes as unknown as Three;
    const db = clusterOf(servers);
    await db.query('CREATE TABLE written (value INT)');
    expect(db.topology().writer).toBe(a.name);
    const load = readersAndWriters(db, 200);
    await load.more(200);
    const startedAt = performance.now();
    await servers.switchOver(a, b);
    const serversMs = performance.now() - startedAt;
    await writerIs(db, b.name);
    await load.more(200);
    await load.stop();
    const pauseMs = load.longestPauseMs;
    console.info(
      `planned switch on ${KIND}: ${load.reads} reads, ${load.acknowledged.length} writes; the longest pause of writes was ${pauseMs.toFixed(0)} ms, the servers took ${serversMs.toFixed(0)} ms: ${(pauseMs / serversMs).toFixed(2)}`,
    );
    expect(load.failedReads.map(({ message }) => message)).toEqual([]);
    expect(load.failed.map(({ message }) => message)).toEqual([]);
    expect(await missing(b, load.acknowledged)).toEqual([]);
    expect(db.clusterStats().writerChanges).toBe(1);
    await db.end();
  });

  it('waits out the death of the writer, and refuses writes when the old one comes back as a writer', async () => {
    await using servers = await startReplication({ kind: KIND, semiSync: true });
    const [a, b, c] = servers.nodes as unknown as Three;
    const db = clusterOf(servers);
    await db.query('CREATE TABLE written (value INT)');
    const load = writers(db, 50);
    await load.more(100);
    await a.server.kill('SIGKILL');
    await writerIs(db, undefined);
    expect((await db.health()).checks.find(({ name }) => name === 'writer')).toMatchObject({ status: 'fail' });
    await servers.failOver(b, [c]);
    await writerIs(db, b.name);
    await load.more(100);
    await load.stop();
    expect([...new Set(load.failed.map(({ code }) => code))]).toEqual(['POOL_CONNECTION_LOST']);
    expect(await missing(b, load.acknowledged)).toEqual([]);

    const [written] = await a.restart().then(() => a.admin(`SELECT COUNT(*) AS count FROM ${servers.database}.written`));
    await waitFor(
      'two writers',
      () => db.topology().ambiguous.length,
      (count) => count === 2,
      LONG,
    );
    const refused = await outcomeOf(db.query('INSERT INTO written VALUES (-1)'));
    expect(refused).toMatchObject({ error: { code: 'POOL_WRITER_AMBIGUOUS' } });
    expect((refused as { error: Error }).error.message).toContain(a.name);
    expect((refused as { error: Error }).error.message).toContain(b.name);
    expect(await a.admin(`SELECT COUNT(*) AS count FROM ${servers.database}.written`)).toEqual([written]);

    await servers.demote(a);
    await writerIs(db, b.name);
    expect(await valueOf(db, '@@port')).toBe(b.server.port);
    await db.end();
  });
});
