import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool } from '../../../src/mysql/create-pool.js';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { type MovingName, movingName } from '../../support/network/moving-name.js';
import { startStatementProxy } from '../../support/network/statement-proxy.js';
import { startTcpProxy, type TcpProxy } from '../../support/network/tcp-proxy.js';
import { Writers } from '../../faults/support/writers.js';
import { errorOf, imbalanceOf, valueOf } from '../../support/pool-on-database.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { type Replication, startReplication } from '../../support/replication/replication.js';
import { chosenKind } from '../../support/sql-servers/kinds.js';
import { startWritersHaProxy } from '../../support/sql-servers/writers-haproxy.js';
import { waitFor } from '../../support/wait-for.js';

const KIND = chosenKind();
const READ_ONLY = 1290;

let servers: Replication;

beforeAll(async () => {
  servers = await startReplication({ kind: KIND, replicas: 1, proxied: false });
});

afterAll(() => servers[Symbol.asyncDispose]());

/** The two servers behind one name and one port, as before and after a fail-over. */
interface MovingServers extends AsyncDisposable {
  readonly name: MovingName;
  readonly port: number;
  /** Where the name must lead for this server. */
  addressOf(node: ReplicatedNode): string;
}

async function behindOneName([first, second]: readonly [ReplicatedNode, ReplicatedNode]): Promise<MovingServers> {
  const one = await startTcpProxy({ port: first.port, listen: { host: '127.0.0.2' } });
  const other: TcpProxy = await startTcpProxy({ port: second.port, listen: { host: '127.0.0.3', port: one.port } });
  const name = movingName('db.moving.example', one.host);
  return {
    name,
    port: one.port,
    addressOf: (node) => (node === first ? one.host : other.host),
    async [Symbol.asyncDispose]() {
      name[Symbol.dispose]();
      await Promise.all([one.stop(), other.stop()]);
    },
  };
}

function poolAt(host: string, port: number, options: PoolOptions): Pool {
  const { user, password, database } = servers;
  return createPool({ host, port, user, password, database, minIdle: 0, ssl: false, ...options });
}

function poolOn(node: ReplicatedNode, options: PoolOptions): Pool {
  return poolAt(node.host, node.port, options);
}

async function sourceAndReplica(): Promise<readonly [ReplicatedNode, ReplicatedNode]> {
  const [a, b] = servers.nodes as [ReplicatedNode, ReplicatedNode];
  return (await servers.status(a)) === undefined ? [a, b] : [b, a];
}

describe('a pool for writers', () => {
  it('I2, I4, I12: does not let its callers see that its name still leads to the old writer; they wait until it leads to the new one', async () => {
    const [source, replica] = await sourceAndReplica();
    await using moving = await behindOneName([source, replica]);
    await using pool = poolAt(moving.name.host, moving.port, { role: 'writer', connectionLimit: 4, acquireTimeout: 60_000 });
    await pool.query('CREATE TABLE IF NOT EXISTS moved (id INT AUTO_INCREMENT PRIMARY KEY)');
    await pool.query('DELETE FROM moved');
    await servers.switchOver(source, replica);

    // As in a pool of any role: the server itself says it to the first who writes, and all connections are given up.
    expect(await errorOf(pool.query('INSERT INTO moved VALUES ()'))).toMatchObject({ errno: READ_ONLY });
    const lookups = moving.name.lookups;
    let settled = 0;
    const writes = Array.from({ length: 20 }, () =>
      pool.query('INSERT INTO moved VALUES ()').finally(() => {
        settled += 1;
      }),
    );
    await waitFor('a few connections to the old writer', () => pool.stats().closedByReason.role >= 4);
    expect(settled).toBe(0);
    expect(pool.stats()).toMatchObject({ waiting: 20, connectErrors: 0, breakers: { connect: { state: 'closed' } } });
    expect(moving.name.lookups - lookups).toBeGreaterThanOrEqual(4);
    expect((await pool.health()).message).toContain('is not a writer');

    moving.name.moveTo(moving.addressOf(replica));
    await Promise.all(writes);
    expect(Number(await valueOf(pool, '(SELECT COUNT(*) FROM moved)'))).toBe(20);
    expect(await valueOf(pool, '@@server_id')).toBe(replica.serverId);
    expect(imbalanceOf(pool.stats())).toEqual([]);
  });

  it('reports to a caller whose time is up what it found, and where', async () => {
    const [source, replica] = await sourceAndReplica();
    await using moving = await behindOneName([replica, source]);
    await using pool = poolAt(moving.name.host, moving.port, { role: 'writer', acquireTimeout: 1_500 });
    const error = await errorOf(pool.query('SELECT 1'));
    expect(error).toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT', reason: 'unreachable', cause: { code: 'POOL_ENDPOINT_POISONED' } });
    expect(error.message).toContain(
      `: the pool connects, but db.moving.example:${moving.port}, which is 127.0.0.2 now, is not a writer (read_only = ON). Pool`,
    );
    const ready = await errorOf(pool.ready({ timeout: 500 }));
    expect(ready.message).toContain('is not a writer (read_only = ON)');
  });

  it('checks before any code of the application sees the connection, and again for each that it opens', async () => {
    const [source, replica] = await sourceAndReplica();
    let set = 0;
    const onConnect = (): void => {
      set += 1;
    };
    await using pool = poolOn(replica, { role: 'writer', acquireTimeout: 1_000, onConnect });
    let announced = 0;
    pool.pool.on('connection', () => {
      announced += 1;
    });
    await errorOf(pool.query('SELECT 1'));
    expect([set, announced]).toEqual([0, 0]);

    await using right = poolOn(source, { role: 'writer', onConnect });
    await right.query('SELECT 1');
    expect(set).toBe(1);
    expect(right.stats().closedByReason.role).toBe(0);
  });

  it.for([
    ['Aurora', 'innodb_read_only'],
    ['TiDB', 'tidb_super_read_only'],
  ] as const)("takes %s's word for it (imitated: its answer to the question)", async ([, variable]) => {
    const [source] = await sourceAndReplica();
    const answers = [`SELECT '${variable}', 'ON' UNION SELECT 'read_only', 'OFF'`, `SELECT '${variable}', 'OFF'`];
    await using proxy = await startStatementProxy({
      port: source.port,
      onStatement: ({ sql, replace }) => {
        if (sql.startsWith('SHOW GLOBAL VARIABLES')) replace(answers.shift() as string);
      },
    });
    await using pool = poolAt(proxy.host, proxy.port, { role: 'writer', connectionLimit: 1 });
    await pool.query('SELECT 1');
    expect(pool.stats().closedByReason.role).toBe(1);
  });
});

describe('a switch of the writer behind an HAProxy that asks who takes writes', () => {
  /** What a node has in the table, no matter which client wrote it. */
  const ledgerOf = (node: ReplicatedNode): { admin: never } => ({
    admin: ((sql: string) => node.admin(`USE ${servers.database}`, sql)) as never,
  });
  const WRITES = 40;

  it.for(['any', 'writer'] as const)('loses no write, and none reaches the old writer: role %s', async (role, { annotate }) => {
    const [source, replica] = await sourceAndReplica();
    await source.admin(
      `USE ${servers.database}`,
      'DROP TABLE IF EXISTS ledger',
      'CREATE TABLE ledger (id INT PRIMARY KEY, note VARCHAR(100)) ENGINE = InnoDB',
    );
    await using proxy = await startWritersHaProxy([source, replica]);
    await using pool = poolAt(proxy.host, proxy.port, { role, connectionLimit: 8, acquireTimeout: 60_000 });
    const writers = new Writers(pool, 16);
    await waitFor('writes before the switch', () => writers.countOf('ok') >= WRITES);
    const switchedAt = performance.now();
    await servers.switchOver(source, replica);
    const before = writers.countOf('ok');
    await waitFor('writes after the switch', () => writers.countOf('ok') >= before + WRITES);
    const againMs = Math.round(performance.now() - switchedAt);
    await writers.stop();
    expect(await valueOf(pool, '@@server_id')).toBe(replica.serverId);

    expect(await writers.lies(ledgerOf(replica))).toEqual([]);
    // What the old writer has comes from the new one alone: replication continues, and both have the same.
    await servers.caughtUp(source, replica);
    expect(await writers.lies(ledgerOf(source))).toEqual([]);
    const outcomes = writers.outcomes();
    await annotate(`role ${role}: ${JSON.stringify(outcomes)}; ${WRITES} writes ${againMs} ms after the switch began`);
    const expected = [
      'ok',
      'ER_OPTION_PREVENTS_STATEMENT',
      'POOL_CONNECTION_LOST',
      'POOL_COMMIT_UNKNOWN',
      'POOL_CONNECT_FAILED',
      'POOL_BREAKER_OPEN',
    ];
    expect(Object.keys(outcomes).filter((outcome) => !expected.includes(outcome))).toEqual([]);
    expect(imbalanceOf(pool.stats())).toEqual([]);
  });
});

describe('a pool for readers', () => {
  it('takes a server that is read-only, and one that only replicates; no other', async () => {
    const [source, replica] = await sourceAndReplica();
    await using pool = poolOn(replica, { role: 'reader' });
    expect(await valueOf(pool, '@@server_id')).toBe(replica.serverId);

    await using wrong = poolOn(source, { role: 'reader', acquireTimeout: 1_000 });
    expect((await errorOf(wrong.query('SELECT 1'))).message).toContain(
      'is not a reader (read_only = OFF, and this user may not ask whether it replicates: Access denied',
    );

    const account = await servers.createAccount(source, [KIND === 'mysql' ? 'REPLICATION CLIENT ON *.*' : 'SLAVE MONITOR ON *.*']);
    await servers.caughtUp(replica, source);
    await using informed = poolOn(source, { role: 'reader', acquireTimeout: 1_000, ...account, database: '' });
    expect((await errorOf(informed.query('SELECT 1'))).message).toContain('is not a reader (read_only = OFF, and it does not replicate)');

    await replica.admin(...(KIND === 'mysql' ? ['SET GLOBAL super_read_only = OFF'] : []), 'SET GLOBAL read_only = OFF');
    await using open = poolOn(replica, { role: 'reader', ...account, database: '' });
    expect(await valueOf(open, '@@server_id')).toBe(replica.serverId);
    await servers.demote(replica);
  });
});

describe('a pool for any server', () => {
  it('asks nothing', async () => {
    const [, replica] = await sourceAndReplica();
    await using proxy = await startStatementProxy({ port: replica.port });
    await using pool = poolAt(proxy.host, proxy.port, {});
    await pool.query('SELECT 1');
    expect(proxy.statements.filter((sql) => sql.startsWith('SHOW'))).toEqual([]);
  });

  it('is the default, and other words are refused by name', async () => {
    const [source] = await sourceAndReplica();
    expect(() => poolOn(source, { role: 'master' as never })).toThrow("role must be one of 'any', 'writer', 'reader'; given: 'master'.");
  });
});
