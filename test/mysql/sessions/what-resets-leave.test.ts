/** I8: what neither COM_RESET_CONNECTION nor COM_CHANGE_USER brings back by itself. */
import { describe, expect, it } from 'vitest';
import { connectionId, errorOf, openPool, type PoolOnDatabase, valueOf } from '../../support/pool-on-database.js';

interface WithRoles extends AsyncDisposable {
  readonly fixture: PoolOnDatabase;
  readonly atLogin: string;
  readonly other: string;
}

/** A pool of one connection whose user has a role at login, whose name needs quotes, and another one. */
async function openWithRoles(hygiene: 'auto' | 'always'): Promise<WithRoles> {
  const fixture = await openPool({ connectionLimit: 1, hygiene });
  const { database } = fixture;
  const suffix = database.database.slice('test_'.length);
  const [atLogin, other] = [`at.login\`${suffix}`, `other_${suffix}`];
  const [quotedAtLogin, user] = [`\`${atLogin.replaceAll('`', '``')}\``, `'${database.user}'@'%'`];
  for (const role of [quotedAtLogin, other]) {
    await database.admin(`CREATE ROLE ${role}`);
    await database.admin(`GRANT ${role} TO ${user}`);
  }
  const [[version]] = [await database.admin('SELECT VERSION() AS v')];
  const preposition = String(version?.['v']).includes('MariaDB') ? 'FOR' : 'TO';
  await database.admin(`SET DEFAULT ROLE ${quotedAtLogin} ${preposition} ${user}`);
  return {
    fixture,
    atLogin,
    other,
    async [Symbol.asyncDispose]() {
      await fixture[Symbol.asyncDispose]();
      await using server = await openPool();
      for (const role of [quotedAtLogin, other]) await server.database.admin(`DROP ROLE ${role}`);
    },
  };
}

describe.each(['auto', 'always'] as const)("under hygiene '%s'", (hygiene) => {
  it('the role is that of a login again', async () => {
    await using roles = await openWithRoles(hygiene);
    const { pool } = roles.fixture;
    const role = (): Promise<unknown> => valueOf(pool, 'CURRENT_ROLE()');
    const atLogin = await role();
    expect(String(atLogin)).toContain('at.login');
    const id = await connectionId(pool);
    await pool.query(`CREATE PROCEDURE take_role() SET ROLE ${roles.other}`);
    for (const sql of ['SET ROLE NONE', `set /* x */ role ${roles.other}`, 'CALL take_role()']) {
      await pool.query(sql);
      expect([sql, await role()]).toEqual([sql, atLogin]);
    }
    expect(await connectionId(pool)).toBe(id);
  });

  it('the sql_mode is that of a login again', async () => {
    await using fixture = await openPool({ connectionLimit: 1, hygiene });
    const { pool, database } = fixture;
    const mode = await valueOf(pool, '@@sql_mode');
    await pool.query("SET sql_mode = 'ANSI'");
    expect(await valueOf(pool, '@@sql_mode')).toBe(mode);
    const connection = await pool.getConnection();
    await connection.changeUser({ user: database.user, password: database.password });
    connection.release();
    expect(await valueOf(pool, '@@sql_mode')).toBe(mode);
    expect(pool.stats().opened).toBe(1);
  });

  it('an XA transaction that was begun is rolled back, one that was prepared waits for its end elsewhere', async () => {
    await using fixture = await openPool({ connectionLimit: 1, hygiene });
    const { pool, database } = fixture;
    const xid = `'${database.database}'`;
    await pool.query('CREATE TABLE t (id INT) ENGINE = InnoDB');
    const begun = [`XA START ${xid}`, 'INSERT INTO t VALUES (1)', `XA END ${xid}`];
    for (const steps of [begun.slice(0, 1), begun.slice(0, 2), begun, [...begun, `XA PREPARE ${xid}`]]) {
      const connection = await pool.getConnection();
      for (const step of steps) await connection.query(step);
      connection.release();
      expect(await valueOf(pool, '(SELECT COUNT(*) FROM t)')).toBe(0);
      await pool.transaction((tx) => tx.query('SELECT COUNT(*) FROM t'));
    }
    await database.admin(`XA COMMIT ${xid}`);
    expect(await valueOf(pool, '(SELECT COUNT(*) FROM t)')).toBe(1);
  });
});

describe('a read-only transaction that was asked for', () => {
  const refused = "SIGNAL SQLSTATE '25006' SET MYSQL_ERRNO = 1792, MESSAGE_TEXT = 'Cannot execute statement in a READ ONLY transaction'";

  it.each([
    ['SET TRANSACTION READ ONLY, then a transaction', ['SET TRANSACTION READ ONLY', 'START TRANSACTION', 'COMMIT']],
    ['SET TRANSACTION READ ONLY, then another statement', ['SET TRANSACTION READ ONLY', 'DELETE FROM t']],
    ['START TRANSACTION READ ONLY, then BEGIN', ['START TRANSACTION READ ONLY', 'BEGIN']],
    ['a session that writes again', ['SET SESSION TRANSACTION READ ONLY', 'SET SESSION TRANSACTION READ WRITE']],
    ['a session that writes again by its variable', ['SET SESSION TRANSACTION READ ONLY', 'SET SESSION transaction_read_only = 0']],
  ])('is not remembered for longer than it holds: %s', async (_, statements) => {
    await using fixture = await openPool({ connectionLimit: 1, hygiene: 'transaction' });
    const { pool } = fixture;
    await pool.query('CREATE TABLE t (id INT)');
    const connection = await pool.getConnection();
    for (const sql of statements) await connection.query(sql).catch(() => undefined);
    expect(await errorOf(connection.query(refused))).toMatchObject({ errno: 1792 });
    connection.release();
    // The server refuses writes of its own: what is connected to it must go.
    await pool.query('SELECT 1');
    expect(pool.stats().opened).toBe(2);
  });

  it.each([
    ['SET TRANSACTION READ ONLY', ['SET TRANSACTION READ ONLY', 'BEGIN']],
    ['SET TRANSACTION READ ONLY for one statement', ['SET TRANSACTION READ ONLY']],
    ['START TRANSACTION READ ONLY', ['START TRANSACTION READ ONLY']],
    ['SET SESSION TRANSACTION READ ONLY', ['SET SESSION TRANSACTION READ ONLY']],
  ])('refuses writes without a harm to the connection: %s', async (_, statements) => {
    await using fixture = await openPool({ connectionLimit: 1, hygiene: 'transaction' });
    const { pool } = fixture;
    await pool.query('CREATE TABLE t (id INT)');
    const connection = await pool.getConnection();
    for (const sql of statements) await connection.query(sql);
    expect(await errorOf(connection.query('INSERT INTO t VALUES (1)'))).toMatchObject({ errno: 1792 });
    connection.release();
    await pool.query('SELECT 1');
    expect(pool.stats().opened).toBe(1);
  });
});
