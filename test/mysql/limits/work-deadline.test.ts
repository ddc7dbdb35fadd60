import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withDeadline } from '../../../src/resilience/deadline/deadline.js';
import { startStatementProxy } from '../../support/network/statement-proxy.js';
import { createDatabase } from '../../support/servers/database.js';
import { errorOf, imbalanceOf, openPool, poolOf, valueOf } from '../../support/pool-on-database.js';

/** Longer than any test: a caller that is answered before has not waited for it. */
const SLEEP = 'SELECT SLEEP(1000)';

describe('a deadline around work with a pool', () => {
  it('bounds statements, on the pool, on a borrowed connection, and in a transaction', async () => {
    await using fixture = await openPool({ connectionLimit: 4 });
    const { pool } = fixture;
    await Promise.all([1, 2, 3, 4].map(() => pool.query('SELECT SLEEP(0.05)')));
    const works: (() => Promise<unknown>)[] = [
      () => pool.query(SLEEP),
      () => pool.query({ sql: SLEEP, timeout: 900_000 }),
      () => pool.execute('SELECT SLEEP(?)', [1_000]),
      async () => {
        await using connection = await pool.getConnection();
        await connection.query(SLEEP);
      },
      () => pool.transaction((tx) => tx.query(SLEEP)),
    ];
    for (const work of works) expect(await errorOf(withDeadline(1_000, work))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    expect(await valueOf(pool, '7')).toBe(7);
  });

  it('bounds the wait for a connection, and leaves a stricter limit as it is', async () => {
    await using fixture = await openPool({ connectionLimit: 1, acquireTimeout: 0 });
    const { pool } = fixture;
    await using _ = await pool.getConnection();
    const works: (() => Promise<unknown>)[] = [
      () => pool.getConnection(),
      () => pool.query('SELECT 1'),
      () => pool.transaction((tx) => tx.query('SELECT 1')),
    ];
    for (const work of works) expect(await errorOf(withDeadline(100, work))).toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT' });
    expect(await errorOf(withDeadline(900_000, () => pool.getConnection({ timeout: 50 })))).toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT' });
    expect(imbalanceOf(pool.stats())).toEqual([]);
  });

  it('lets nothing be started once it has passed: no statement is sent, no connection lent', async () => {
    await using database = await createDatabase();
    await using proxy = await startStatementProxy({ port: database.port });
    await using pool = poolOf(database, { port: proxy.port });
    await pool.query('SELECT 1');
    await using connection = await pool.getConnection();
    const before = proxy.statements.length;
    const { acquires } = pool.stats();
    await withDeadline(5, async () => {
      await delay(20);
      expect(await errorOf(pool.query('SELECT 2'))).toMatchObject({
        code: 'POOL_QUERY_TIMEOUT',
        message: 'The deadline had passed before the statement was started: nothing was sent.',
      });
      expect(await errorOf(pool.execute('SELECT 2'))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
      expect(await errorOf(connection.query('SELECT 2'))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
      expect(await errorOf(pool.getConnection())).toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT' });
      expect(await errorOf(pool.transaction((tx) => tx.query('SELECT 2')))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    });
    expect(proxy.statements.length).toBe(before);
    expect(pool.stats().acquires).toBe(acquires);
    expect(await valueOf(connection, '7')).toBe(7);
  });

  it('may be a signal, such as that of a request whose client has gone', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    const controller = new AbortController();
    const running = errorOf(withDeadline(controller.signal, () => pool.query(SLEEP)));
    await delay(50);
    controller.abort('gone');
    expect(await running).toMatchObject({ code: 'POOL_ABORTED', cause: 'gone' });
    const other = new AbortController();
    const late = withDeadline(other.signal, () => pool.query({ sql: SLEEP, signal: AbortSignal.timeout(50) }));
    expect(await errorOf(late)).toMatchObject({ code: 'POOL_ABORTED' });
  });

  it('does not keep the pool from cleaning up: what a transaction did is rolled back, and the session is reset', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('CREATE TABLE t (a INT)');
    const work = () =>
      pool.transaction(async (tx) => {
        await tx.query('INSERT INTO t VALUES (1)');
        await tx.query('SET @mine = 5');
        await tx.query(SLEEP);
      });
    expect(await errorOf(withDeadline(1_500, work))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    expect(await valueOf(pool, '(SELECT COUNT(*) FROM t)')).toBe(0);
    expect(await valueOf(pool, '@mine')).toBeNull();
  });

  it('bounds a part of a transaction, too', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('CREATE TABLE t (a INT)');
    const error = await errorOf(
      pool.transaction(async (tx) => {
        await tx.query('INSERT INTO t VALUES (1)');
        await withDeadline(1_000, () => tx.query(SLEEP));
      }),
    );
    expect(error).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    expect(await valueOf(pool, '(SELECT COUNT(*) FROM t)')).toBe(0);
  });

  it.each([Number.POSITIVE_INFINITY, 2 ** 31 - 1, 2 ** 31, Number.MAX_VALUE])('of %d ms is no limit to anything shorter', async (limit) => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const warnings: string[] = [];
    const note = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', note);
    await withDeadline(limit, async () => {
      const each = [
        pool.query('SELECT SLEEP(0.02)'),
        pool.execute('SELECT ?', [1]),
        pool.query({ sql: 'SELECT SLEEP(0.02)', timeout: 2 ** 31 }),
        pool.transaction((tx) => tx.query('SELECT SLEEP(0.02)')),
        pool.getConnection().then((connection) => connection.release()),
        new Promise((resolve, reject) => {
          pool.pool.query('SELECT SLEEP(0.02)', (error, rows) => (error === null ? resolve(rows) : reject(error)));
        }),
      ];
      expect((await Promise.allSettled(each)).map(({ status }) => status)).toEqual(each.map(() => 'fulfilled'));
    });
    await delay(10);
    process.off('warning', note);
    expect(warnings).not.toContain('TimeoutOverflowWarning');
  });

  it('ends with its own work: the one around it continues', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    await pool.query('SELECT 1');
    await withDeadline(60_000, async () => {
      expect(await errorOf(withDeadline(100, () => pool.query(SLEEP)))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
      expect(await valueOf(pool, '7')).toBe(7);
    });
  });

  it('costs nothing but itself: work beside it has no limit', async () => {
    await using fixture = await openPool({ connectionLimit: 2 });
    const { pool } = fixture;
    const beside = valueOf(pool, 'SLEEP(0.3)');
    await errorOf(withDeadline(50, () => pool.query(SLEEP)));
    expect(await beside).toBe(0);
  });
});
