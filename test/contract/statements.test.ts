import type { PoolOptions, QueryOptions } from 'mysql2';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { captureUncaught } from '../mysql/support/uncaught.js';
import { waitFor } from '../support/wait-for.js';
import { answerOf, borrow, errorOf, type Fixture, open, SUBJECTS } from './support/subjects.js';
import { differs } from '../support/sql-servers/this-server.js';

type Ask = (sql: string | QueryOptions, values?: unknown) => Promise<unknown>;

/** One statement in every way in which a pool runs it: both methods, both forms, and on a borrowed connection. */
async function everyWay(fixture: Fixture, sql: string | QueryOptions, values?: unknown): Promise<unknown[]> {
  const { pool, callbacks } = fixture;
  const promised = await pool.getConnection();
  const called = await borrow(callbacks);
  const byCallback = async (call: (...parameters: never[]) => unknown): Promise<unknown> => {
    const parameters = values === undefined ? [sql] : [sql, values];
    const { error, results } = await answerOf((done) => call(...([...parameters, done] as never[])));
    if (error != null) throw error;
    return results[0];
  };
  const ways: Record<string, Ask> = {
    'pool.query': async () => (await pool.query(sql as string, values as unknown[]))[0],
    'pool.execute': async () => (await pool.execute(sql as string, values as string[]))[0],
    'callback query': () => byCallback(callbacks.query.bind(callbacks)),
    'callback execute': () => byCallback(callbacks.execute.bind(callbacks)),
    'connection.query': async () => (await promised.query(sql as string, values as unknown[]))[0],
    'connection.execute': async () => (await promised.execute(sql as string, values as string[]))[0],
    'callback connection query': () => byCallback(called.query.bind(called)),
    'callback connection execute': () => byCallback(called.execute.bind(called)),
  };
  const results: unknown[] = [];
  try {
    for (const ask of Object.values(ways)) results.push(await ask(sql, values));
  } finally {
    promised.release();
    called.release();
  }
  return results;
}

/** The one result that all ways have. */
async function agreed(fixture: Fixture, sql: string | QueryOptions, values?: unknown): Promise<unknown> {
  const [first, ...others] = await everyWay(fixture, sql, values);
  for (const other of others) expect(other).toEqual(first);
  return first;
}

describe.each(SUBJECTS)('statements of $name', (subject) => {
  it('take values in an array, in an object, and in the options', async () => {
    await using fixture = await open(subject);
    expect(await agreed(fixture, 'SELECT ? AS a, ? AS b', ['x', "it's"])).toEqual([{ a: 'x', b: "it's" }]);
    expect(await agreed(fixture, { sql: 'SELECT ? AS a', values: ['y'] })).toEqual([{ a: 'y' }]);
  });

  it('take named placeholders, by option of the pool and of the statement', async () => {
    await using fixture = await open(subject, { namedPlaceholders: true });
    expect(await agreed(fixture, 'SELECT :b AS b, :a AS a', { a: 'one', b: 'two' })).toEqual([{ b: 'two', a: 'one' }]);
    await using plain = await open(subject);
    const [rows] = await plain.pool.query({ sql: 'SELECT :a AS a', namedPlaceholders: true }, { a: 'one' });
    expect(rows).toEqual([{ a: 'one' }]);
  });

  it('rowsAsArray, by option of the pool and of the statement', async () => {
    await using fixture = await open(subject, { rowsAsArray: true });
    expect(await agreed(fixture, "SELECT 'x' AS a, 'y' AS b")).toEqual([['x', 'y']]);
    await using plain = await open(subject);
    expect(await agreed(plain, { sql: "SELECT 'x' AS a", rowsAsArray: true })).toEqual([['x']]);
  });

  it('nestTables, as objects and with a separator', async () => {
    await using fixture = await open(subject);
    await fixture.pool.query('CREATE TABLE t (id INT)');
    await fixture.pool.query('INSERT INTO t VALUES (1)');
    const sql = 'SELECT a.id, b.id FROM t a JOIN t b ON a.id = b.id';
    expect(await agreed(fixture, { sql, nestTables: true })).toEqual([{ a: { id: 1 }, b: { id: 1 } }]);
    expect(await agreed(fixture, { sql, nestTables: '_' })).toEqual([{ a_id: 1, b_id: 1 }]);
  });

  it('typeCast: false, and as a function', async () => {
    await using fixture = await open(subject);
    expect((await fixture.pool.query({ sql: 'SELECT 1 AS a', typeCast: false }))[0]).toEqual([{ a: Buffer.from('1') }]);
    const upper: QueryOptions = {
      sql: "SELECT 'x' AS a, 5 AS b",
      typeCast: (field, next) => (field.type === 'VAR_STRING' ? field.string()?.toUpperCase() : next()),
    };
    expect(await agreed(fixture, upper)).toEqual([{ a: 'X', b: 5 }]);
    await using cast = await open(subject, { typeCast: (field, next) => (field.type === 'VAR_STRING' ? 'cast' : next()) });
    expect(await agreed(cast, "SELECT 'x' AS a")).toEqual([{ a: 'cast' }]);
  });

  it('dateStrings, supportBigNumbers, bigNumberStrings and decimalNumbers', async () => {
    const sql =
      "SELECT CAST('2020-01-02 03:04:05' AS DATETIME) AS moment, CAST(9007199254740993 AS SIGNED) AS big, CAST(7 AS SIGNED) AS small, CAST(1.50 AS DECIMAL(5,2)) AS price";
    const moment = new Date(2020, 0, 2, 3, 4, 5);
    const expected: readonly (readonly [PoolOptions, object])[] = [
      [{}, { moment, small: 7, price: '1.50' }],
      [{ dateStrings: true }, { moment: '2020-01-02 03:04:05', small: 7 }],
      [{ dateStrings: ['DATETIME'] }, { moment: '2020-01-02 03:04:05' }],
      [{ supportBigNumbers: true }, { big: '9007199254740993', small: 7 }],
      [{ supportBigNumbers: true, bigNumberStrings: true }, { big: '9007199254740993' }],
      [{ decimalNumbers: true }, { price: 1.5 }],
    ];
    for (const [options, row] of expected) {
      await using fixture = await open(subject, options);
      expect(await agreed(fixture, sql)).toMatchObject([row]);
    }
  });

  it('JSON columns, as values and with jsonStrings as text', async () => {
    const found: unknown[] = [];
    for (const jsonStrings of [false, true]) {
      await using fixture = await open(subject, { jsonStrings });
      await fixture.pool.query('CREATE TABLE t (doc JSON)');
      await fixture.pool.query('INSERT INTO t VALUES (?)', [JSON.stringify({ a: [1] })]);
      found.push(await agreed(fixture, 'SELECT doc FROM t'));
    }
    expect(found).toEqual([[{ doc: { a: [1] } }], [{ doc: differs('ownJsonText') ? '{"a": [1]}' : '{"a":[1]}' }]]);
  });

  it('whose callback or typeCast throws do not stop the pool', async () => {
    using uncaught = captureUncaught();
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { pool, callbacks } = fixture;
    let called = 0;
    const fail = (): never => {
      called += 1;
      throw new Error('from the caller');
    };
    for (const method of ['query', 'execute'] as const) {
      callbacks[method]('SELECT 1', fail);
      await waitFor('the call', () => called > 0);
      called = 0;
      expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
      const run = pool[method].bind(pool) as (options: QueryOptions) => Promise<unknown>;
      await run({ sql: "SELECT 'x' AS a", typeCast: fail }).catch(() => undefined);
      called = 0;
      expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
    }
    expect(uncaught.errors.every((error) => (error as Error).message === 'from the caller')).toBe(true);
  });

  it('stringifyObjects, lists, and escape, escapeId, format of both forms', async () => {
    await using fixture = await open(subject, { stringifyObjects: true });
    const { pool, callbacks } = fixture;
    expect((await pool.query('SELECT ? AS a', [{ b: 1 }]))[0]).toEqual([{ a: '[object Object]' }]);
    expect((await pool.query('SELECT 3 IN (?) AS found', [[1, 2, 3]]))[0]).toEqual([{ found: 1 }]);
    for (const form of [pool, callbacks]) {
      expect([form.escape("it's"), form.escapeId('a.b'), form.format('?? = ?', ['a', 1])]).toEqual(["'it\\'s'", '`a`.`b`', '`a` = 1']);
    }
  });

  it('queryFormat formats in place of mysql2', async () => {
    await using fixture = await open(subject, {
      queryFormat: (sql: string, values: Record<string, unknown>) => sql.replace(/%(\w+)/g, (_, name: string) => String(values[name])),
    });
    expect((await fixture.pool.query('SELECT %a AS a', { a: 5 }))[0]).toEqual([{ a: 5 }]);
  });

  it('several in one text, with multipleStatements: results and fields in lists', async () => {
    await using fixture = await open(subject, { multipleStatements: true });
    const { pool, callbacks } = fixture;
    const [results, fields] = await pool.query('SELECT 1 AS a; DO 1; SELECT 2 AS b, 3 AS c');
    expect(results).toMatchObject([[{ a: 1 }], { affectedRows: 0 }, [{ b: 2, c: 3 }]]);
    expect(fields).toMatchObject([[{ name: 'a' }], undefined, [{ name: 'b' }, { name: 'c' }]]);
    const called = await answerOf((done) => callbacks.query('SELECT 1 AS a; SELECT 2 AS b', done));
    expect(called.results[0]).toEqual([[{ a: 1 }], [{ b: 2 }]]);
    await using single = await open(subject);
    expect(await errorOf(single.pool.query('SELECT 1; SELECT 2'))).toMatchObject({ errno: 1064 });
  });

  it('of stored procedures have their result sets and a header', async () => {
    await using fixture = await open(subject);
    await fixture.pool.query('CREATE PROCEDURE p() BEGIN SELECT 1 AS a; SELECT 2 AS b; END');
    expect(await agreed(fixture, 'CALL p()')).toMatchObject([[{ a: 1 }], [{ b: 2 }], { affectedRows: 0 }]);
  });

  it('that write report affectedRows, insertId, changedRows and info', async () => {
    await using fixture = await open(subject);
    const { pool } = fixture;
    await pool.query('CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, name TEXT)');
    expect((await pool.query('INSERT INTO t (name) VALUES ?', [[['a'], ['b']]]))[0]).toMatchObject({
      affectedRows: 2,
      insertId: 1,
      info: 'Records: 2  Duplicates: 0  Warnings: 0',
      warningStatus: 0,
    });
    expect((await pool.execute('UPDATE t SET name = ?', ['a']))[0]).toMatchObject({ affectedRows: 2, changedRows: 1 });
  });

  it('that fail carry code, errno, sqlState, sqlMessage and sql, and the connection is good for the next', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('CREATE TABLE t (id INT PRIMARY KEY)');
    await pool.query('INSERT INTO t VALUES (1)');
    expect(await errorOf(pool.query('INSERT INTO t VALUES (?)', [1]))).toMatchObject({
      code: 'ER_DUP_ENTRY',
      errno: 1062,
      sqlState: '23000',
      sqlMessage: `Duplicate entry '1' for key '${differs('namesTableOfKey') ? 't.' : ''}PRIMARY'`,
      sql: 'INSERT INTO t VALUES (1)',
    });
    expect(await errorOf(pool.execute('INSERT INTO t VALUES (?)', [1]))).toMatchObject({ code: 'ER_DUP_ENTRY', errno: 1062 });
    expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
  });

  it('with a wrong number of values are refused by the server, with values that cannot be sent by mysql2', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { pool, callbacks } = fixture;
    expect((await errorOf(pool.execute('SELECT ?', [undefined] as never))).message).toContain('undefined');
    const { error } = await answerOf((done) => callbacks.execute('SELECT ?', { a: 1 } as never, done));
    expect(error).toBeInstanceOf(TypeError);
    expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
  });

  it('with a callback given to the promise form are refused', async () => {
    await using fixture = await open(subject);
    const { pool } = fixture;
    for (const method of ['query', 'execute'] as const) {
      const call = async (): Promise<unknown> =>
        await (pool[method] as (...parameters: unknown[]) => Promise<unknown>)('SELECT 1', () => undefined);
      expect((await errorOf(call())).message).toBe('Callback function is not available with promise clients.');
    }
  });

  it('of one borrower run one after the other, in the order in which they were given', async () => {
    await using fixture = await open(subject);
    const { pool } = fixture;
    const connection = await pool.getConnection();
    const results = await Promise.all([
      connection.query('SET @n = 1'),
      connection.query('SET @n = @n * 10'),
      connection.execute('SELECT @n AS n'),
    ]);
    expect(results[2]?.[0]).toEqual([{ n: 10 }]);
    connection.release();
  });
});

describe.each(SUBJECTS)('prepared statements of $name', (subject) => {
  it('are prepared once for each connection, and unprepared when asked to', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { pool, callbacks } = fixture;
    const status = async (name: string): Promise<number> => {
      const [rows] = await pool.query(`SHOW SESSION STATUS LIKE '${name}'`);
      return Number((rows as { Value: string }[])[0]?.Value);
    };
    // Texts: MySQL prepares once more for a number where it expects a text.
    await pool.execute('SELECT CONCAT(?) AS a', ['1']);
    await pool.execute('SELECT CONCAT(?) AS a', ['2']);
    expect([await status('Com_stmt_prepare'), await status('Com_stmt_execute')]).toEqual([1, 2]);
    const connection = await borrow(callbacks);
    connection.unprepare('SELECT CONCAT(?) AS a');
    connection.release();
    await pool.execute('SELECT CONCAT(?) AS a', ['3']);
    expect([await status('Com_stmt_prepare'), await status('Com_stmt_close')]).toEqual([2, 1]);
  });

  it('maxPreparedStatements closes the oldest', async () => {
    await using fixture = await open(subject, { connectionLimit: 1, maxPreparedStatements: 2 });
    const { pool } = fixture;
    for (const n of [1, 2, 3, 4]) await pool.execute(`SELECT ${n}`);
    const [rows] = await pool.query("SHOW SESSION STATUS LIKE 'Com_stmt_close'");
    expect(rows).toMatchObject([{ Value: '2' }]);
  });

  it('of prepare() are executed and closed, in both forms', async () => {
    await using fixture = await open(subject);
    const { pool, callbacks } = fixture;
    const promised = await pool.getConnection();
    const statement = await promised.prepare('SELECT ? + 1 AS next');
    expect((await statement.execute([41]))[0]).toEqual([{ next: 42 }]);
    await statement.close();
    promised.release();
    const called = await borrow(callbacks);
    const { results } = await answerOf((done) => called.prepare('SELECT ? + 2 AS next', done as never));
    const prepared = results[0] as { execute(values: unknown[], done: unknown): void; close(): void };
    expect(await answerOf((done) => prepared.execute([1], done))).toMatchObject({ error: null, results: [[{ next: 3 }], {}] });
    prepared.close();
    called.release();
  });
});

describe.each(SUBJECTS)('LOAD DATA LOCAL INFILE of $name', (subject) => {
  const rows = 'INTO TABLE t FIELDS TERMINATED BY "," (id, name)';

  it('reads from the stream of the statement, in both forms', async () => {
    await using fixture = await open(subject);
    const { pool, callbacks } = fixture;
    await pool.query('CREATE TABLE t (id INT, name TEXT)');
    const source = (): Readable => Readable.from([Buffer.from('1,one\n'), Buffer.from('2,two\n')]);
    const [header] = await pool.query({ sql: `LOAD DATA LOCAL INFILE 'any' ${rows}`, infileStreamFactory: source });
    expect(header).toMatchObject({ affectedRows: 2 });
    const called = await answerOf((done) =>
      callbacks.query({ sql: `LOAD DATA LOCAL INFILE 'any' ${rows}`, infileStreamFactory: source }, done),
    );
    expect(called).toMatchObject({ error: null, results: [{ affectedRows: 2 }, undefined] });
    expect((await pool.query('SELECT COUNT(*) AS n FROM t'))[0]).toEqual([{ n: 4 }]);
  });

  it('reads from the stream of the pool, which is given the path', async () => {
    const paths: string[] = [];
    await using fixture = await open(subject, {
      infileStreamFactory: (path: string) => {
        paths.push(path);
        return Readable.from([Buffer.from('3,three\n')]);
      },
    });
    await fixture.pool.query('CREATE TABLE t (id INT, name TEXT)');
    await fixture.pool.query(`LOAD DATA LOCAL INFILE 'some/path' ${rows}`);
    expect(paths).toEqual(['some/path']);
  });

  it('without a stream is refused, and a stream that fails fails the statement; the connection is good for the next', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('CREATE TABLE t (id INT, name TEXT)');
    expect((await errorOf(pool.query(`LOAD DATA LOCAL INFILE 'any' ${rows}`))).message).toContain('you must provide streamFactory option');
    const failing = (): Readable => new Readable({ read: (): void => undefined }).destroy(new Error('no such file'));
    expect((await errorOf(pool.query({ sql: `LOAD DATA LOCAL INFILE 'any' ${rows}`, infileStreamFactory: failing }))).message).toBe(
      'no such file',
    );
    expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
  });
});
