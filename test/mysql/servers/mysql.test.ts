/** What MySQL has and MariaDB has not, through the pool. */
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../../src/mysql/create-pool.js';
import { createDatabase } from '../../support/servers/database.js';
import { connectionId, errorOf, openPool, poolOf, valueOf } from '../../support/pool-on-database.js';
import { onlyWhere, startServer } from '../../support/sql-servers/this-server.js';
import { waitFor } from '../../support/wait-for.js';
import { createLedger, INSERT } from '../support/ledger.js';

beforeEach((context) => onlyWhere(context, 'mysqlsOwn'));

describe('an account', () => {
  it.each(['caching_sha2_password', 'sha256_password'])('of %s logs in over plaintext, first and again', async (plugin) => {
    await using database = await createDatabase();
    const user = `${plugin.slice(0, 6)}_${database.user.slice(-8)}`;
    await database.admin(`CREATE USER '${user}'@'%' IDENTIFIED WITH ${plugin} BY 'first'`);
    await database.admin(`GRANT ALL ON ${database.database}.* TO '${user}'@'%'`);
    try {
      await using pool = poolOf(database, { user, password: 'first', connectionLimit: 3 });
      const ids = await Promise.all([1, 2, 3].map(() => connectionId(pool)));
      expect(new Set(ids).size).toBeGreaterThan(0);
      // The server has it in its cache now; a new password takes it out again.
      pool.evict();
      expect(await valueOf(pool, 'SUBSTRING_INDEX(CURRENT_USER(), "@", 1)')).toBe(user);
    } finally {
      await database.admin(`DROP USER '${user}'@'%'`);
    }
  });

  it('whose password is changed is served with the new one, without a restart', async () => {
    await using database = await createDatabase();
    let { password } = database;
    const { host, port, user, database: name } = database.connection;
    await using pool = createPool({ host, port, user, database: name, minIdle: 0, connectionLimit: 1, credentials: () => ({ password }) });
    const before = await connectionId(pool);
    password = 'rotated';
    await database.admin(`ALTER USER '${database.user}'@'%' IDENTIFIED BY '${password}'`);
    pool.evict();
    expect(await connectionId(pool)).not.toBe(before);
  });
});

describe('a server', () => {
  it('that is made super_read_only is left, and used again when it takes writes', async () => {
    await using server = await startServer();
    await using database = await createDatabase(server);
    await createLedger(database);
    await using pool = poolOf(database, { connectionLimit: 2, minIdle: 2 });
    await pool.ready();
    await database.admin('SET GLOBAL super_read_only = 1');
    expect(await errorOf(pool.query(INSERT, [1, 'refused']))).toMatchObject({ errno: 1290 });
    await database.admin('SET GLOBAL super_read_only = 0, GLOBAL read_only = 0');
    await pool.query(INSERT, [2, 'taken']);
    expect(await valueOf(pool, '(SELECT MIN(id) FROM ledger)')).toBe(2);
  });

  it('in offline mode ends the connections of its users, refuses new ones with 3032, and serves when it is back', async () => {
    await using server = await startServer();
    await using database = await createDatabase(server);
    await using pool = poolOf(database, { connectionLimit: 1 });
    await pool.query('SELECT 1');
    await database.admin('SET GLOBAL offline_mode = 1');
    try {
      await waitFor('the server to have ended the connection', async () => (await database.processlist()).length === 0);
      const error = await errorOf(pool.query('SELECT 1'));
      expect(error).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 3032 } });
    } finally {
      await database.admin('SET GLOBAL offline_mode = 0');
    }
    await waitFor('the pool to serve', async () => {
      const served = await pool.query('SELECT 1').catch(() => undefined);
      return served !== undefined;
    });
  });
});

describe('values and attributes', () => {
  it('of VECTOR and JSON are what mysql2 makes of them', async () => {
    await using fixture = await openPool();
    const { pool, database } = fixture;
    await database.admin('CREATE TABLE shapes (v VECTOR(3), j JSON)');
    await pool.query("INSERT INTO shapes VALUES (STRING_TO_VECTOR('[1,2,3]'), ?)", [JSON.stringify({ a: [1, null] })]);
    await using direct = await createConnection(database.connection);
    const sql = 'SELECT v, VECTOR_TO_STRING(v) AS text, j FROM shapes';
    const [rows] = await pool.query<RowDataPacket[]>(sql);
    expect(rows).toEqual((await direct.query(sql))[0]);
    expect(rows[0]?.['j']).toEqual({ a: [1, null] });
    const [prepared] = await pool.execute<RowDataPacket[]>(sql);
    expect(prepared).toEqual((await direct.execute(sql))[0]);
  });

  it('of a query reach the server with it, and what follows is as usual', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const attributes = { trace: 'abc', count: 7 };
    const [rows] = await pool.query<RowDataPacket[]>({ sql: 'SELECT ? AS value', values: [1], attributes });
    expect(rows).toEqual([{ value: 1 }]);
    const [again] = await pool.execute<RowDataPacket[]>({ sql: 'SELECT ? AS value', values: [2], attributes });
    expect(again).toEqual([{ value: 2 }]);
    expect(await valueOf(pool, '3')).toBe(3);
    expect(pool.stats()).toMatchObject({ opened: 1, closed: 0 });
  });
});
