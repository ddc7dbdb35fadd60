import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { Pool as CallbackPool, PoolConnection as CallbackConnection, QueryError, RowDataPacket } from 'mysql2';
import { describe, expect, it } from 'vitest';
import { borrowByCallback, errorOf, openPool, valueOf } from '../../support/pool-on-database.js';
import { sequence } from '../../support/sql-servers/sequence.js';

interface Answer {
  readonly error: QueryError | null;
  readonly rows: unknown;
  readonly fields: unknown;
}

type Run = (sql: string, values: unknown[], callback: (error: QueryError | null, rows: RowDataPacket[], fields: unknown) => void) => void;

function ask(runner: CallbackPool | CallbackConnection, method: 'query' | 'execute', sql: string, values: unknown[] = []): Promise<Answer> {
  const run = runner[method].bind(runner) as unknown as Run;
  return new Promise((resolve) => {
    run(sql, values, (error, rows, fields) => resolve({ error, rows, fields }));
  });
}

function rowsOf(stream: Readable): Promise<unknown[]> {
  return stream.toArray();
}

describe('the callback pool', () => {
  it('answers query and execute, with values in an array or an object, or none', async () => {
    await using fixture = await openPool();
    const { pool } = fixture.pool;

    for (const method of ['query', 'execute'] as const) {
      expect(await ask(pool, method, 'SELECT ? AS a', [1])).toMatchObject({ error: null, rows: [{ a: 1 }], fields: [{ name: 'a' }] });
      const [withoutValues] = await new Promise<unknown[]>((resolve) => {
        pool[method]('SELECT 2 AS a', (error, rows) => resolve([rows, error]));
      });
      expect(withoutValues).toEqual([{ a: 2 }]);
      const [fromObject] = await new Promise<unknown[]>((resolve) => {
        pool[method]({ sql: 'SELECT ? AS a', values: [3] }, (error, rows) => resolve([rows, error]));
      });
      expect(fromObject).toEqual([{ a: 3 }]);
    }
  });

  it('passes the errors of the server on, once, and has its connection back', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture.pool;

    for (const method of ['query', 'execute'] as const) {
      let calls = 0;
      const error = await new Promise((resolve) => {
        pool[method]('SELECT * FROM missing', (failure) => {
          calls += 1;
          resolve(failure);
        });
      });
      expect(error).toMatchObject({ errno: 1146, code: 'ER_NO_SUCH_TABLE' });
      expect(await ask(pool, method, 'SELECT 1 AS a')).toMatchObject({ rows: [{ a: 1 }] });
      expect(calls).toBe(1);
    }
  });

  it('streams rows, and releases the connection at the end', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;

    const rows = await rowsOf(pool.pool.query(`SELECT seq FROM ${sequence(1_000)}`).stream());
    expect([rows.length, rows.at(-1)]).toEqual([1_000, { seq: 1_000 }]);
    await expect(rowsOf(pool.pool.query('SELECT * FROM missing').stream())).rejects.toMatchObject({ errno: 1146 });
    expect(await ask(pool.pool, 'query', 'SELECT 1 AS a')).toMatchObject({ rows: [{ a: 1 }] });
    expect(pool.stats()).toMatchObject({ used: 0, opened: 1 });
  });

  it('gives connections to callbacks, never before getConnection has returned', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture.pool;
    for (let round = 0; round < 3; round += 1) {
      let returned = false;
      const connection = await new Promise<CallbackConnection>((resolve, reject) => {
        pool.getConnection((error, lent) => {
          if (error === null && returned) resolve(lent);
          else reject(error ?? new Error('It called back at once.'));
        });
        returned = true;
      });
      expect(await ask(connection, 'query', 'SELECT 1 AS a')).toMatchObject({ rows: [{ a: 1 }] });
      connection.release();
    }
  });

  it('calls back with errors, never before getConnection has returned', async () => {
    await using fixture = await openPool({ connectionLimit: 1, waitForConnections: false });
    const held = await borrowByCallback(fixture.pool);
    let returned = false;
    const error = await new Promise((resolve) => {
      fixture.pool.pool.getConnection((failure) => resolve(returned ? failure : 'at once'));
      returned = true;
    });
    expect(error).toMatchObject({ code: 'POOL_QUEUE_FULL', message: expect.stringMatching(/^No connections available\./u) });
    held.release();
  });

  it('serves callbacks and promises from one queue, in order of arrival', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    const order: string[] = [];
    const all = Promise.all([
      ask(pool.pool, 'query', 'SELECT 1').then(() => order.push('callback query')),
      pool.query('SELECT 1').then(() => order.push('promise query')),
      borrowByCallback(pool).then((connection) => {
        order.push('callback connection');
        connection.release();
      }),
      pool.getConnection().then((connection) => {
        order.push('promise connection');
        connection.release();
      }),
      ask(pool.pool, 'execute', 'SELECT 1').then(() => order.push('callback execute')),
    ]);
    held.release();
    await all;
    const queue = ['callback query', 'promise query', 'callback connection', 'promise connection', 'callback execute'];
    // The caller of a promise learns of it a little later than a callback that the next connection was handed to.
    expect(order.filter((who) => who !== 'promise query')).toEqual(queue.filter((who) => who !== 'promise query'));
    expect(order.indexOf('promise query')).toBeLessThan(3);
  });

  it('ends with a callback, once all connections are closed, and a second end() calls back too', async () => {
    await using fixture = await openPool({ connectionLimit: 3 });
    const { pool, database } = fixture;
    await Promise.all([1, 2, 3].map(() => ask(pool.pool, 'query', 'SELECT SLEEP(0.01)')));
    expect(await database.serverConnections()).toBe(3);

    await promisify(pool.pool.end.bind(pool.pool))();

    expect(pool.summary()).toMatchObject({ state: 'closed', total: 0 });
    await promisify(pool.pool.end.bind(pool.pool))();
    pool.pool.end();
    expect((await ask(pool.pool, 'query', 'SELECT 1')).error).toMatchObject({ code: 'POOL_CLOSED', message: 'Pool is closed.' });
    expect((await ask(pool.pool, 'execute', 'SELECT 1')).error).toMatchObject({ code: 'POOL_CLOSED' });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'POOL_CLOSED', message: 'Pool is closed.' });
    await expect(borrowByCallback(pool)).rejects.toMatchObject({ code: 'POOL_CLOSED' });
  });

  it('makes a promise pool of itself, as Drizzle asks it to', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const promised = fixture.pool.pool.promise();
    const [rows] = await promised.query('SELECT 1 AS a');
    expect(rows).toEqual([{ a: 1 }]);
    const connection = await promised.getConnection();
    expect((await connection.query('SELECT 2 AS a'))[0]).toEqual([{ a: 2 }]);
    connection.release();
    expect(fixture.pool.summary()).toMatchObject({ used: 0, idle: 1 });
  });

  it('shows its configuration where mysql2’s users look for it', async () => {
    await using fixture = await openPool({ connectionLimit: 7, queueLimit: 5, maxIdle: 3 });
    const { pool, database } = fixture;
    expect(pool.pool.config).toMatchObject({
      connectionLimit: 7,
      queueLimit: 5,
      maxIdle: 3,
      waitForConnections: true,
      connectionConfig: { host: database.host, port: database.port, user: database.user, password: database.password },
    });
  });
});

describe('a signal given to the callback pool', () => {
  it('ends the wait for a connection at once', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    const abort = new AbortController();
    const statement = { sql: 'SELECT 1', signal: abort.signal } as { sql: string };
    const told = [
      new Promise((resolve) => pool.pool.query(statement, (error: unknown) => resolve(error))),
      new Promise((resolve) => pool.pool.execute(statement, (error: unknown) => resolve(error))),
      errorOf(pool.pool.query(statement).stream().toArray()),
    ];
    expect(pool.summary().waiting).toBe(3);
    abort.abort();
    for (const error of await Promise.all(told)) expect(error).toMatchObject({ code: 'POOL_ABORTED' });
    expect(pool.stats()).toMatchObject({ waiting: 0, cancelled: 3 });
    held.release();
    // Callers without a signal are not affected.
    await new Promise((resolve) => pool.pool.query('SELECT 1', resolve));
    expect(await valueOf(pool, '1')).toBe(1);
  });
});

describe('a connection borrowed by callback', () => {
  it('does what mysql2’s does: callbacks, streams, transactions, prepared statements, a promise form', async () => {
    await using fixture = await openPool();
    const connection = await borrowByCallback(fixture.pool);
    const run = (method: 'beginTransaction' | 'commit' | 'rollback' | 'ping'): Promise<unknown> =>
      new Promise((resolve, reject) => {
        connection[method]((error: Error | null | undefined) => (error == null ? resolve(undefined) : reject(error)));
      });

    await ask(connection, 'query', 'CREATE TABLE t (id INT)');
    await run('beginTransaction');
    await ask(connection, 'execute', 'INSERT INTO t VALUES (?)', [1]);
    await run('rollback');
    await run('beginTransaction');
    await ask(connection, 'query', 'INSERT INTO t VALUES (2)');
    await run('commit');
    await run('ping');
    expect(await rowsOf(connection.query('SELECT id FROM t').stream())).toEqual([{ id: 2 }]);
    expect((await connection.promise().query('SELECT COUNT(*) AS n FROM t'))[0]).toEqual([{ n: 1 }]);
    connection.release();
  });

  it('is released by end(), as Drizzle’s iterator expects, and not closed', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const warned = new Promise<Error>((resolve) => {
      void borrowByCallback(pool).then((connection) => {
        connection.once('warn', resolve);
        connection.end();
      });
    });
    expect((await warned).message).toContain('Calling conn.end() to release a pooled connection is deprecated');
    const promised = await pool.getConnection();
    await promised.end();
    expect(pool.stats()).toMatchObject({ used: 0, idle: 1, opened: 1 });
  });

  it('can be paused and resumed in the middle of a result', async () => {
    await using fixture = await openPool();
    const connection = await borrowByCallback(fixture.pool);
    const query = connection.query(`SELECT seq, REPEAT('x', 1000) AS text FROM ${sequence(5_000)}`);
    let rows = 0;
    query.on('result', () => {
      rows += 1;
      if (rows % 500 !== 0) return;
      connection.pause();
      setImmediate(() => connection.resume());
    });
    await once(query, 'end');
    expect(rows).toBe(5_000);
    connection.release();
  });

  it('whose stream is destroyed half-way can be released, and is clean for the next', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await borrowByCallback(pool);
    const stream = connection.query(`SELECT seq, REPEAT('x', 1000) AS text FROM ${sequence(20_000)}`).stream();
    for await (const row of stream as AsyncIterable<{ seq: number }>) if (row.seq === 10) break;
    connection.release();
    expect((await pool.query('SELECT 42 AS answer'))[0]).toEqual([{ answer: 42 }]);
  });
});
