import mysqlCallbacks, { PoolConnection as CallbackConnection } from 'mysql2';
import mysql from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { answerOf, borrow, errorOf, open, sizesOf, SUBJECTS } from './support/subjects.js';

/** Exported at run time, not in the typings. */
const { Pool } = mysqlCallbacks as unknown as Record<'Pool', new () => object>;
const { PromisePool, PromisePoolConnection, PromiseConnection } = mysql as unknown as Record<
  'PromisePool' | 'PromisePoolConnection' | 'PromiseConnection',
  new () => object
>;

describe.each(SUBJECTS)('release and destroy of $name', (subject) => {
  it('release() gives the connection back, for the next to have the same one', async () => {
    await using fixture = await open(subject);
    const { pool } = fixture;
    const first = await pool.getConnection();
    first.release();
    const second = await pool.getConnection();
    expect([second.threadId, sizesOf(pool)]).toEqual([first.threadId, [1, 0, 0]]);
    second.release();
    expect(sizesOf(pool)).toEqual([1, 1, 0]);
  });

  it('a second release() does nothing', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    connection.release();
    connection.release();
    pool.releaseConnection(connection);
    expect(sizesOf(pool)).toEqual([1, 1, 0]);
  });

  it('pool.releaseConnection() of the callback form gives back too', async () => {
    await using fixture = await open(subject);
    const { callbacks } = fixture;
    const connection = await borrow(callbacks);
    callbacks.releaseConnection(connection);
    expect(sizesOf(callbacks)).toEqual([1, 1, 0]);
  });

  it('pool.releaseConnection() of the promise form gives back too', async () => {
    await using fixture = await open(subject);
    const { pool } = fixture;
    pool.releaseConnection(await pool.getConnection());
    expect(sizesOf(pool)).toEqual([1, 1, 0]);
  });

  it('destroy() takes the connection out of the pool at once, borrowed or idle', async () => {
    await using fixture = await open(subject);
    const { pool } = fixture;
    const [first, second] = await Promise.all([pool.getConnection(), pool.getConnection()]);
    second.release();
    expect(sizesOf(pool)).toEqual([2, 1, 0]);
    first.destroy();
    expect(sizesOf(pool)).toEqual([1, 1, 0]);
    second.destroy();
    expect(sizesOf(pool)).toEqual([0, 0, 0]);
    expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
  });

  it('destroy() serves waiters with a new connection', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    const waiting = pool.getConnection();
    held.destroy();
    const next = await waiting;
    expect(next.threadId).not.toBe(held.threadId);
    next.release();
  });

  it('release() after destroy() does nothing', async () => {
    await using fixture = await open(subject);
    const { pool, callbacks } = fixture;
    const promised = await pool.getConnection();
    promised.destroy();
    promised.release();
    const called = await borrow(callbacks);
    called.destroy();
    called.release();
    expect(sizesOf(pool)).toEqual([0, 0, 0]);
  });

  it('end() of a pooled connection gives it back, with a warning', async () => {
    await using fixture = await open(subject);
    const { pool, callbacks } = fixture;
    const connection = await borrow(callbacks);
    const warnings: Error[] = [];
    connection.on('warn', (warning: Error) => warnings.push(warning));
    connection.end();
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('Calling conn.end() to release a pooled connection is deprecated'),
    ]);
    await (await pool.getConnection()).end();
    expect(sizesOf(pool)).toEqual([1, 1, 0]);
  });

  it('with gracefulEnd, end() of a pooled connection says goodbye and leaves the pool', async () => {
    await using fixture = await open(subject, { gracefulEnd: true });
    const { callbacks, database } = fixture;
    const connection = await borrow(callbacks);
    connection.end();
    await waitFor('the server to have closed it', async () => (await database.serverConnections()) === 0);
    expect(sizesOf(callbacks)).toEqual([0, 0, 0]);
  });

  it('pool.end() closes every connection, and nothing is lent after it', async () => {
    await using fixture = await open(subject);
    const { pool, database } = fixture;
    await Promise.all([1, 2, 3].map(() => pool.query('SELECT SLEEP(0.05)')));
    await pool.end();
    await waitFor('no connection', async () => (await database.serverConnections()) === 0);
    expect((await errorOf(pool.query('SELECT 1'))).message).toBe('Pool is closed.');
    expect((await errorOf(pool.execute('SELECT 1'))).message).toBe('Pool is closed.');
    expect((await errorOf(pool.getConnection())).message).toBe('Pool is closed.');
  });

  it('pool.end() lets a statement under way finish', async () => {
    await using fixture = await open(subject);
    const { pool } = fixture;
    await pool.query('SELECT 1');
    await waitFor('an idle connection', () => sizesOf(pool)[1] === 1);
    const running = pool.query('SELECT SLEEP(0.1) AS slept');
    await new Promise((resolve) => process.nextTick(resolve));
    await Promise.all([pool.end(), running]);
    expect((await running)[0]).toEqual([{ slept: 0 }]);
  });

  it('a connection whose server has gone is not lent to the next', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { pool, database } = fixture;
    const connection = await pool.getConnection();
    await database.killConnections();
    await errorOf(connection.query('SELECT 1'));
    connection.release();
    expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
  });

  it('the default database that a borrower changed to stays, as the session does', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('USE information_schema');
    expect((await pool.query('SELECT DATABASE() AS name'))[0]).toEqual([{ name: 'information_schema' }]);
  });
});

describe.each(SUBJECTS)('connections of $name', (subject) => {
  it('and pools are instances of mysql2’s classes', async () => {
    await using fixture = await open(subject);
    const { pool, callbacks } = fixture;
    const promised = await pool.getConnection();
    const called = await borrow(callbacks);
    expect(pool).toBeInstanceOf(PromisePool);
    expect(callbacks).toBeInstanceOf(Pool);
    expect(promised).toBeInstanceOf(PromisePoolConnection);
    expect(promised).toBeInstanceOf(PromiseConnection);
    expect(promised.connection).toBeInstanceOf(CallbackConnection);
    expect(called).toBeInstanceOf(CallbackConnection);
    expect(called.promise()).toBeInstanceOf(PromisePoolConnection);
    expect(callbacks.promise()).toBeInstanceOf(PromisePool);
    promised.release();
    called.release();
  });

  it('changeUser() changes one connection, not those that are opened later', async () => {
    await using fixture = await open(subject, { connectionLimit: 2 });
    const { pool, database } = fixture;
    const first = await pool.getConnection();
    await first.changeUser({ database: 'information_schema' });
    expect((await first.query('SELECT DATABASE() AS name'))[0]).toEqual([{ name: 'information_schema' }]);
    const second = await pool.getConnection();
    expect((await second.query('SELECT DATABASE() AS name'))[0]).toEqual([{ name: database.database }]);
    first.release();
    second.release();
  });

  it('have transactions, ping, reset and a promise form', async () => {
    await using fixture = await open(subject);
    const { pool, callbacks } = fixture;
    await pool.query('CREATE TABLE t (id INT)');
    const promised = await pool.getConnection();
    await promised.beginTransaction();
    await promised.query('INSERT INTO t VALUES (1)');
    await promised.rollback();
    await promised.beginTransaction();
    await promised.query('INSERT INTO t VALUES (2)');
    await promised.commit();
    await promised.ping();
    await promised.query('SET @a = 1');
    await promised.reset();
    expect((await promised.query('SELECT @a AS a, (SELECT GROUP_CONCAT(id) FROM t) AS ids'))[0]).toEqual([{ a: null, ids: '2' }]);
    promised.release();
    const called = await borrow(callbacks);
    for (const method of ['beginTransaction', 'rollback', 'commit', 'ping', 'reset'] as const) {
      const { error } = await answerOf((done) => (called as unknown as Record<string, (callback: unknown) => void>)[method]?.(done));
      expect(error == null).toBe(true);
    }
    expect((await called.promise().query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
    called.release();
  });

  it('show threadId, config and their prepared statements’ cache', async () => {
    await using fixture = await open(subject);
    const { callbacks, database } = fixture;
    const connection = await borrow(callbacks);
    const [rows] = await connection.promise().query('SELECT CONNECTION_ID() AS id');
    expect(rows).toEqual([{ id: connection.threadId }]);
    expect(connection.config).toMatchObject({ host: database.host, port: database.port, user: database.user, database: database.database });
    connection.release();
  });
});
