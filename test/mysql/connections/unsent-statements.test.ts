/** Statements that were not run when their connection was lost: their errors say so in every door, and what may run again does. */
import type { Socket } from 'node:net';
import type { Connection } from 'mysql2';
import { describe, expect, it } from 'vitest';
import { createPool as createMirror } from '../../../src/mirror/mysql2.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { createDatabase } from '../../support/servers/database.js';
import { differs } from '../../support/sql-servers/this-server.js';
import { borrowByCallback, connectionId, errorOf, openPool, poolOf, valueOf } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';

const SHORT_IDLE_TIME = 'SET SESSION wait_timeout = 1';
const SLEEP = 'SELECT SLEEP(10)';

/** What an error says of the effect of its statement. */
function told({ code, effect, message }: Error & { code?: string; effect?: string }): unknown {
  return [code, effect, /was sent: it took no effect|it took no effect|is not known/u.exec(message)?.[0]];
}

const NOT_SENT = ['POOL_CONNECTION_LOST', 'none', 'was sent: it took no effect'];
const NOT_RUN = ['POOL_CONNECTION_LOST', 'none', 'it took no effect'];
const UNKNOWN = ['POOL_CONNECTION_LOST', undefined, 'is not known'];

/** What becomes of a statement that a connection gets after the server has closed it, and before that is known here. */
const MISSED = (): unknown => (differs('saysWhyItLeaves') ? NOT_RUN : UNKNOWN);

/** A pool behind a network that holds up what the server says until the test lets it pass. */
async function openBehindProxy(options: PoolOptions = {}) {
  const database = await createDatabase();
  const proxy = await startTcpProxy(database);
  const pool = poolOf(database, { port: proxy.port, connectionLimit: 1, validateAfterIdle: 3_600_000, ...options });
  return {
    pool,
    proxy,
    database,
    /** Returns when the server has closed a connection that this side takes for open. */
    async idleCutUnseen(): Promise<void> {
      proxy.pause();
      await waitFor('the server to close it', async () => (await database.serverConnections()) === 0);
    },
    async [Symbol.asyncDispose]() {
      proxy.resume();
      await pool.end();
      await proxy[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

function noticed(pool: Pool): Promise<void> {
  return new Promise((resolve) => {
    const stop = pool.watch('failed', () => {
      stop();
      resolve();
    });
  });
}

function calledBack(run: (done: (error: Error | null) => void) => unknown): Promise<Error> {
  return new Promise((resolve, reject) => {
    run((error) => (error === null ? reject(new Error('It did not fail.')) : resolve(error)));
  });
}

describe('a connection that the server has cut while it was idle in a borrower’s hands', () => {
  it('sends none of the borrower’s statements, and their errors say so, and why', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    const prepared = await connection.prepare('DO 0');
    const failed = noticed(pool);
    await connection.query(SHORT_IDLE_TIME);
    await failed;
    const calls = [
      () => connection.query('DO 0'),
      () => connection.execute('DO 0'),
      () => prepared.execute([]),
      () => connection.prepare('DO 1'),
      () => connection.beginTransaction(),
      () => connection.ping(),
    ];
    for (const call of calls) {
      const error = await errorOf(call());
      expect(told(error)).toEqual(NOT_SENT);
      const reason = (error.cause as Error).cause;
      if (differs('saysWhyItLeaves')) {
        expect(reason).toMatchObject({ errno: 4031, code: 'ER_CLIENT_INTERACTION_TIMEOUT', sqlState: 'HY000' });
        expect(error.message).toMatch(/inactivity/u);
      } else expect(reason).toMatchObject({ code: expect.stringMatching(/PROTOCOL_CONNECTION_LOST|ECONNRESET/u) });
    }
    connection.release();
  });

  it('says so to callbacks and streams, also in the place of mysql2', async () => {
    await using database = await createDatabase();
    await using pool = poolOf(database, { connectionLimit: 1 });
    const mirror = createMirror({ ...database.connection, connectionLimit: 1 });
    const borrowed: Connection[] = [
      await borrowByCallback(pool),
      await new Promise((resolve, reject) => {
        mirror.getConnection((error, connection) => (error ? reject(error) : resolve(connection)));
      }),
    ];
    for (const connection of borrowed) {
      const ended = new Promise((resolve) => {
        (connection as unknown as { stream: Socket }).stream.once('close', resolve);
      });
      await new Promise((resolve) => {
        connection.query(SHORT_IDLE_TIME, resolve);
      });
      await ended;
      const errors = [
        await calledBack((done) => connection.query('DO 0', done)),
        await calledBack((done) => connection.execute('DO 0', done)),
        await errorOf(connection.query('SELECT 1').stream().toArray()),
      ];
      for (const error of errors) {
        expect(error).toMatchObject({ code: 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR', effect: 'none' });
        if (differs('saysWhyItLeaves')) expect(error.cause).toMatchObject({ errno: 4031 });
      }
      connection.destroy();
    }
    await new Promise((resolve) => {
      mirror.end(resolve);
    });
  });
});

describe('a statement that crosses with the server’s last word', () => {
  it('was not run where the server gives one, no matter which method sent it', async () => {
    const calls: ((connection: Awaited<ReturnType<Pool['getConnection']>>) => Promise<unknown>)[] = [
      (connection) => connection.query('DO 0'),
      (connection) => connection.beginTransaction(),
      (connection) => connection.ping(),
    ];
    for (const call of calls) {
      await using fixture = await openBehindProxy();
      const connection = await fixture.pool.getConnection();
      await connection.query(SHORT_IDLE_TIME);
      await fixture.idleCutUnseen();
      const failure = errorOf(call(connection));
      fixture.proxy.resume();
      const error = await failure;
      expect(told(error)).toEqual(MISSED());
      if (differs('saysWhyItLeaves')) expect(error).toMatchObject({ errno: 4031, cause: { code: 'ER_CLIENT_INTERACTION_TIMEOUT' } });
      connection.release();
      expect(fixture.pool.stats().closedByReason.lost).toBe(1);
    }
  });

  it('is run again by the pool although it writes, where it is known that it was not run', async () => {
    await using fixture = await openBehindProxy({ hygiene: 'never' });
    const { pool, proxy, database } = fixture;
    await database.admin('CREATE TABLE t (id INT)');
    await pool.query(SHORT_IDLE_TIME);
    await fixture.idleCutUnseen();
    const written = pool.query('INSERT INTO t VALUES (1)').catch((error: Error) => error);
    proxy.resume();
    if (differs('saysWhyItLeaves')) {
      expect(await written).not.toBeInstanceOf(Error);
      expect(await valueOf(pool, '(SELECT COUNT(*) FROM t)')).toBe(1);
    } else expect(told((await written) as Error)).toEqual(UNKNOWN);
  });

  it('when it is the BEGIN of a transaction, costs nothing: the transaction begins on another connection', async () => {
    await using fixture = await openBehindProxy({ hygiene: 'never' });
    const { pool, proxy, database } = fixture;
    await database.admin('CREATE TABLE t (id INT)');
    const first = await connectionId(pool);
    await pool.query(SHORT_IDLE_TIME);
    await fixture.idleCutUnseen();
    let runs = 0;
    const done = pool.transaction(async (tx) => {
      runs += 1;
      await tx.query('INSERT INTO t VALUES (1)');
      return await connectionId(tx);
    });
    proxy.resume();
    expect(await done).not.toBe(first);
    expect(runs).toBe(1);
    expect(await valueOf(pool, '(SELECT COUNT(*) FROM t)')).toBe(1);
  });

  it('when it is COMMIT, is known to have committed nothing where the server gives one', async () => {
    await using fixture = await openBehindProxy();
    const { pool, proxy, database } = fixture;
    await database.admin('CREATE TABLE t (id INT)');
    const error = await errorOf(
      pool.transaction(async (tx) => {
        await tx.query('INSERT INTO t VALUES (1)');
        await tx.query(SHORT_IDLE_TIME);
        await fixture.idleCutUnseen();
        setImmediate(() => proxy.resume());
      }),
    );
    if (differs('saysWhyItLeaves')) expect(told(error)).toEqual(NOT_RUN);
    else expect(error).toMatchObject({ code: 'POOL_COMMIT_UNKNOWN' });
    expect(await valueOf(pool, '(SELECT COUNT(*) FROM t)')).toBe(0);
  });
});

describe('statements behind one that runs', () => {
  it('were not sent when the connection is lost, while the effect of that one is not known', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const connection = await pool.getConnection();
    const prepared = await connection.prepare('DO 0');
    const running = errorOf(connection.query(SLEEP));
    const behind = [
      errorOf(connection.query('DO 0')),
      errorOf(connection.execute('DO 0')),
      errorOf(connection.execute('DO 1')),
      errorOf(prepared.execute([])),
      errorOf(connection.commit()),
    ];
    await waitFor('it to run', async () => (await database.processlist()).some(({ info }) => info === SLEEP));
    await database.killConnections();
    expect(told(await running)).toEqual(UNKNOWN);
    for (const error of await Promise.all(behind)) expect(told(error)).toEqual(NOT_SENT);
    connection.release();
  });

  it('say so by callback and stream with mysql2’s own code', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const connection = await borrowByCallback(pool);
    const running = calledBack((done) => connection.query(SLEEP, done));
    const behind = [
      calledBack((done) => connection.query('DO 0', done)),
      calledBack((done) => connection.execute('DO 0', done)),
      errorOf(connection.query('SELECT 1').stream().toArray()),
      calledBack((done) => connection.beginTransaction(done)),
    ];
    await waitFor('it to run', async () => (await database.processlist()).some(({ info }) => info === SLEEP));
    await database.killConnections();
    expect(await running).not.toHaveProperty('effect');
    for (const error of await Promise.all(behind)) expect(error).toMatchObject({ effect: 'none', fatal: true });
    connection.release();
  });

  it('were not run when they were only being prepared', async () => {
    await using fixture = await openBehindProxy();
    const { pool, proxy } = fixture;
    const connection = await pool.getConnection();
    proxy.pause();
    const failures = [errorOf(connection.execute('DO 0')), errorOf(connection.prepare('DO 1'))];
    proxy.reset();
    const [executed, prepared] = await Promise.all(failures);
    expect([told(executed as Error), told(prepared as Error)]).toEqual([NOT_RUN, NOT_SENT]);
    connection.release();
  });
});
