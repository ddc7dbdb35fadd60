import type { PoolConnection as CallbackConnection } from 'mysql2';
import { describe, expect, it } from 'vitest';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import type { PoolConnection } from '../../../src/mysql/connections/borrowed-connection.js';
import { waitFor } from '../../support/wait-for.js';
import { borrowByCallback, connectionId, errorOf, openPool, valueOf } from '../../support/pool-on-database.js';
import { sequence } from '../../support/sql-servers/sequence.js';

/** Every way in which a borrower of the promise pool can give a connection back. */
const RELEASES: readonly (readonly [string, (connection: PoolConnection, pool: Pool) => unknown])[] = [
  ['release()', (connection) => connection.release()],
  ['pool.releaseConnection()', (connection, pool) => pool.releaseConnection(connection)],
  ['Symbol.asyncDispose', (connection) => connection[Symbol.asyncDispose]()],
];

const CALLBACK_RELEASES: readonly (readonly [string, (connection: CallbackConnection, pool: Pool) => unknown])[] = [
  ['release()', (connection) => connection.release()],
  ['pool.pool.releaseConnection()', (connection, pool) => pool.pool.releaseConnection(connection)],
  ['Symbol.dispose', (connection) => connection[Symbol.dispose]()],
];

describe('I1: a promise borrower who releases twice', () => {
  for (const [first, releaseFirst] of RELEASES) {
    for (const [second, releaseAgain] of RELEASES) {
      it(`by ${first}, then by ${second}, is heard once: while it is idle, and while others have it`, async () => {
        await using fixture = await openPool({ connectionLimit: 1 });
        const { pool } = fixture;
        const connection = await pool.getConnection();
        await releaseFirst(connection, pool);
        await releaseAgain(connection, pool);
        expect(pool.stats()).toMatchObject({ idle: 1, used: 0, released: 1 });

        const next = await pool.getConnection();
        await releaseAgain(connection, pool);
        expect([next.active, pool.summary().used]).toEqual([true, 1]);
        const running = next.query('SELECT SLEEP(0.01)');
        await releaseAgain(connection, pool);
        await running;
        expect([next.active, pool.summary().used]).toEqual([true, 1]);
        next.release();

        const byCallback = await borrowByCallback(pool);
        await releaseAgain(connection, pool);
        connection.destroy();
        expect(pool.summary().used).toBe(1);
        byCallback.release();
        expect(pool.stats()).toMatchObject({ used: 0, idle: 1, opened: 1, closed: 0 });
      });
    }
  }

  it('while a caller waits, hands the connection on once', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    const waiters = [pool.getConnection(), pool.getConnection()];
    connection.release();
    connection.release();
    pool.releaseConnection(connection);
    const next = await waiters[0];
    expect(pool.summary()).toMatchObject({ used: 1, waiting: 1 });
    next?.release();
    (await waiters[1])?.release();
  });
});

describe('I1: a callback borrower who releases twice', () => {
  for (const [first, releaseFirst] of CALLBACK_RELEASES) {
    for (const [second, releaseAgain] of CALLBACK_RELEASES) {
      it(`by ${first}, then by ${second}, is heard once`, async () => {
        await using fixture = await openPool({ connectionLimit: 1 });
        const { pool } = fixture;
        const connection = await borrowByCallback(pool);
        releaseFirst(connection, pool);
        releaseAgain(connection, pool);
        expect(pool.stats()).toMatchObject({ idle: 1, used: 0, released: 1 });

        // In the middle of another caller's statement.
        const running = pool.query('SELECT SLEEP(0.02)');
        releaseAgain(connection, pool);
        expect(pool.summary()).toMatchObject({ used: 1, idle: 0 });
        await running;
      });
    }
  }

  it('before the next one has been called back is not heard', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await borrowByCallback(pool);
    const waiters = [borrowByCallback(pool), borrowByCallback(pool)];
    connection.release();
    connection.release();
    pool.pool.releaseConnection(connection);
    connection.destroy();
    const next = await (waiters[0] as Promise<CallbackConnection>);
    expect(pool.summary()).toMatchObject({ used: 1, waiting: 1 });
    expect(await connectionId(next.promise())).toBeGreaterThan(0);
    next.release();
    (await waiters[1])?.release();
    expect(pool.stats()).toMatchObject({ opened: 1, used: 0 });
  });
});

describe('I1: a connection that was released', () => {
  it('refuses everything that talks to the server, in words, with POOL_RELEASED', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    connection.release();
    await using other = await pool.getConnection();
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      query: () => connection.query('SELECT 1'),
      execute: () => connection.execute('SELECT 1'),
      prepare: () => connection.prepare('SELECT 1'),
      beginTransaction: () => connection.beginTransaction(),
      commit: () => connection.commit(),
      rollback: () => connection.rollback(),
      ping: () => connection.ping(),
      reset: () => connection.reset(),
      changeUser: () => connection.changeUser({}),
    };

    for (const [method, call] of Object.entries(calls)) {
      const error = await errorOf(call());
      expect(error).toMatchObject({
        code: 'POOL_RELEASED',
        message: `${method}() after the connection was released: another borrower may have it by now.`,
      });
      expect(error.stack).toContain('release.test.ts');
    }
    expect([connection.active, other.active]).toEqual([false, true]);
    await expect(valueOf(other, "'still mine'")).resolves.toBe('still mine');
  });

  it('is not reached by a late destroy() of the one who had it', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    connection.release();
    await using next = await pool.getConnection();
    connection.destroy();
    expect(pool.stats()).toMatchObject({ used: 1, closed: 0 });
    const running = next.query('SELECT SLEEP(0.01) AS slept');
    connection.destroy();
    expect((await running)[0]).toEqual([{ slept: 0 }]);
  });
});

describe('destroy()', () => {
  it('after the release closes the connection, as mysql2 does, if no other borrower has it', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    connection.release();
    connection.destroy();
    expect(pool.summary()).toMatchObject({ idle: 0, used: 0 });
    await waitFor('its end', () => pool.stats().closed === 1);
    await expect(valueOf(pool, "'answered'")).resolves.toBe('answered');
  });

  it('closes the connection and frees its place, and a release after it does nothing', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const connection = await pool.getConnection();
    const id = await connectionId(connection);
    connection.destroy();
    connection.release();
    connection.destroy();
    pool.releaseConnection(connection);

    expect(await connectionId(pool)).not.toBe(id);
    expect(pool.stats().closedByReason).toMatchObject({ destroyed: 1 });
    await waitFor('the server to have noticed', async () => (await database.serverConnections()) === 1);
  });

  it('of a callback connection does the same', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await borrowByCallback(pool);
    connection.destroy();
    connection.release();
    connection.destroy();
    pool.pool.releaseConnection(connection);
    await expect(valueOf(pool, '1')).resolves.toBe(1);
    expect(pool.stats()).toMatchObject({ opened: 2, closed: 1, used: 0 });
  });

  it('with a statement under way fails that statement, and the caller’s later ones', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const connection = await fixture.pool.getConnection();
    const running = errorOf(connection.query('SELECT SLEEP(5)'));
    const queued = errorOf(connection.query('SELECT 1'));
    connection.destroy();
    expect(await running).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
    expect(await queued).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
    expect(await errorOf(connection.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
  });

  it('lets the waiters have another connection', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    const waiting = [valueOf(pool, "'a'"), valueOf(pool, "'b'")];
    connection.destroy();
    expect(await Promise.all(waiting)).toEqual(['a', 'b']);
    expect(pool.stats()).toMatchObject({ opened: 2 });
  });

  it('in the same tick as release(), with others waiting, hurts no caller', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    const waiting = [valueOf(pool, "'a'"), valueOf(pool, "'b'")];
    connection.release();
    connection.destroy();
    expect(await Promise.all(waiting)).toEqual(['a', 'b']);
    expect(pool.stats()).toMatchObject({ opened: 1 });
  });

  it('ends a stream of that connection with an error, and one that is begun afterwards', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const connection = await borrowByCallback(fixture.pool);
    const stream = connection.query(`SELECT seq, REPEAT('x', 1000) FROM ${sequence(100_000)}`).stream();
    const ended = errorOf(stream.toArray());
    stream.once('data', () => connection.destroy());
    expect(await ended).toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST' });
    expect(await errorOf(connection.query('SELECT 1').stream().toArray())).toMatchObject({ code: 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR' });
  });
});

describe('a release while a statement is still running', () => {
  it.each(['auto', 'always', 'transaction', 'never'] as const)(
    'waits for it before the connection is lent again: hygiene %s',
    async (hygiene) => {
      await using fixture = await openPool({ connectionLimit: 1, hygiene });
      const { pool } = fixture;
      const connection = await pool.getConnection();
      await connection.query('CREATE TABLE t (id INT PRIMARY KEY)');
      const order: string[] = [];
      const running = connection
        .query('INSERT INTO t SELECT 1 FROM (SELECT SLEEP(0.05)) AS x')
        .then(() => order.push('statement of the first'));
      connection.release();
      const next = pool.query('SELECT id FROM t').then(([rows]) => {
        order.push('statement of the next');
        return rows;
      });
      await Promise.all([running, next]);
      expect(order).toEqual(['statement of the first', 'statement of the next']);
      expect(await next).toEqual([{ id: 1 }]);
      expect(pool.summary().used).toBe(0);
    },
  );

  it('waits no longer than validationTimeout: then the connection is closed', async () => {
    await using fixture = await openPool({ connectionLimit: 1, validationTimeout: 100 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    const id = await connectionId(connection);
    const running = errorOf(connection.query('SELECT SLEEP(5)'));
    connection.release();
    expect(await connectionId(pool)).not.toBe(id);
    expect(await running).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
  });
});
