import { AsyncLocalStorage } from 'node:async_hooks';
import type { Pool as CallbackPool, PoolConnection } from 'mysql2';
import { describe, expect, it } from 'vitest';
import * as mysql2 from '../../../src/mirror/mysql2.js';
import { withDeadline } from '../../../src/resilience/deadline/deadline.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { startStatementProxy } from '../../support/network/statement-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { errorOf, poolOf } from '../../support/pool-on-database.js';

/** Longer than any test: a caller that is answered before has not waited for it. */
const SLEEP = 'SELECT SLEEP(1000)';

type Runner = CallbackPool | PoolConnection;

function run(runner: Runner, method: 'query' | 'execute', sql: string | { sql: string; signal?: AbortSignal }): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, rows: unknown): void => (error == null ? resolve(rows) : reject(error));
    runner[method](sql as never, done as never);
  });
}

function borrow(pool: Pick<CallbackPool, 'getConnection'>): Promise<PoolConnection> {
  return new Promise((resolve, reject) => {
    pool.getConnection((error, connection) => (error === null ? resolve(connection) : reject(error)));
  });
}

function rowsOf(runner: Runner, sql: string): Promise<unknown[]> {
  return runner.query(sql).stream().toArray();
}

async function inTime(ms: number, code: string, work: () => Promise<unknown>): Promise<void> {
  expect(await errorOf(withDeadline(ms, work))).toMatchObject({ code });
}

/** Both pools that have mysql2's callback API: ours, and the one that stands in for mysql2's. */
const POOLS: readonly [string, (database: TestDatabase, port?: number) => CallbackPool][] = [
  ['pool.pool', (database, port = database.port) => poolOf(database, { port, connectionLimit: 1, acquireTimeout: 0 }).pool],
  ['poolwright/mysql2', (database, port = database.port) => mysql2.createPool({ ...database.connection, port, connectionLimit: 1 })],
];

function ended(pool: CallbackPool): Promise<void> {
  return new Promise((resolve) => {
    pool.end(() => resolve());
  });
}

describe.each(POOLS)('a deadline around work with callbacks: %s', (_, poolOn) => {
  it('bounds statements, of the pool, of a connection, and of a stream', async () => {
    await using database = await createDatabase();
    const pool = poolOn(database);
    await run(pool, 'query', 'SELECT 1');
    for (const method of ['query', 'execute'] as const) await inTime(500, 'POOL_QUERY_TIMEOUT', () => run(pool, method, SLEEP));
    await inTime(500, 'POOL_QUERY_TIMEOUT', () => rowsOf(pool, SLEEP));
    for (const method of ['query', 'execute'] as const) {
      await inTime(500, 'POOL_QUERY_TIMEOUT', async () => {
        const connection = await borrow(pool);
        await run(connection, method, SLEEP).finally(() => connection.release());
      });
    }
    expect(await run(pool, 'query', 'SELECT 7 AS a')).toEqual([{ a: 7 }]);
    await ended(pool);
  });

  it('bounds the wait for a connection', async () => {
    await using database = await createDatabase();
    const pool = poolOn(database);
    const held = await borrow(pool);
    await inTime(100, 'POOL_ACQUIRE_TIMEOUT', () => borrow(pool));
    await inTime(100, 'POOL_ACQUIRE_TIMEOUT', () => run(pool, 'query', 'SELECT 1'));
    await inTime(100, 'POOL_ACQUIRE_TIMEOUT', () => run(pool, 'execute', 'SELECT 1'));
    await inTime(100, 'POOL_ACQUIRE_TIMEOUT', () => rowsOf(pool, 'SELECT 1'));
    // The promise pool beside it is another view of the same one.
    await inTime(100, 'POOL_ACQUIRE_TIMEOUT', () => pool.promise().query('SELECT 1'));
    await inTime(100, 'POOL_ACQUIRE_TIMEOUT', () => pool.promise().query({ sql: 'SELECT 1', timeout: 900_000 }));
    held.release();
    expect(await run(pool, 'query', 'SELECT 7 AS a')).toEqual([{ a: 7 }]);
    await ended(pool);
  });

  it('lets nothing be started once it has passed, or was given up', async () => {
    await using database = await createDatabase();
    await using proxy = await startStatementProxy({ port: database.port });
    const pool = poolOn(database, proxy.port);
    await run(pool, 'query', 'SELECT 1');
    const before = proxy.statements.length;
    const nothing = async (code: string, acquireCode: string): Promise<void> => {
      expect(await errorOf(run(pool, 'query', 'SELECT 2'))).toMatchObject({ code });
      expect(await errorOf(run(pool, 'execute', 'SELECT 2'))).toMatchObject({ code });
      expect(await errorOf(rowsOf(pool, 'SELECT 2'))).toMatchObject({ code });
      expect(await errorOf(borrow(pool))).toMatchObject({ code: acquireCode });
    };
    await withDeadline(0, () => nothing('POOL_QUERY_TIMEOUT', 'POOL_ACQUIRE_TIMEOUT'));
    await withDeadline(AbortSignal.abort('gone'), () => nothing('POOL_ABORTED', 'POOL_ABORTED'));

    const connection = await borrow(pool);
    for (const limit of [0, AbortSignal.abort('gone')]) {
      const code = limit === 0 ? 'POOL_QUERY_TIMEOUT' : 'POOL_ABORTED';
      await withDeadline(limit, async () => {
        expect(await errorOf(run(connection, 'query', 'SELECT 2'))).toMatchObject({ code });
        expect(await errorOf(run(connection, 'execute', 'SELECT 2'))).toMatchObject({ code });
        expect(await errorOf(rowsOf(connection, 'SELECT 2'))).toMatchObject({ code });
      });
    }
    // Nor without a deadline, when its own signal has aborted already.
    const signal = AbortSignal.abort('gone');
    expect(await errorOf(run(connection, 'query', { sql: 'SELECT 2', signal }))).toMatchObject({ code: 'POOL_ABORTED', cause: 'gone' });
    expect(await errorOf(run(connection, 'execute', { sql: 'SELECT 2', signal }))).toMatchObject({ code: 'POOL_ABORTED', cause: 'gone' });
    expect(proxy.statements.length).toBe(before);
    expect(await run(connection, 'query', 'SELECT 7 AS a')).toEqual([{ a: 7 }]);
    connection.release();
    expect(await run(pool, 'query', 'SELECT 7 AS a')).toEqual([{ a: 7 }]);
    await ended(pool);
  });

  it('is that of the caller, not of the borrower that releases the connection', async () => {
    await using database = await createDatabase();
    const pool = poolOn(database);
    const caller = new AsyncLocalStorage<string>();
    const heard: (string | undefined)[] = [];
    const held = await borrow(pool);
    const waiting = caller.run('who asks', () =>
      Promise.all([
        new Promise((resolve) => {
          pool.query('SELECT SLEEP(0.3)', (error) => {
            heard.push(caller.getStore());
            resolve(error);
          });
        }),
        new Promise((resolve) => {
          pool.getConnection((error, connection) => {
            heard.push(caller.getStore());
            connection.query('SELECT SLEEP(0.3)', (failure: unknown) => {
              heard.push(caller.getStore());
              connection.release();
              resolve(error ?? failure);
            });
          });
        }),
      ]),
    );
    await caller.run('who gives back', () => withDeadline(100, async () => held.release()));
    expect(await waiting).toEqual([null, null]);
    expect(heard).toEqual(['who asks', 'who asks', 'who asks']);
    await ended(pool);
  });
});

describe('a statement whose signal has aborted already', () => {
  it('is not sent, wherever it is run', async () => {
    await using database = await createDatabase();
    await using proxy = await startStatementProxy({ port: database.port });
    await using pool = poolOf(database, { port: proxy.port });
    const statement = { sql: 'DELETE FROM mysql.user', signal: AbortSignal.abort('gone') };
    await using connection = await pool.getConnection();
    for (const sent of [pool.query(statement), pool.execute(statement), connection.query(statement), connection.execute(statement)])
      expect(await errorOf(sent)).toMatchObject({ code: 'POOL_ABORTED', cause: 'gone' });
    await pool.transaction(async (tx) => {
      expect(await errorOf(tx.query(statement))).toMatchObject({ code: 'POOL_ABORTED', cause: 'gone' });
      // It was not sent: the transaction continues.
      await tx.query('SELECT 1');
    });
    await waitFor('the transaction to be committed', () => proxy.statements.includes('COMMIT'));
    expect(proxy.statements.filter((sql) => sql.includes('mysql.user'))).toEqual([]);
    expect(pool.stats().kills).toBe(0);
  });
});

describe('a deadline around a cluster of pools', () => {
  it('bounds the wait and the statement', async () => {
    await using database = await createDatabase();
    const cluster = mysql2.createPoolCluster();
    cluster.add('one', { ...database.connection, connectionLimit: 1 });
    const of = cluster.of('*');
    const query = (sql: string): Promise<unknown> =>
      new Promise((resolve, reject) => {
        of.query(sql, (error: unknown, rows: unknown) => (error == null ? resolve(rows) : reject(error as Error)));
      });
    await query('SELECT 1');
    await inTime(500, 'POOL_QUERY_TIMEOUT', () => query(SLEEP));
    expect(await query('SELECT 7 AS a')).toEqual([{ a: 7 }]);
    await new Promise((resolve) => {
      cluster.end(resolve);
    });
  });
});
