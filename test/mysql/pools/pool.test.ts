import { AsyncLocalStorage } from 'node:async_hooks';
import { connect, type Socket } from 'node:net';
import mysql, { type FieldPacket, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import callbackMysql, { PoolConnection as DriverPoolConnection } from 'mysql2';
import { describe, expect, it } from 'vitest';
import { poolOf, errorOf, firstRow, isInTransaction, openPool } from '../../support/pool-on-database.js';
import { createDatabase } from '../../support/servers/database.js';
import { sequence } from '../../support/sql-servers/sequence.js';

/** Exported at run time, not in the typings. */
const { Pool: DriverPool } = callbackMysql as unknown as Record<'Pool', new () => object>;
const { PromisePool, PromisePoolConnection } = mysql as unknown as Record<'PromisePool' | 'PromisePoolConnection', new () => object>;

describe('the promise pool', () => {
  it('is an instance of what mysql2 makes, and so are its connections', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    await using connection = await pool.getConnection();

    expect(pool).toBeInstanceOf(PromisePool);
    expect(pool.pool).toBeInstanceOf(DriverPool);
    expect(connection).toBeInstanceOf(PromisePoolConnection);
    expect(connection.connection).toBeInstanceOf(DriverPoolConnection);
  });

  it('has every method that mysql2 gives its promise pool and its connections', async () => {
    await using fixture = await openPool();
    const { pool, database } = fixture;
    await using connection = await pool.getConnection();
    await using original = mysql.createPool(database.connection);
    await using originalConnection = await original.getConnection();

    expect(missing(original, pool)).toEqual([]);
    expect(missing(original.pool, pool.pool)).toEqual([]);
    expect(missing(originalConnection, connection)).toEqual([]);
    expect(missing(originalConnection.connection, connection.connection)).toEqual([]);
  });

  it('answers query and execute with rows and fields', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;

    const [rows, fields] = await pool.query<RowDataPacket[]>('SELECT ? AS number, ? AS text', [7, "it's"]);
    expect(rows).toEqual([{ number: 7, text: "it's" }]);
    expect(fields.map((field: FieldPacket) => field.name)).toEqual(['number', 'text']);
    const [prepared] = await pool.execute<RowDataPacket[]>('SELECT ? AS number, ? AS text', [7, "it's"]);
    expect(prepared).toEqual([{ number: 7, text: "it's" }]);
    await expect(pool.query('SELECT 1 AS one')).resolves.toMatchObject([[{ one: 1 }], [{ name: 'one' }]]);
    await expect(pool.execute('SELECT 1 AS one')).resolves.toMatchObject([[{ one: 1 }], [{ name: 'one' }]]);
  });

  it('answers writes with the header of their result', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    await pool.query('CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, name TEXT)');

    const [inserted] = await pool.query<ResultSetHeader>('INSERT INTO t (name) VALUES ?', [[['a'], ['b'], ['c']]]);
    expect(inserted).toMatchObject({ affectedRows: 3, insertId: 1 });
    const [updated] = await pool.execute<ResultSetHeader>('UPDATE t SET name = ? WHERE id > ?', ['x', 1]);
    expect(updated).toMatchObject({ affectedRows: 2, changedRows: 2 });
  });

  it('takes the options of mysql2 per statement, in both methods', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    const ask = async (options: mysql.QueryOptions, values?: mysql.QueryValues): Promise<unknown> => (await pool.query(options, values))[0];

    expect(await ask({ sql: 'SELECT 1 AS a, 2 AS b', rowsAsArray: true })).toEqual([[1, 2]]);
    expect(await ask({ sql: 'SELECT :a AS a, :b AS b', namedPlaceholders: true }, { a: 1, b: 'x' })).toEqual([{ a: 1, b: 'x' }]);
    expect(await ask({ sql: 'SELECT :a AS a', namedPlaceholders: true, values: { a: 1 } })).toEqual([{ a: 1 }]);
    expect(await ask({ sql: 'SELECT t.a FROM (SELECT 1 AS a) AS t', nestTables: true })).toEqual([{ t: { a: 1 } }]);
    expect(await ask({ sql: 'SELECT t.a FROM (SELECT 1 AS a) AS t', nestTables: '_' })).toEqual([{ t_a: 1 }]);
    expect(await ask({ sql: 'SELECT 1 AS a', typeCast: () => 'cast' })).toEqual([{ a: 'cast' }]);
    expect(await ask({ sql: "SELECT CAST('2024-02-29' AS DATE) AS day", dateStrings: true })).toEqual([{ day: '2024-02-29' }]);
    expect(await ask({ sql: 'SELECT ? AS a', values: ['in the object'] })).toEqual([{ a: 'in the object' }]);
    const [prepared] = await pool.execute({ sql: 'SELECT ? AS a, 2 AS b', rowsAsArray: true, values: [1] });
    expect(prepared).toEqual([[1, 2]]);
    const [named] = await pool.execute({ sql: 'SELECT :a AS a', namedPlaceholders: true }, { a: 5 });
    expect(named).toEqual([{ a: 5 }]);
  });

  it('takes the options of mysql2 for all statements', async () => {
    await using fixture = await openPool({ rowsAsArray: true, dateStrings: true, namedPlaceholders: true, decimalNumbers: true });
    const [rows] = await fixture.pool.query("SELECT CAST('2024-02-29' AS DATE), CAST(1.5 AS DECIMAL(4,2)), :x", { x: 'named' });
    expect(rows).toEqual([['2024-02-29', 1.5, 'named']]);
  });

  it('leaves the statements and values of its callers as they are', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    const values = Object.freeze([1, Object.freeze(['a', 'b'])]);
    const named = Object.freeze({ a: 1 });

    for (const options of [{ timeout: 5_000 }, { signal: new AbortController().signal }, {}]) {
      const frozen = Object.freeze({ sql: 'SELECT ? AS a', values: Object.freeze([1]), ...options });
      expect((await pool.query(frozen as never))[0]).toEqual([{ a: 1 }]);
      expect((await pool.execute(frozen as never))[0]).toEqual([{ a: 1 }]);
      const withNames = Object.freeze({ sql: 'SELECT :a AS a', namedPlaceholders: true, ...options });
      expect((await pool.query(withNames, named as never))[0]).toEqual([{ a: 1 }]);
      expect((await pool.execute(withNames, named as never))[0]).toEqual([{ a: 1 }]);
    }
    expect((await pool.query("SELECT ? AS a, 'b' IN (?) AS b", values as never))[0]).toEqual([{ a: 1, b: 1 }]);
  });

  it('runs several statements in one text when that is allowed, and refuses them otherwise', async () => {
    await using database = await createDatabase();
    await using several = poolOf(database, { multipleStatements: true });
    await using one = poolOf(database);

    const [results, fields] = await several.query('SELECT 1 AS a; CREATE TABLE t (id INT); SELECT 2 AS b');
    expect(results).toMatchObject([[{ a: 1 }], { affectedRows: 0 }, [{ b: 2 }]]);
    expect(fields).toHaveLength(3);
    await expect(one.query('SELECT 1; SELECT 2')).rejects.toMatchObject({ errno: 1064 });
  });

  it('returns big results whole', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    const [many] = await pool.query<RowDataPacket[]>(`SELECT seq AS n, REPEAT('x', 100) AS text FROM ${sequence(50_000)}`);
    expect([many.length, many.at(-1)]).toEqual([50_000, { n: 50_000, text: 'x'.repeat(100) }]);
    // More than the 16 MiB of one packet of the protocol.
    const [wide] = await pool.query<RowDataPacket[]>("SELECT REPEAT('y', 15000000) AS a, REPEAT('z', 3000000) AS b");
    expect([String(wide[0]?.['a']).length, String(wide[0]?.['b']).length]).toEqual([15_000_000, 3_000_000]);
  });

  it('escapes and formats as mysql2 does', async () => {
    await using fixture = await openPool({ timezone: 'Z' });
    const { pool } = fixture;
    expect(pool.escape("it's")).toBe("'it\\'s'");
    expect(pool.escape(new Date(0))).toBe("'1970-01-01 00:00:00.000'");
    expect(pool.escapeId('a.b')).toBe('`a`.`b`');
    expect(pool.format('SELECT ?, ??', [1, 'a`b'])).toBe('SELECT 1, `a``b`');
    expect(pool.pool.escape("it's")).toBe("'it\\'s'");
    expect(pool.pool.escapeId('a')).toBe('`a`');
    expect(pool.pool.format('?', [5])).toBe('5');
  });
});

describe('an error of a statement', () => {
  it('is the server’s own, unchanged, with the line of the caller', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    await using connection = await pool.getConnection();

    const runs: readonly ((sql: string) => Promise<unknown>)[] = [
      (sql) => pool.query(sql),
      (sql) => pool.execute(sql),
      (sql) => connection.query(sql),
      (sql) => connection.execute(sql),
    ];
    for (const run of runs) {
      const error = await errorOf(run('SELECT * FROM missing'));
      expect(error).toMatchObject({ code: 'ER_NO_SUCH_TABLE', errno: 1146, sqlState: '42S02', sql: 'SELECT * FROM missing' });
      expect(error).not.toHaveProperty('cause');
      expect(error.stack).toContain('pool.test.ts');
    }
    const signalled = await errorOf(pool.query("SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 9007, MESSAGE_TEXT = 'Write conflict'"));
    expect(signalled).toMatchObject({ errno: 9007, sqlState: '45000', sqlMessage: 'Write conflict' });
  });

  it('does not take the connection away: it is used again', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    for (let index = 0; index < 3; index += 1) {
      await expect(pool.query('SELECT * FROM missing')).rejects.toMatchObject({ errno: 1146 });
      await expect(pool.execute('SELECT * FROM missing')).rejects.toMatchObject({ errno: 1146 });
    }
    expect(pool.stats()).toMatchObject({ opened: 1, idle: 1, used: 0 });
  });

  it('of the caller’s own making leaves the connection in the pool, too', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const bad: readonly (() => Promise<unknown>)[] = [
      () => pool.execute('SELECT ?', [undefined] as never),
      () => pool.execute('SELECT ?', [() => 1] as never),
      () => pool.execute('SELECT ?', { a: 1 }),
      () => pool.query(undefined as never),
      () => pool.query(null as never),
      () => pool.query(5 as never),
      () => pool.query({} as never),
      () => pool.query(''),
    ];
    for (const run of bad) await errorOf(run());
    expect(pool.stats()).toMatchObject({ used: 0, waiting: 0 });
    await expect(firstRow(pool, 'SELECT 1 AS one')).resolves.toEqual({ one: 1 });
  });

  it('is the one of mysql2 when a callback is passed to the promise pool', async () => {
    await using fixture = await openPool();
    expect(() => fixture.pool.query('SELECT 1', ignore as never)).toThrow('Callback function is not available with promise clients.');
    expect(() => fixture.pool.execute('SELECT 1', ignore as never)).toThrow('Callback function is not available with promise clients.');
  });
});

describe('a borrowed connection', () => {
  it('does everything that mysql2’s does', async () => {
    await using fixture = await openPool();
    const { pool, database } = fixture;
    await using connection = await pool.getConnection();
    await connection.query('CREATE TABLE t (id INT)');

    await connection.beginTransaction();
    await connection.query('INSERT INTO t VALUES (1)');
    await connection.rollback();
    await connection.beginTransaction();
    await connection.execute('INSERT INTO t VALUES (?)', [2]);
    await connection.commit();
    await expect(connection.ping()).resolves.toBe(true);
    const statement = await connection.prepare('SELECT id FROM t WHERE id = ?');
    expect((await statement.execute([2]))[0]).toEqual([{ id: 2 }]);
    await statement.close();
    connection.unprepare('INSERT INTO t VALUES (?)');
    await connection.reset();
    await connection.changeUser({ user: database.user, password: database.password, database: database.database });
    expect(connection.escape('a')).toBe("'a'");
    expect(connection.threadId).toBeGreaterThan(0);
    expect(connection.config.database).toBe(database.database);
    await expect(firstRow(connection, 'SELECT COUNT(*) AS n FROM t')).resolves.toEqual({ n: 1 });
  });

  it('keeps its session from statement to statement', async () => {
    await using fixture = await openPool({ connectionLimit: 3 });
    await using connection = await fixture.pool.getConnection();
    await connection.query('SET @mine = 5');
    await Promise.all([fixture.pool.query('SELECT SLEEP(0.01)'), fixture.pool.query('SELECT SLEEP(0.01)')]);
    await expect(firstRow(connection, 'SELECT @mine AS mine')).resolves.toEqual({ mine: 5 });
  });

  it('goes back to the pool at the end of its block, even when that throws', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const fail = async (): Promise<void> => {
      await using connection = await pool.getConnection();
      await connection.query('SELECT 1');
      throw new Error('mine');
    };
    await expect(fail()).rejects.toThrow('mine');
    expect(pool.stats()).toMatchObject({ used: 0, idle: 1 });
  });
});

describe('other ways to connect', () => {
  it('with compression, hygiene sees what it must see', async () => {
    await using fixture = await openPool({ connectionLimit: 1, compress: true });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    await connection.beginTransaction();
    await connection.query('SET @x = 1');
    connection.release();
    expect(await isInTransaction(pool)).toBe(false);
    expect(await firstRow(pool, "SELECT @x AS x, LENGTH(REPEAT('y', 100000)) AS length")).toEqual({ x: null, length: 100_000 });
  });

  it('over streams of the caller’s own, plain or with TLS', async () => {
    await using database = await createDatabase();
    const stream = (): Socket => connect(database.port, database.host);
    for (const ssl of [false, { ca: database.caCertificate }]) {
      await using pool = poolOf(database, { stream, ssl });
      const row = await firstRow(pool, "SHOW SESSION STATUS LIKE 'Ssl_version'");
      expect(row['Value']).toBe(ssl === false ? '' : 'TLSv1.3');
    }
  });

  it('by default, errors name the functions that await them, also through Promise.all', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    const repository = (): Promise<unknown> => pool.query('SELECT * FROM missing');
    async function service(): Promise<void> {
      await repository();
    }
    async function handler(): Promise<void> {
      await Promise.all([pool.query('SELECT 1'), service()]);
    }
    expect((await errorOf(handler())).stack).toMatch(
      /^Error: Table .* doesn't exist\n[^]*at (?:async )?service [^]*at (?:async )?handler /u,
    );
    const inTransaction = await errorOf(pool.transaction(async (tx) => void (await tx.query('SELECT * FROM missing'))));
    expect(inTransaction.stack).toContain('pool.test.ts');
  });

  it('with traces asked for, errors have the whole stack of the call, whether it is awaited or not', async () => {
    await using fixture = await openPool({ trace: true });
    await using connection = await fixture.pool.getConnection();
    for (const runner of [fixture.pool, connection]) {
      const repository = (): Promise<unknown> => runner.query('SELECT * FROM missing');
      const error = await new Promise<Error>((resolve) => void repository().catch(resolve));
      expect(error.stack).toMatch(/at repository .*pool\.test\.ts/u);
    }
  });

  it('without traces, errors have no line of the caller and cost less', async () => {
    await using fixture = await openPool({ trace: false });
    const error = await errorOf(fixture.pool.query('SELECT * FROM missing'));
    expect(error).toMatchObject({ errno: 1146 });
    expect(error.stack).not.toContain('pool.test.ts');
  });
});

describe('AsyncLocalStorage', () => {
  it('holds the caller’s store after every await, no matter who had the connection before', async () => {
    await using fixture = await openPool({ connectionLimit: 3 });
    const { pool } = fixture;
    const storage = new AsyncLocalStorage<number>();

    const one = (caller: number): Promise<(number | undefined)[]> =>
      storage.run(caller, async () => {
        const seen: (number | undefined)[] = [];
        await pool.query('SELECT 1');
        seen.push(storage.getStore());
        await pool.execute('SELECT 1');
        seen.push(storage.getStore());
        await using connection = await pool.getConnection();
        seen.push(storage.getStore());
        await connection.query('SELECT 1');
        seen.push(storage.getStore());
        await pool.query('SELECT * FROM missing').catch(() => seen.push(storage.getStore()));
        return seen;
      });

    const callers = [1, 2];
    expect(await Promise.all(callers.map(one))).toEqual(callers.map((caller) => [caller, caller, caller, caller, caller]));
  });
});

function ignore(): void {}

/** Names of the functions of `original` that `ours` lacks. */
function missing(original: object, ours: object): string[] {
  const names = new Set<string>();
  for (let level = original; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level) as object) {
    for (const name of Object.getOwnPropertyNames(level)) {
      if (!name.startsWith('_') && typeof Reflect.get(original, name) === 'function') names.add(name);
    }
  }
  return [...names].filter((name) => typeof Reflect.get(ours, name) !== 'function');
}
