/** What the doctor says of clusters, on replicated servers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examineCluster } from '../../src/cli/cluster-doctor/index.js';
import type { ClusterStep } from '../../src/cli/cluster-doctor/steps.js';
import type { Diagnosis, Finding } from '../../src/cli/doctor/finding.js';
import { fetchedVersions } from '../../scripts/servers/fetch.mjs';
import { databaseUrl } from '../../src/demo/database-url.js';
import { freePort } from '../support/network/free-port.js';
import type { ReplicatedNode } from '../support/replication/replicated-node.js';
import { type Replication, startReplication } from '../support/replication/replication.js';
import { chosenKind } from '../support/sql-servers/kinds.js';
import { startMySqlRouter } from '../support/sql-servers/mysql-router.js';
import { waitFor } from '../support/wait-for.js';

const KIND = chosenKind();
const IS_MYSQL = KIND === 'mysql';

const GRANTS = IS_MYSQL
  ? ['REPLICATION CLIENT, REPLICATION SLAVE ON *.*', 'SELECT ON performance_schema.*']
  : ['SLAVE MONITOR, REPLICATION MASTER ADMIN ON *.*'];

interface Account {
  readonly user: string;
  readonly password: string;
}

let servers: Replication;
let source: ReplicatedNode;
let replica: ReplicatedNode;
let account: Account;
let barred: Account;

beforeAll(async () => {
  servers = await startReplication({ kind: KIND, replicas: 1 });
  [source, replica] = servers.nodes as [ReplicatedNode, ReplicatedNode];
  account = await servers.createAccount(source, GRANTS);
  barred = await servers.createAccount(source, ['SELECT ON mysql.*']);
  await servers.caughtUp(replica, source);
});

afterAll(() => servers[Symbol.asyncDispose]());

const urlOf = ({ host, port }: Pick<ReplicatedNode, 'host' | 'port'>, { user, password }: Account = account): string =>
  databaseUrl({ host, port, user, password, database: '' });

function examine(targets: readonly string[], environment: Readonly<NodeJS.ProcessEnv> = {}): Promise<Diagnosis<ClusterStep>> {
  return examineCluster({ targets, timeoutMs: 60_000, environment }, { begins: () => undefined, found: () => undefined });
}

const troubles = ({ findings }: Diagnosis<ClusterStep>): readonly Finding<ClusterStep>[] =>
  findings.filter(({ status }) => status === 'fail' || status === 'warn');

const found = ({ findings }: Diagnosis<ClusterStep>, step: ClusterStep, node?: ReplicatedNode): Finding<ClusterStep> | undefined =>
  findings.find((finding) => finding.step === step && (node === undefined || finding.node === node.name));

describe('of a source and its replica, the doctor says', () => {
  it('who writes, how far the other is behind, and that all is well', async () => {
    const diagnosis = await waitFor(
      'a replica that is caught up',
      () => examine([urlOf(source), urlOf(replica)]),
      ({ status }) => status === 'healthy',
    );
    expect(found(diagnosis, 'role', source)?.message).toBe('it takes writes');
    expect(found(diagnosis, 'role', replica)?.message).toBe('it is read-only');
    expect(found(diagnosis, 'replication', replica)?.message).toMatch(/^it replicates, \d+ ms behind$/);
    expect(found(diagnosis, 'position', replica)).toMatchObject({ status: 'ok' });
    expect(found(diagnosis, 'commit-order', replica)).toMatchObject({ status: 'ok' });
    expect(found(diagnosis, 'members')?.message).toBe('replication links all 2 nodes');
    expect(found(diagnosis, 'writer')?.message).toBe(`${source.name} is the writer`);
    expect(JSON.stringify(diagnosis)).not.toContain(account.password);
  });

  it('the same when the account stands in DATABASE_URL', async () => {
    const environment = { DATABASE_URL: urlOf(source) };
    const diagnosis = await examine([`mysql://${source.name}`, `mysql://${replica.name}`], environment);
    expect(found(diagnosis, 'writer')?.message).toBe(`${source.name} is the writer`);
  });

  it('which grants are missing, with the statement that gives them', async () => {
    const diagnosis = await examine([urlOf(source, barred), urlOf(replica, barred)]);
    const grants = diagnosis.findings.filter(({ step }) => step === 'grants');
    expect(grants.every(({ status }) => status === 'warn')).toBe(true);
    const right = IS_MYSQL ? 'REPLICATION CLIENT' : 'SLAVE MONITOR';
    expect(found(diagnosis, 'grants', replica)).toMatchObject({
      message: 'it is not known whether its replication runs',
      advice: `As an administrator: GRANT ${right} ON *.* TO '${barred.user}'@'%';`,
    });
    expect(found(diagnosis, 'replication', replica)).toMatchObject({ status: 'warn' });
  });

  it('that a replica was stopped, and how to start it', async () => {
    await servers.stopApplying(replica);
    const diagnosis = await examine([urlOf(source), urlOf(replica)]);
    await servers.startApplying(replica);
    expect(found(diagnosis, 'replication', replica)).toMatchObject({
      status: 'fail',
      message: 'it does not replicate: it was stopped',
      advice: expect.stringContaining(IS_MYSQL ? 'START REPLICA;' : 'START SLAVE;'),
    });
  });

  it.skipIf(!IS_MYSQL)('that transactions become visible in another order (MySQL only: MariaDB keeps the order)', async () => {
    await replica.admin('STOP REPLICA SQL_THREAD', 'SET GLOBAL replica_preserve_commit_order = OFF', 'START REPLICA SQL_THREAD');
    const diagnosis = await examine([urlOf(source), urlOf(replica)]);
    await replica.admin('STOP REPLICA SQL_THREAD', 'SET GLOBAL replica_preserve_commit_order = ON', 'START REPLICA SQL_THREAD');
    expect(found(diagnosis, 'commit-order', replica)).toMatchObject({ status: 'warn', advice: expect.stringContaining('ON') });
  });

  it('that no node takes writes, and that two do', async () => {
    await servers.demote(source);
    const none = await examine([urlOf(source), urlOf(replica)]);
    expect(found(none, 'writer')).toMatchObject({ status: 'fail', message: 'no node takes writes' });
    const writable = IS_MYSQL ? ['SET GLOBAL super_read_only = OFF', 'SET GLOBAL read_only = OFF'] : ['SET GLOBAL read_only = OFF'];
    await source.admin(...writable);
    await replica.admin(...writable);
    const two = await examine([urlOf(source), urlOf(replica)]);
    await servers.demote(replica);
    expect(found(two, 'writer')).toMatchObject({
      status: 'fail',
      message: `2 servers take writes: ${source.name}, ${replica.name}`,
      advice: expect.stringContaining('POOL_WRITER_AMBIGUOUS'),
    });
  });
});

describe('of a wrong list of nodes, the doctor says', () => {
  it('that a server is named twice, and that two addresses are one server', async () => {
    const diagnosis = await examine([urlOf(source), urlOf(source), urlOf({ host: 'localhost', port: source.port })]);
    const addresses = diagnosis.findings.filter(({ step }) => step === 'address').map(({ message }) => message);
    expect(addresses).toEqual(['it is in the list twice', `it is the same server as ${source.name}`]);
  });

  it('that a server is of another cluster', async () => {
    await using others = await startReplication({ kind: KIND, replicas: 1 });
    const [, stranger] = others.nodes as [ReplicatedNode, ReplicatedNode];
    const [first] = others.nodes as [ReplicatedNode];
    const there = await others.createAccount(first, GRANTS);
    await others.caughtUp(stranger, first);
    const diagnosis = await examine([urlOf(source), urlOf(replica), urlOf(stranger, there)]);
    const members = diagnosis.findings.filter(({ step }) => step === 'members');
    expect(members).toMatchObject([
      { node: stranger.name, status: 'fail', message: expect.stringContaining('does not belong to this cluster') },
    ]);
  });

  it('that nothing answers, that the password is wrong, and that a URL is not one', async () => {
    const closed = { host: '127.0.0.1', port: await freePort() };
    const diagnosis = await examine([urlOf(source, { ...account, password: 'wrong' }), urlOf(closed), 'b.example.com']);
    expect(troubles(diagnosis)).toMatchObject([
      { step: 'node', node: source.name, message: expect.stringContaining('Access denied') },
      { step: 'node', message: expect.stringContaining('ECONNREFUSED') },
      { step: 'node', status: 'fail' },
      { step: 'writer', message: 'no node takes writes; 2 did not answer' },
    ]);
  });

  it('that MySQL Router stands in between, by its name or by the servers that it leads to', async ({ skip }) => {
    skip(fetchedVersions('mysql') === undefined, 'MySQL Router comes with MySQL, which is not there.');
    await using named = await startMySqlRouter([source], { route: { client_ssl_mode: 'DISABLED', server_ssl_mode: 'PREFERRED' } });
    await using unnamed = await startMySqlRouter([source, replica]);
    const diagnosis = await examine([urlOf(named), urlOf(unnamed)]);
    expect(troubles(diagnosis)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ step: 'node', message: 'MySQL Router stands in between' }),
        expect.objectContaining({ step: 'address', message: '3 connections came to 2 servers' }),
      ]),
    );
  });
});
