import { describe, expect, it } from 'vitest';
import { createPool as createDropIn } from '../../../../src/mirror/promise.js';
import type { Pool } from '../../../../src/mysql/pools/pool.js';
import { borrowByCallback, connectionId, errorOf, firstRow, openPool, poolOf, valueOf } from '../../../support/pool-on-database.js';
import { createDatabase, type TestDatabase } from '../../../support/servers/database.js';

const DOORS: Readonly<Record<string, (database: TestDatabase) => Pool>> = {
  createPool: (database) => poolOf(database, { connectionLimit: 1 }),
  'the drop-in': (database) => createDropIn({ ...database.connection, connectionLimit: 1 }) as Pool,
};
const WHO = 'SELECT CURRENT_USER() AS user, DATABASE() AS db, @x AS x, @@time_zone AS zone, CONNECTION_ID() AS id';

describe.each(Object.entries(DOORS))('I8: a connection of %s that logged in as another user', (_, open) => {
  it('is the pool’s user’s again for the next borrower, with what a listener had set up, and no connection is opened for it', async () => {
    await using database = await createDatabase();
    await using other = await createDatabase();
    await using pool = open(database);
    pool.on('connection', (connection) => void connection.query("SET SESSION time_zone = '+02:00'"));
    const id = await connectionId(pool);
    const mine = { user: `${database.user}@%`, db: database.database, x: null, zone: '+02:00', id };
    const { user, password } = other;
    for (let round = 0; round < 3; round += 1) {
      const promised = await pool.getConnection();
      await promised.changeUser({ user, password, database: other.database });
      await promised.query('SET @x = 1');
      expect(await firstRow(promised, WHO)).toMatchObject({ user: `${user}@%`, db: other.database, x: 1 });
      promised.release();
      expect(await firstRow(pool, WHO)).toEqual(mine);
      const called = await borrowByCallback(pool);
      await new Promise((resolve) => called.changeUser({ user, password, database: other.database }, resolve));
      called.release();
      expect(await firstRow(pool, WHO)).toEqual(mine);
    }
  });

  it('or failed to, is the pool’s user’s for the next borrower', async () => {
    await using database = await createDatabase();
    await using pool = open(database);
    for (const login of [{ database: 'no_such_database' }, { user: database.user, password: 'wrong' }]) {
      const connection = await pool.getConnection();
      const { errno } = await errorOf(connection.changeUser(login));
      expect([1044, 1045, 1049]).toContain(errno);
      connection.release();
      expect(await firstRow(pool, WHO)).toMatchObject({ user: `${database.user}@%`, db: database.database });
    }
  });
});

describe('I8: a pool that logs in with no default database', () => {
  it('has none for the next borrower, on the same connection', async () => {
    await using database = await createDatabase();
    const { database: name, ...address } = database.connection;
    await using pool = poolOf({ ...database, connection: address as TestDatabase['connection'] }, { connectionLimit: 1 });
    const id = await connectionId(pool);
    for (let round = 0; round < 3; round += 1) {
      await pool.query(`USE ${name}`);
      expect(await firstRow(pool, WHO)).toMatchObject({ db: null, id });
    }
  });
});

describe('onConnect', () => {
  it('that logs in as another user does so for every borrower, at no cost to borrowers who leave the session as it is', async () => {
    await using database = await createDatabase();
    await using other = await createDatabase();
    const { user, password } = other;
    await using pool = poolOf(database, {
      connectionLimit: 1,
      onConnect: (connection) => connection.changeUser({ user, password, database: other.database }),
    });
    const id = await connectionId(pool);
    for (let round = 0; round < 2; round += 1) {
      expect(await firstRow(pool, WHO)).toMatchObject({ user: `${user}@%`, db: other.database, x: null, id });
    }
    expect(pool.stats()).toMatchObject({ opened: 1, resets: 0 });
    await pool.query('SET @x = 1');
    expect(await firstRow(pool, WHO)).toMatchObject({ user: `${user}@%`, db: other.database, x: null, id });
    expect(await valueOf(pool, '1')).toBe(1);
  });

  it('that makes sessions read-only is remembered after a reset: a write that fails says nothing about the server', async () => {
    await using fixture = await openPool({
      connectionLimit: 1,
      onConnect: async (connection) => void (await connection.query('SET SESSION TRANSACTION READ ONLY')),
    });
    const { pool, database } = fixture;
    await database.admin('CREATE TABLE t (id INT)');
    const id = await connectionId(pool);
    for (let round = 0; round < 2; round += 1) {
      expect(await errorOf(pool.query('INSERT INTO t VALUES (1)'))).toMatchObject({ errno: 1792 });
      await pool.query('SET @x = 1');
    }
    expect(await connectionId(pool)).toBe(id);
  });
});
