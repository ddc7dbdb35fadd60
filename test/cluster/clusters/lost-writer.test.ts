import { beforeAll, describe, expect, it } from 'vitest';
import type { Cluster, ClusterOptions } from '../../../src/cluster/index.js';
import type { PoolError } from '../../../src/engine/index.js';
import { pools } from '../../../src/mysql/registry.js';
import { errorOf, outcomeOf, valueOf } from '../../support/pool-on-database.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { statementsOf } from '../../support/replication/statements.js';
import { waitFor } from '../../support/wait-for.js';
import { disposableCluster, LONG, sharedSourceAndReplica } from '../support/source-and-replica.js';

const shared = sharedSourceAndReplica();

beforeAll(async () => {
  await shared.source.admin(`CREATE TABLE ${shared.servers.database}.written (value INT)`);
});

function openCluster(options: Partial<ClusterOptions> = {}): Cluster & AsyncDisposable {
  return disposableCluster({
    nodes: [shared.source.url(), shared.replica.url()],
    name: 'shop',
    discovery: 'static',
    connectionLimit: 4,
    acquireTimeout: 15_000,
    ...options,
  });
}

function writerOf(db: Cluster, name: string | undefined): Promise<unknown> {
  return waitFor(
    `the writer to be ${name}`,
    () => db.topology(),
    ({ writer }) => writer === name,
    LONG,
  );
}

async function letWrite(node: ReplicatedNode): Promise<void> {
  await node.admin(...statementsOf(shared.servers.kind).readOnly(false));
}

/** Asks again at once until it is answered. Throws when nothing else has had its turn for a long time. */
async function insist(work: () => Promise<unknown>): Promise<void> {
  let refusals = 0;
  const turn = setInterval(() => {
    refusals = 0;
  }, 0);
  try {
    while ('error' in (await outcomeOf(work()))) {
      refusals += 1;
      if (refusals > 50_000) throw new Error('The event loop does not turn.');
    }
  } finally {
    clearInterval(turn);
  }
}

/** Runs work while the only writer takes no writes. */
async function withoutWriter(work: () => Promise<void>): Promise<void> {
  await shared.servers.demote(shared.source);
  try {
    await work();
  } finally {
    await letWrite(shared.source);
  }
}

describe('a cluster and its callers', () => {
  it('is a pool: it is listed, borrows, commits, and calls back', async () => {
    await using db = openCluster();
    expect(pools().get('shop')).toBe(db);
    await db.ready({ timeout: 30_000 });
    expect(db.options).toMatchObject({ endpoint: { port: shared.source.port }, user: shared.servers.user });
    await db.transaction(async (tx) => void (await tx.query('INSERT INTO written VALUES (1)')));
    const connection = await db.getConnection();
    expect(await valueOf(connection, '@@port')).toBe(shared.source.server.port);
    connection.release();
    const rows = await new Promise((resolve, reject) => {
      db.pool.query('SELECT 1 AS one', (error, result) => (error === null ? resolve(result) : reject(error)));
    });
    expect(rows).toEqual([{ one: 1 }]);
    expect(db.stats()).toMatchObject({ name: 'shop', limit: 4 });
    const message = `the writer is ${shared.source.name}`;
    const checksOf = async (): Promise<void> =>
      expect((await db.health({ deep: true })).checks).toContainEqual({ name: 'writer', status: 'pass', message });
    await waitFor('the health of the writer', () => checksOf().then(() => true));
  });

  it('reports to callers whose time is up that there is no writer, and since when', async () => {
    await using db = openCluster();
    await db.query('DO 0');
    const changes: string[] = [];
    const stop = db.watch('topologyChanged', ({ message }) => void changes.push(message));
    await withoutWriter(async () => {
      await writerOf(db, undefined);
      const error = (await errorOf(db.getConnection({ timeout: 300 }))) as PoolError;
      expect(error).toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT', reason: 'unreachable' });
      expect(error.message).toContain('no server takes writes since');
      expect(error.message).toContain(`${shared.source.name} is `);
      expect(await db.health()).toMatchObject({ status: 'unhealthy' });
    });
    // Callers that wait meanwhile are served.
    await db.query('INSERT INTO written VALUES (2)');
    stop();
    expect(changes.some((message) => message.startsWith('no node is the writer'))).toBe(true);
    expect(changes).toContain(`${shared.source.name} is the writer again`);
    expect(db.clusterStats()).toMatchObject({ writerChanges: 0, withoutWriterMs: 0 });
  });

  it('runs a transaction that the writer refuses on the next writer, from its beginning', async () => {
    await using db = openCluster();
    await db.query('DO 0');
    let runs = 0;
    let demoted: Promise<void> | undefined;
    await db.transaction(async (tx) => {
      runs += 1;
      await tx.query('SELECT 1');
      demoted ??= shared.servers.demote(shared.source);
      await demoted;
      if (runs > 1) return void (await tx.query('INSERT INTO written VALUES (3)'));
      setImmediate(() => void letWrite(shared.source));
      await tx.query('INSERT INTO written VALUES (3)');
    });
    expect(runs).toBe(2);
    const [rows] = await db.query('SELECT COUNT(*) AS count FROM written WHERE value = 3');
    expect(rows).toEqual([{ count: 1 }]);
  });

  it('says of a node what keeps the monitor out, and continues without it', async () => {
    const url = shared.replica.url({ database: shared.servers.database });
    await using db = openCluster({ nodes: [shared.source.url(), url.replace(shared.servers.password, 'wrong')] });
    await db.query('DO 0');
    const node = await waitFor(
      'the node to be unfit',
      () => db.topology().nodes.find(({ name }) => name === shared.replica.name),
      (found) => found?.state === 'unfit',
    );
    expect(node?.reason).toMatch(/the monitor is refused: Access denied/u);
    expect(db.topology().writer).toBe(shared.source.name);
  });

  it('ends with everything that it has opened', async () => {
    const db = openCluster();
    await db.query('DO 0');
    expect(await db.nodes[1]?.readPool().query('SELECT 1 AS one')).toBeDefined();
    expect(pools().has(`shop/reader@${shared.replica.name}`)).toBe(true);
    const report = await db.drain({ timeout: 5_000 });
    expect(report.complete).toBe(true);
    expect([...pools().keys()].filter((name) => name.startsWith('shop'))).toEqual([]);
    for (const node of [shared.source, shared.replica]) {
      await waitFor(
        `no connection to ${node.name}`,
        () => node.admin(`SELECT COUNT(*) AS count FROM information_schema.PROCESSLIST WHERE USER = '${shared.servers.user}'`),
        ([row]) => Number(row?.['count']) === 0,
      );
    }
  });

  it('ends a statement early whose server does not answer any more', async () => {
    await using db = openCluster({ failureDetection: { after: 200, interval: 200, count: 2 } });
    await db.query('DO 0');
    const running = errorOf(db.query('SELECT SLEEP(60)'));
    await waitFor('the statement to run', () => db.stats().used === 1);
    await shared.source.server.kill('SIGSTOP');
    try {
      const error = await running;
      expect(error).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
      expect(error.message).toContain(`${shared.source.name} did not answer 2 probes`);
    } finally {
      await shared.source.server.kill('SIGCONT');
    }
    await db.query('DO 0');
  });

  it('lets a long statement run while its server answers', async () => {
    await using db = openCluster({ failureDetection: { after: 50, interval: 250, count: 3 } });
    expect(await valueOf(db, 'SLEEP(1)')).toBe(0);
  });

  // The last one: afterwards the two are no pair any more.
  it('writes nothing to a writer that stood still while another one was promoted', async () => {
    await using db = openCluster({ acquireTimeout: 60_000 });
    const connection = await db.getConnection();
    await connection.query('DO 0');
    await shared.source.server.kill('SIGSTOP');
    const late = errorOf(connection.query('INSERT INTO written VALUES (-1)'));
    const waiting = db.query('INSERT INTO written VALUES (4)');
    await writerOf(db, undefined);
    await shared.servers.failOver(shared.replica, []);
    await writerOf(db, shared.replica.name);
    expect(await late).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
    connection.release();
    await waiting.catch((error: PoolError) => expect(error.code).toBe('POOL_CONNECTION_LOST'));
    await db.query('INSERT INTO written VALUES (5)');
    await shared.source.server.kill('SIGCONT');
    await waitFor('two writers', () => db.topology().ambiguous.length === 2, Boolean, LONG);
    expect(await errorOf(db.query('INSERT INTO written VALUES (-2)'))).toMatchObject({ code: 'POOL_WRITER_AMBIGUOUS' });
    const rows = await shared.source.admin(`SELECT value FROM ${shared.servers.database}.written WHERE value IN (4, 5, -2)`);
    expect(rows).toEqual([]);

    const insisting = insist(() => db.query('INSERT INTO written VALUES (6)'));
    await shared.servers.demote(shared.source);
    await insisting;
    expect(db.topology().writer).toBe(shared.replica.name);
  });
});
