/** Checks of statements: texts and prepared ones, results of all kinds, transactions. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { createPool } from 'poolwright';
import mysql from 'poolwright/mysql2';
import promiseMysql from 'poolwright/mysql2/promise';
import { check, connectionOptions, errorOf } from './checks.mjs';

check('query: values of every kind', async () => {
  const pool = createPool(connectionOptions({ timezone: 'Z' }));
  const [rows, fields] = await pool.query(
    "SELECT ? AS number, ? AS text, ? AS nothing, ? AS bytes, CAST(? AS DATETIME(3)) AS moment, CAST('12345678901234567890.12' AS DECIMAL(30,2)) AS exact",
    [7, 'ä😀\'"\\', null, Buffer.from([0, 1, 255]), new Date('2026-01-02T03:04:05.678Z')],
  );
  assert.equal(rows[0].number, 7);
  assert.equal(rows[0].text, 'ä😀\'"\\');
  assert.equal(rows[0].nothing, null);
  assert.deepEqual([...rows[0].bytes], [0, 1, 255]);
  assert.equal(rows[0].moment.toISOString(), '2026-01-02T03:04:05.678Z');
  assert.equal(rows[0].exact, '12345678901234567890.12');
  assert.equal(fields[0].name, 'number');
  await pool.end();
});

check('execute: prepared statements', async () => {
  const pool = createPool(connectionOptions({ timezone: 'Z', supportBigNumbers: true, namedPlaceholders: true }));
  for (let round = 0; round < 3; round += 1) {
    const [rows] = await pool.execute(
      'SELECT :n AS n, :t AS t, :b AS b, CAST(9007199254740993 AS SIGNED) AS big, CAST(0.5 AS DOUBLE) AS half',
      {
        n: round,
        t: 'ä😀',
        b: Buffer.from([0, 255]),
      },
    );
    assert.equal(Number(rows[0].n), round);
    assert.equal(rows[0].t, 'ä😀');
    assert.equal(rows[0].big, '9007199254740993');
    assert.equal(rows[0].half, 0.5);
    assert.deepEqual([...rows[0].b], [0, 255]);
  }
  const error = await errorOf(pool.execute('SELECT * FROM no_such_table'));
  assert.equal(error.code, 'ER_NO_SUCH_TABLE');
  assert.match(error.stack, /statements\.mjs/);
  await pool.end();
});

check('many statements at once, and results in order', async () => {
  const pool = createPool(connectionOptions({ connectionLimit: 5 }));
  const answers = await Promise.all(Array.from({ length: 200 }, async (_, n) => (await pool.query('SELECT ? AS n', [n]))[0][0].n));
  assert.deepEqual(
    answers,
    Array.from({ length: 200 }, (_, n) => n),
  );
  assert.ok(pool.stats().total <= 5);
  await pool.end();
});

check('values of 6 MB there and back, and a row of 15 MB', async () => {
  const pool = createPool(connectionOptions());
  const bytes = Buffer.alloc(6_000_000, 'abcdefghij');
  const [[back]] = await pool.query('SELECT ? AS bytes', [bytes]);
  assert.ok(bytes.equals(back.bytes));
  const [[prepared]] = await pool.execute('SELECT ? AS bytes', [bytes]);
  assert.ok(bytes.equals(Buffer.from(prepared.bytes)));
  const [[long]] = await pool.query("SELECT REPEAT('x', 15000000) AS text");
  assert.equal(long.text.length, 15_000_000);
  await pool.end();
});

check('the compressed protocol', async () => {
  const pool = createPool(connectionOptions({ compress: true }));
  const text = 'compressed '.repeat(50_000);
  const [[row]] = await pool.query('SELECT ? AS text', [text]);
  assert.equal(row.text, text);
  const [[status]] = await pool.query("SHOW SESSION STATUS LIKE 'Compression'");
  assert.equal(status.Value, 'ON');
  await pool.end();
});

check('LOAD DATA LOCAL from a stream', async () => {
  const pool = createPool(connectionOptions());
  const connection = await pool.getConnection();
  await connection.query('CREATE TEMPORARY TABLE loaded (n INT, t VARCHAR(20))');
  const infileStreamFactory = () => Readable.from(['1\tone\n', '2\ttwo\n']);
  const [result] = await connection.query({ sql: "LOAD DATA LOCAL INFILE 'any' INTO TABLE loaded", infileStreamFactory });
  assert.equal(result.affectedRows, 2);
  connection.release();
  await pool.end();
});

check('streams: read with for await, and left early', async () => {
  const pool = createPool(connectionOptions({ connectionLimit: 1 }));
  const sql = `WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n WHERE n < 100) SELECT a.n, REPEAT('x', 200) AS t FROM n a, n b`;
  let count = 0;
  for await (const row of pool.pool.query(sql).stream({ highWaterMark: 20 })) if (row.t.length === 200) count += 1;
  assert.equal(count, 10_000);
  for await (const row of pool.pool.query(sql).stream()) if (row.n > 0) break;
  const [[after]] = await pool.query('SELECT 4 AS n');
  assert.equal(after.n, 4);
  await pool.end();
});

for (const { over, options } of [
  { over: 'TLS', options: {} },
  { over: 'plaintext', options: { ssl: false } },
]) {
  check(`streams over ${over}: a slow reader holds the server back`, async () => {
    const pool = createPool(connectionOptions(options));
    const connection = await pool.getConnection();
    const socket = connection.connection.stream;
    // 20 MB.
    const sql = `WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n WHERE n < 100) SELECT REPEAT('x', 2000) AS t FROM n a, n b`;
    const reading = connection.connection.query(sql).stream({ highWaterMark: 10 })[Symbol.asyncIterator]();
    await reading.next();
    let looks = 0;
    for (let before = -1; looks < 3; looks = socket.bytesRead === before ? looks + 1 : 0) {
      before = socket.bytesRead;
      assert.ok(before < 8_000_000, `${before} bytes were read for one row.`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    connection.destroy();
    await pool.end();
  });
}

check('transactions: commit, rollback, savepoint', async () => {
  const pool = createPool(connectionOptions());
  await pool.query('CREATE TABLE IF NOT EXISTS runtime_contract (id INT PRIMARY KEY, n INT)');
  await pool.query('DELETE FROM runtime_contract');
  const told = await pool.transaction(async (tx) => {
    await tx.query('INSERT INTO runtime_contract VALUES (1, 1)');
    await tx
      .transaction(async (inner) => {
        await inner.query('INSERT INTO runtime_contract VALUES (2, 2)');
        throw new Error('only the inner part');
      })
      .catch(() => undefined);
    return 'committed';
  });
  assert.equal(told, 'committed');
  const own = new Error('the whole');
  const error = await errorOf(
    pool.transaction(async (tx) => {
      await tx.query('INSERT INTO runtime_contract VALUES (3, 3)');
      throw own;
    }),
  );
  assert.equal(error, own);
  const [rows] = await pool.query('SELECT id FROM runtime_contract');
  assert.deepEqual(
    rows.map(({ id }) => id),
    [1],
  );
  await pool.query('DROP TABLE runtime_contract');
  await pool.end();
});

check('a changed session and an open transaction are cleaned', async () => {
  const pool = createPool(connectionOptions({ connectionLimit: 1 }));
  const first = await pool.getConnection();
  await first.query('SET @left = 1');
  await first.query("SET SESSION time_zone = '+02:00'");
  await first.beginTransaction();
  first.release();
  const [[row]] = await pool
    .query('SELECT @left AS `left`, @@session.time_zone AS zone, @@session.in_transaction AS open')
    .catch(() => pool.query('SELECT @left AS `left`, @@session.time_zone AS zone, 0 AS open'));
  assert.equal(row.left, null);
  assert.notEqual(row.zone, '+02:00');
  assert.equal(row.open, 0);
  await pool.end();
});

check('await using, and the use of a released connection', async () => {
  const pool = createPool(connectionOptions());
  const connection = await pool.getConnection();
  await connection[Symbol.asyncDispose]();
  assert.equal((await errorOf(connection.query('SELECT 1'))).code, 'POOL_RELEASED');
  assert.equal(pool.stats().used, 0);
  await pool.end();
});

check('poolwright/mysql2: callbacks and events', async () => {
  const pool = mysql.createPool(connectionOptions());
  assert.ok(pool instanceof mysql.Pool || typeof pool.getConnection === 'function');
  const rows = await new Promise((resolve, reject) =>
    pool.query('SELECT 1 AS n', (error, found) => (error ? reject(error) : resolve(found))),
  );
  assert.equal(rows[0].n, 1);
  const query = pool.query('SELECT 2 AS n');
  const [row] = await once(query, 'result');
  assert.equal(row.n, 2);
  const error = await new Promise((resolve) => pool.query('SELECT wrong', resolve));
  assert.equal(error.code, 'ER_BAD_FIELD_ERROR');
  await new Promise((resolve, reject) => pool.end((failed) => (failed ? reject(failed) : resolve())));
});

check("poolwright/mysql2/promise, and mysql2's own connection", async () => {
  const pool = promiseMysql.createPool(connectionOptions());
  const [[row]] = await pool.execute('SELECT 1 AS n');
  assert.equal(row.n, 1);
  await pool.end();
  const connection = await promiseMysql.createConnection(connectionOptions());
  const [[own]] = await connection.query('SELECT 2 AS n');
  assert.equal(own.n, 2);
  await connection.end();
});
