import { describe, expect, it } from 'vitest';
import { nameOf, openCachedPool } from '../../cache/support/cached-pool.js';
import { errorOf } from '../../support/pool-on-database.js';

const RENAME = 'UPDATE users SET name = ? WHERE id = ?';

describe('a write through the pool', () => {
  it.each([
    ['UPDATE', "UPDATE users SET name = 'new' WHERE id = 1"],
    ['UPDATE with a join', "UPDATE orders o RIGHT JOIN users u ON o.user_id = u.id SET u.name = 'new' WHERE u.id = 1"],
    ['INSERT … ON DUPLICATE KEY', "INSERT INTO users VALUES (1, 'x') ON DUPLICATE KEY UPDATE name = 'new'"],
    ['REPLACE', "REPLACE users VALUES (1, 'new')"],
    ['in capitals and comments', "/* a */ uPdAtE `users` -- b\n SET name = 'new' WHERE id = 1"],
    ['with the database', "UPDATE DATABASE_NAME.users SET name = 'new' WHERE id = 1"],
    ['ALTER', "ALTER TABLE users CHANGE name name VARCHAR(3) DEFAULT 'new'"],
  ])('is seen by the next read: %s', async (_, sql) => {
    await using fixture = await openCachedPool();
    const { pool, database, cache } = fixture;
    expect(await nameOf(pool, 1)).toBe('user1');
    const before = cache.stats().misses;
    if (sql.startsWith('ALTER')) await pool.query("UPDATE IGNORE users SET name = 'new'");
    await pool.query(sql.replace('DATABASE_NAME', database.database));
    expect(await nameOf(pool, 1)).toBe('new');
    expect(cache.stats().misses).toBeGreaterThan(before);
  });

  it('is seen in every way to send it: prepared, on a connection, by callback, as a stream', async () => {
    await using fixture = await openCachedPool();
    const { pool } = fixture;
    await nameOf(pool, 1);
    await pool.execute(RENAME, ['a', 1]);
    expect(await nameOf(pool, 1)).toBe('a');
    await using connection = await pool.getConnection();
    await connection.query(RENAME, ['b', 1]);
    expect(await nameOf(pool, 1)).toBe('b');
    const statement = await connection.prepare(RENAME);
    await statement.execute(['c', 1]);
    expect(await nameOf(pool, 1)).toBe('c');
    await new Promise<void>((resolve, reject) => {
      pool.pool.query(RENAME, ['d', 1], (error) => (error === null ? resolve() : reject(error)));
    });
    expect(await nameOf(pool, 1)).toBe('d');
    await new Promise((resolve) => pool.pool.query(RENAME, ['e', 1]).once('end', resolve as () => void));
    expect(await nameOf(pool, 1)).toBe('e');
  });

  it('leaves alone what comes from other tables', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    await nameOf(pool, 1);
    await pool.query('INSERT INTO orders (user_id, total) VALUES (1, 5)');
    await nameOf(pool, 1);
    expect(cache.stats().hits.memory).toBe(1);
  });

  it('in a transaction is seen at its commit, and by others not before', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    expect(await nameOf(pool, 1)).toBe('user1');
    await pool.transaction(async (tx) => {
      await tx.query(RENAME, ['new', 1]);
      expect(await nameOf(pool, 1)).toBe('user1');
      const [rows] = await tx.query({ sql: 'SELECT name FROM users WHERE id = ?', values: [1], cache: { ttl: 60_000 } });
      expect(rows).toEqual([{ name: 'new' }]);
      expect(await nameOf(pool, 1)).toBe('user1');
    });
    expect(cache.stats().hits.memory).toBe(2);
    expect(await nameOf(pool, 1)).toBe('new');
  });

  it.each([
    ['a procedure', 'CALL renaming()'],
    ['a prepared statement of SQL', 'EXECUTE renaming'],
    ['several statements in one text', "DO 0; UPDATE users SET name = 'new' WHERE id = 1"],
  ])('in a transaction is seen at its commit, though it might have committed itself: %s', async (_, sql) => {
    await using fixture = await openCachedPool({}, { multipleStatements: true });
    const { pool, database } = fixture;
    const update = "UPDATE users SET name = 'new' WHERE id = 1";
    await database.admin(`CREATE PROCEDURE renaming() ${update}`);
    await using connection = await pool.getConnection();
    await connection.query(`PREPARE renaming FROM '${update.replaceAll("'", "''")}'`);
    for (const end of ['COMMIT', 'ROLLBACK']) {
      await pool.query("UPDATE users SET name = 'old' WHERE id = 1");
      await connection.beginTransaction();
      await connection.query(sql);
      // Loaded again from what is committed so far.
      expect(await nameOf(pool, 1)).toBe('old');
      await connection.query(end);
      expect([end, await nameOf(pool, 1)]).toEqual([end, end === 'COMMIT' ? 'new' : 'old']);
    }
  });

  it("in a transaction of the caller's own is seen at its commit", async () => {
    await using fixture = await openCachedPool();
    const { pool } = fixture;
    await nameOf(pool, 1);
    {
      await using connection = await pool.getConnection();
      await connection.beginTransaction();
      await connection.query(RENAME, ['new', 1]);
      expect(await nameOf(pool, 1)).toBe('user1');
      await connection.commit();
      expect(await nameOf(pool, 1)).toBe('new');
      await connection.query('SET autocommit = 0');
      await connection.query(RENAME, ['newer', 1]);
      expect(await nameOf(pool, 1)).toBe('new');
      await connection.query('CREATE TEMPORARY TABLE passing (x INT)');
      await connection.query('COMMIT AND CHAIN');
      expect(await nameOf(pool, 1)).toBe('newer');
    }
  });

  it('that is rolled back, or cut off, leaves no wrong value', async () => {
    await using fixture = await openCachedPool();
    const { pool, database } = fixture;
    await nameOf(pool, 1);
    await errorOf(
      pool.transaction(async (tx) => {
        await tx.query(RENAME, ['never', 1]);
        throw new Error('no');
      }),
    );
    expect(await nameOf(pool, 1)).toBe('user1');
    await errorOf(
      pool.transaction(async (tx) => {
        await tx.query(RENAME, ['never', 1]);
        await database.killConnections();
        await tx.query('SELECT 1');
      }),
    );
    expect(await nameOf(pool, 1)).toBe('user1');
  });

  it('changes what views show, what triggers write and what foreign keys take along', async () => {
    await using fixture = await openCachedPool();
    const { pool, database } = fixture;
    await database.admin('CREATE VIEW names AS SELECT name FROM users WHERE id = 1');
    await database.admin('CREATE VIEW shouted AS SELECT UPPER(name) AS name FROM names');
    await database.admin('CREATE TABLE log (line VARCHAR(50))');
    await database.admin('CREATE TRIGGER renamed AFTER UPDATE ON users FOR EACH ROW INSERT INTO log VALUES (NEW.name)');
    await database.admin('CREATE TABLE cards (user_id INT, FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)');
    await database.admin('INSERT INTO cards VALUES (1)');
    const read = async (sql: string): Promise<unknown> => (await pool.query({ sql, rowsAsArray: true, cache: { ttl: 60_000 } }))[0];
    expect([await read('SELECT * FROM shouted'), await read('SELECT * FROM log'), await read('SELECT * FROM cards')]).toEqual([
      [['USER1']],
      [],
      [[1]],
    ]);
    await pool.query(RENAME, ['new', 1]);
    expect([await read('SELECT * FROM shouted'), await read('SELECT * FROM log')]).toEqual([[['NEW']], [['new']]]);
    await pool.query('DELETE FROM users WHERE id = 1');
    expect([await read('SELECT * FROM shouted'), await read('SELECT * FROM cards')]).toEqual([[], []]);
  });

  it('by a routine touches everything, and what a routine reads is not cached', async () => {
    await using fixture = await openCachedPool();
    const { pool, database, cache } = fixture;
    await database.admin("CREATE PROCEDURE rename_one() UPDATE users SET name = 'called' WHERE id = 1");
    await database.admin("CREATE FUNCTION rename_two() RETURNS INT BEGIN UPDATE users SET name = 'counted' WHERE id = 1; RETURN 1; END");
    await nameOf(pool, 1);
    await pool.query('CALL rename_one()');
    expect(await nameOf(pool, 1)).toBe('called');
    const { misses } = cache.stats();
    await pool.query({ sql: 'SELECT rename_two()', cache: true });
    expect(cache.stats().misses).toBe(misses);
    expect(await nameOf(pool, 1)).toBe('counted');
  });
});
