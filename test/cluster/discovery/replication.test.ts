import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { type Replication, startReplication } from '../../support/replication/replication.js';
import { chosenKind } from '../../support/sql-servers/kinds.js';
import { waitFor } from '../../support/wait-for.js';
import { lookAt, type Place } from '../support/look-at.js';

const KIND = chosenKind();
const IS_MYSQL = KIND === 'mysql';
const PATIENCE = { intervalMs: 50 };

const GRANTS = IS_MYSQL
  ? ['REPLICATION CLIENT, REPLICATION SLAVE ON *.*', 'SELECT ON performance_schema.*']
  : ['SLAVE MONITOR, REPLICATION MASTER ADMIN ON *.*'];

let servers: Replication;
let source: ReplicatedNode;
let first: ReplicatedNode;
let second: ReplicatedNode;
let monitor: { readonly user: string; readonly password: string };

beforeAll(async () => {
  servers = await startReplication({ kind: KIND });
  [source, first, second] = servers.nodes as [ReplicatedNode, ReplicatedNode, ReplicatedNode];
  monitor = await servers.createAccount(source, GRANTS);
  await write();
  await Promise.all([servers.caughtUp(first, source), servers.caughtUp(second, source)]);
});

afterAll(() => servers[Symbol.asyncDispose]());

async function write(): Promise<void> {
  await using connection = await createConnection(source.connection);
  await connection.query('CREATE TABLE IF NOT EXISTS written (id INT AUTO_INCREMENT PRIMARY KEY)');
  await connection.query('INSERT INTO written VALUES ()');
}

const at = ({ host, port }: ReplicatedNode, account = monitor): Place => ({ host, port, ...account });

const namesOf = (peers: readonly { readonly host: string; readonly port: number }[]): readonly string[] =>
  [...new Set(peers.map(({ host, port }) => `${host}:${port}`))].sort();

describe('a look at a source and its replicas', () => {
  it('says who takes writes, and who knows whom', async () => {
    const [ofSource, ofFirst] = await Promise.all([lookAt(at(source)), lookAt(at(first))]);
    expect(ofSource).toMatchObject({ role: 'writer', lagMs: 0, replicating: true, commitsInOrder: true, complaints: [] });
    expect(namesOf(ofSource.peers)).toEqual([source.name, first.name, second.name].sort());
    expect(ofFirst).toMatchObject({ role: 'reader', replicating: true, commitsInOrder: true, complaints: [] });
    expect(namesOf(ofFirst.peers)).toEqual([source.name, first.name].sort());
    expect(ofSource.serverId).not.toBe(ofFirst.serverId);
    if (IS_MYSQL) {
      expect(ofFirst.peers.find(({ port }) => port === source.port)?.serverId).toBe(ofSource.serverId);
      expect(ofSource.peers.find(({ port }) => port === first.port)?.serverId).toBe(ofFirst.serverId);
    }
    const caughtUp = await waitFor(
      'a replica without lag',
      () => lookAt(at(first)),
      ({ lagMs }) => lagMs === 0,
      PATIENCE,
    );
    expect(caughtUp.executed).toBe((await lookAt(at(source))).executed);
    expect(caughtUp.executed).not.toBe('');
  });

  it('knows no others when the servers are given', async () => {
    expect(await lookAt(at(first), 'static')).toMatchObject({ role: 'reader', replicating: true, peers: [] });
    expect((await lookAt(at(first), 'replication')).peers).not.toEqual([]);
  });

  it('says how far a replica lags: more the longer a write is held back, and nothing when it is applied', async () => {
    await servers.delay(first, 3_600);
    await write();
    await servers.caughtUp(second, source);
    const lagging = await waitFor(
      'a lag of more than a second',
      () => lookAt(at(first)),
      ({ lagMs }) => (lagMs ?? 0) > 1_000,
      PATIENCE,
    );
    expect(lagging.replicating).toBe(true);
    await waitFor(
      'a greater one',
      () => lookAt(at(first)),
      ({ lagMs }) => (lagMs ?? 0) > (lagging.lagMs ?? 0) + 500,
      PATIENCE,
    );
    await servers.delay(first, 0);
    await servers.caughtUp(first, source);
    await waitFor(
      'no lag',
      () => lookAt(at(first)),
      ({ lagMs }) => lagMs === 0,
      PATIENCE,
    );
  });

  it('says that it may lag when its source has been silent for a long time, though the connection to it is open', async ({ skip }) => {
    skip(!IS_MYSQL, 'Only MySQL reports when the source was heard last.');
    await first.admin('STOP REPLICA', 'SET GLOBAL replica_net_timeout = 60', 'START REPLICA');
    await waitFor(
      'replication to run',
      () => lookAt(at(first)),
      ({ replicating, lagMs }) => replicating === true && lagMs === 0,
      PATIENCE,
    );
    await source.server.kill('SIGSTOP');
    try {
      await waitFor(
        'a lag of more than three heartbeats',
        () => lookAt(at(first)),
        ({ replicating, lagMs }) => replicating === true && (lagMs ?? 0) > 3_000,
        PATIENCE,
      );
    } finally {
      await source.server.kill('SIGCONT');
    }
    const heard = await waitFor(
      'the source to be heard again',
      () => lookAt(at(first)),
      ({ lagMs }) => lagMs === 0,
      PATIENCE,
    );
    expect(heard.replicating).toBe(true);
    await first.admin('STOP REPLICA', 'SET GLOBAL replica_net_timeout = 4', 'START REPLICA');
  });

  it('says that replication does not run: stopped manually, cut off, broken', async () => {
    await servers.stopApplying(first);
    expect(await lookAt(at(first))).toMatchObject({ role: 'reader', replicating: false, lagMs: undefined });
    await servers.startApplying(first);
    await waitFor(
      'replication to run',
      () => lookAt(at(first)),
      ({ replicating }) => replicating === true,
      PATIENCE,
    );

    source.proxy?.refuse();
    source.proxy?.reset();
    await waitFor(
      'the source to be missed',
      () => lookAt(at(first)),
      ({ replicating }) => !replicating,
      PATIENCE,
    );
    await source.proxy?.accept();
    await waitFor(
      'replication to run again',
      () => lookAt(at(first)),
      ({ replicating }) => replicating === true,
      PATIENCE,
    );

    await servers.break(second, source);
    expect(await lookAt(at(second))).toMatchObject({ role: 'reader', replicating: false, lagMs: undefined });
  });

  it('says which GRANT is missing, and continues without what it may not know', async () => {
    const poor = await servers.createAccount(source, ['USAGE ON *.*']);
    await servers.caughtUp(first, source);
    const reading = await lookAt(at(first, poor));
    expect(reading).toMatchObject({ role: 'reader', replicating: undefined, lagMs: undefined });
    expect(namesOf(reading.peers)).toEqual([first.name]);
    const account = `'${poor.user}'@'%'`;
    expect(reading.complaints).toEqual(
      IS_MYSQL
        ? [
            `it is not known whether its replication runs: GRANT REPLICATION CLIENT ON *.* TO ${account}.`,
            `its replicas are not known: GRANT REPLICATION SLAVE ON *.* TO ${account}.`,
          ]
        : [
            `it is not known whether its replication runs: GRANT SLAVE MONITOR ON *.* TO ${account}.`,
            `its replicas are not known: GRANT REPLICATION MASTER ADMIN ON *.* TO ${account}.`,
          ],
    );

    if (!IS_MYSQL) return;
    const coarse = await servers.createAccount(source, ['REPLICATION CLIENT, REPLICATION SLAVE ON *.*']);
    await servers.caughtUp(first, source);
    const inSeconds = await lookAt(at(first, coarse));
    expect(inSeconds).toMatchObject({ role: 'reader', replicating: true });
    expect((inSeconds.lagMs ?? Number.NaN) % 1_000).toBe(0);
    expect(inSeconds.complaints.join()).toContain(`GRANT SELECT ON performance_schema.* TO '${coarse.user}'@'%'.`);
  });

  it('follows a switch: the roles change places', async () => {
    await servers.switchOver(source, first);
    expect(await lookAt(at(source))).toMatchObject({ role: 'reader' });
    expect(await lookAt(at(first))).toMatchObject({ role: 'writer', lagMs: 0 });
    await waitFor(
      'the old source to replicate',
      () => lookAt(at(source)),
      ({ replicating, lagMs }) => replicating === true && lagMs === 0,
      PATIENCE,
    );
  });
});
