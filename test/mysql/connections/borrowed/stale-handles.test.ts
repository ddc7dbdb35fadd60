import { describe, expect, it } from 'vitest';
import type { PoolConnection } from '../../../../src/mysql/connections/borrowed-connection.js';
import type { Pool } from '../../../../src/mysql/pools/pool.js';
import { borrowByCallback, errorOf, openPool, outcomeOf, valueOf } from '../../../support/pool-on-database.js';

describe('I1: a promise connection that was released, while another borrower has the same one', () => {
  const late: readonly (readonly [string, (connection: PoolConnection, pool: Pool) => unknown])[] = [
    ['end()', (connection) => connection.end()],
    ['pool.pool.releaseConnection()', (connection, pool) => pool.pool.releaseConnection(connection)],
    ['close()', (connection) => (connection as unknown as { close(): void }).close()],
    ['pause()', (connection) => connection.pause()],
  ];

  it.each(late)('does not reach it by a late %s', async (_, call) => {
    await using fixture = await openPool({ connectionLimit: 1, validationTimeout: 60_000 });
    const { pool } = fixture;
    const first = await pool.getConnection();
    first.release();
    const second = await pool.getConnection();
    try {
      await call(first, pool);
      expect([second.active, pool.summary().used]).toEqual([true, 1]);
      expect(await valueOf(second, "'mine'")).toBe('mine');
    } finally {
      second.destroy();
    }
  });
});

describe('I1: a callback connection that was released, while another borrower has the same one', () => {
  it('is not released again by a late release() of the first, when the other borrowed it as a promise', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const first = await borrowByCallback(pool);
    first.release();
    const second = await pool.getConnection();
    first.release();
    expect([second.active, pool.summary().used]).toEqual([true, 1]);
    second.release();
  });

  it('is not closed by a late destroy() of the first, in the middle of a statement of the pool', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const first = await borrowByCallback(pool);
    first.release();
    const running = outcomeOf(pool.query('SELECT SLEEP(0.02) AS slept'));
    first.destroy();
    expect(await running).toMatchObject({ value: [[{ slept: 0 }], expect.anything()] });
  });

  it('of the promise view of the callback pool, which Drizzle uses, is not released twice', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const view = pool.pool.promise();
    const first = await view.getConnection();
    first.release();
    const second = await view.getConnection();
    first.release();
    expect(pool.summary().used).toBe(1);
    second.release();
  });
});

describe('use after release', () => {
  it('of a prepared statement is refused, as that of its connection is', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const connection = await fixture.pool.getConnection();
    const statement = await connection.prepare('SELECT 1');
    connection.release();
    await expect(statement.execute([])).rejects.toMatchObject({ code: 'POOL_RELEASED' });
  });
});

describe('a borrower whose pool was ended', () => {
  it('says that the pool is closed, not that it has released the connection', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    const running = outcomeOf(connection.query('SELECT SLEEP(0.05)'));
    const ended = pool.end();
    const error = await errorOf(connection.query('SELECT 1'));
    await Promise.all([running, ended]);
    expect(error).toMatchObject({ code: 'POOL_CLOSED' });
  });
});
