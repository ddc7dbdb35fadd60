import type { PoolConnection as CallbackConnection } from 'mysql2';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createPool as createDropIn } from '../../../../src/mirror/promise.js';
import type { Pool } from '../../../../src/mysql/pools/pool.js';
import { borrowByCallback, connectionId, firstRow, openPool, poolOf, valueOf } from '../../../support/pool-on-database.js';
import { createDatabase, type TestDatabase } from '../../../support/servers/database.js';

type Listener = (connection: CallbackConnection) => unknown;

const ZONE = "SET SESSION time_zone = '+02:00'";
const NAMES = "SET SESSION lc_time_names = 'de_DE'";
const FOUND = 'SELECT @@time_zone AS zone, @@lc_time_names AS names, @x AS x';
const SET_UP = { zone: '+02:00', names: 'de_DE', x: null };

/** A listener, and a promise of the end of what it does. */
function ending(work: (connection: CallbackConnection, done: () => void) => unknown): { listener: Listener; ended: Promise<void> } {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { listener: (connection) => work(connection, end), ended };
}

const KINDS: Readonly<Record<string, (connection: CallbackConnection, done: () => void) => unknown>> = {
  'two statements at once': (connection, done) => {
    connection.query(ZONE, () => undefined);
    connection.query(NAMES, done);
  },
  'a callback in a callback': (connection, done) => void connection.query(ZONE, () => connection.query(NAMES, done)),
  'an event that sends the next statement': (connection, done) => {
    connection.query(ZONE).on('end', () => connection.query(NAMES).on('end', done));
  },
  'two awaits': async (connection, done) => {
    await connection.promise().query(ZONE);
    await connection.promise().query(NAMES);
    done();
  },
  'a chain of promises that is not returned': (connection, done) => {
    void connection
      .promise()
      .query(ZONE)
      .then(() => connection.promise().query(NAMES))
      .then(done);
  },
  'prepared statements': (connection, done) =>
    void connection.execute('SET SESSION time_zone = ?', ['+02:00'], () =>
      connection.execute('SET SESSION lc_time_names = ?', ['de_DE'], done),
    ),
  'a wait before the first statement': async (connection, done) => {
    await delay(5);
    await connection.promise().query(ZONE);
    await nextTurn();
    connection.query(NAMES, done);
  },
  'several statements in one text': (connection, done) => void connection.query(`${ZONE}; ${NAMES}`, done),
};

const DOORS: Readonly<Record<string, (database: TestDatabase) => Pool>> = {
  createPool: (database) => poolOf(database, { connectionLimit: 1, multipleStatements: true }),
  'the drop-in': (database) =>
    createDropIn({ ...database.connection, connectionLimit: 1, multipleStatements: true, resetOnRelease: true } as object) as Pool,
};

describe.each(Object.entries(DOORS))('I8: a "connection" listener of %s', (_, open) => {
  it.each(Object.entries(KINDS))('sets the session up for good, on one connection, by %s', async (_kind, work) => {
    await using database = await createDatabase();
    await using pool = open(database);
    const { listener, ended } = ending(work);
    let opened = 0;
    pool.pool.on('connection', (connection) => {
      opened += 1;
      listener(connection);
    });
    await pool.query('SELECT 1');
    await ended;
    for (let round = 0; round < 4; round += 1) {
      expect(await firstRow(pool, FOUND)).toEqual(SET_UP);
      await pool.query("SET time_zone = '+05:00', lc_time_names = 'fr_FR', @x = 1");
    }
    expect(opened).toBe(1);
  });
});

describe('I8: beside a "connection" listener', () => {
  it('what a borrower sets is gone after the release, even where the listener is the borrower', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const borrows: readonly (() => Promise<unknown>)[] = [
      () => pool.query('SET @x = 1'),
      () => pool.execute('SET @x = 1'),
      () => pool.transaction((tx) => tx.query('SET @x = 1')),
      async () => {
        await using connection = await pool.getConnection();
        await connection.query('SET @x = 1');
      },
      () => new Promise((resolve) => pool.pool.query('SET @x = 1', resolve)),
      async () => {
        const connection = await borrowByCallback(pool);
        await new Promise((resolve) => connection.query('SET @x = 1', resolve));
        connection.release();
      },
      () =>
        new Promise<void>((resolve) => {
          pool.pool.getConnection((_error, connection) => {
            connection.query('SET @x = 1', () => {
              connection.release();
              resolve();
            });
          });
        }),
    ];
    const found: unknown[] = [];
    const { listener, ended } = ending(async (connection, done) => {
      connection.query(ZONE);
      connection.query(NAMES);
      for (const borrow of borrows) {
        await borrow();
        found.push(await firstRow(pool, FOUND));
      }
      done();
    });
    pool.once('connection', (connection) => void listener(connection as unknown as CallbackConnection));
    const id = await connectionId(pool);
    await ended;
    expect(found).toEqual(borrows.map(() => SET_UP));
    expect(await connectionId(pool)).toBe(id);
  });

  it('what comes to the connection from elsewhere is cleaned away as a borrower’s', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const kept: CallbackConnection[] = [];
    pool.on('connection', (connection) => kept.push(connection as unknown as CallbackConnection));
    await pool.query('SELECT 1');
    await new Promise((resolve) => kept[0]?.query('SET @x = 1', resolve));
    await pool.query('SELECT 1');
    expect(await valueOf(pool, '@x')).toBeNull();
    expect(pool.stats()).toMatchObject({ opened: 1, resets: 1 });
  });

  it('a connection is replaced when a listener wrote data together with its settings, or called a procedure', async () => {
    await using fixture = await openPool({ connectionLimit: 1, multipleStatements: true });
    const { pool, database } = fixture;
    await database.admin('CREATE TABLE opened (id INT)');
    await database.admin('CREATE PROCEDURE set_up() SET @tenant = 1');
    for (const sql of ['SET @tenant = 1; INSERT INTO opened VALUES (1)', 'CALL set_up()']) {
      pool.evict();
      pool.removeAllListeners('connection');
      pool.on('connection', (connection) => void connection.query(sql));
      const { opened } = pool.stats();
      for (let round = 0; round < 3; round += 1) {
        expect(await valueOf(pool, '@tenant')).toBe(1);
        await pool.query('SET @tenant = 2');
      }
      expect(pool.stats().opened - opened).toBe(3);
    }
    expect(await valueOf(pool, '(SELECT COUNT(*) FROM opened)')).toBe(3);
  });

  it('a statement that fails is not repeated', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    pool.on('connection', (connection) => {
      const raw = connection as unknown as CallbackConnection;
      raw.query("SET SESSION no_such_variable = 'x'", () => raw.query(ZONE));
    });
    for (let round = 0; round < 3; round += 1) {
      expect(await valueOf(pool, '@@time_zone')).toBe('+02:00');
      await pool.query("SET time_zone = '+05:00'");
    }
    expect(pool.stats().opened).toBe(1);
  });

  it('a listener that never stops changing the session is followed for a while, then its connection is replaced', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const { listener, ended } = ending(async (connection, done) => {
      for (let beat = 0; beat < 100; beat += 1) await connection.promise().query('SET @beat = ?', [beat]);
      done();
    });
    pool.once('connection', (connection) => void listener(connection as unknown as CallbackConnection));
    const id = await connectionId(pool);
    await ended;
    expect(await connectionId(pool)).toBe(id);
    await pool.query('SET @x = 1');
    expect(await connectionId(pool)).not.toBe(id);
  });
});

describe('onConnect', () => {
  it('that does not wait for what it sends costs no reset and no connection', async () => {
    await using fixture = await openPool({ connectionLimit: 1, onConnect: (connection) => void connection.query(ZONE) });
    const { pool } = fixture;
    for (let round = 0; round < 4; round += 1) expect(await valueOf(pool, '@@time_zone')).toBe('+02:00');
    expect(pool.stats()).toMatchObject({ opened: 1, resets: 0 });
  });
});
