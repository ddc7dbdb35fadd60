import * as mysql2 from 'mysql2';
import type { RowDataPacket } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import type { PoolConnection } from '../../../src/mysql/connections/borrowed-connection.js';
import { createDatabase } from '../../support/servers/database.js';
import {
  connectionId,
  errorOf,
  firstRow,
  isInTransaction,
  openPool,
  type PoolOnDatabase,
  valueOf,
} from '../../support/pool-on-database.js';
import { differs, onlyWhere } from '../../support/sql-servers/this-server.js';
import { type DifferenceName } from '../../support/sql-servers/differences.js';

/** Its types do not have it. */
const { createQuery } = mysql2 as unknown as {
  readonly createQuery: (sql: string, values: readonly unknown[], callback: (error: unknown) => void, config: object) => object;
};

type Hygiene = 'auto' | 'always' | 'transaction' | 'never';

/** Something that a borrower may leave behind in a session, and how the next one would notice. */
interface Trace {
  readonly what: string;
  /** What the server must know. */
  readonly needs?: DifferenceName;
  leave(connection: PoolConnection): Promise<unknown>;
  /** Resolves to whether it is there. */
  found(connection: PoolConnection): Promise<boolean>;
}

const exists = async (connection: PoolConnection, table: string): Promise<boolean> =>
  connection.query(`SELECT 1 FROM ${table} LIMIT 1`).then(
    () => true,
    (error: { errno: number }) => {
      if (error.errno !== 1146) throw error;
      return false;
    },
  );
const is = async (connection: PoolConnection, condition: string): Promise<boolean> => Number(await valueOf(connection, condition)) === 1;

const OPEN_TRANSACTION: Trace = {
  what: 'an open transaction',
  leave: async (connection) => {
    await connection.beginTransaction();
    await connection.query('INSERT INTO t VALUES (1)');
  },
  found: (connection) => isInTransaction(connection),
};

/** What only a reset takes away. */
const SESSION_TRACES: readonly Trace[] = [
  {
    what: 'a user variable that a value of a command has set, beside an argument that mysql2 ignores',
    leave: (connection) =>
      new Promise<void>((resolve, reject) => {
        const done = (error: unknown): void => (error === null ? resolve() : reject(error));
        const command = createQuery('SELECT ? AS a', [mysql2.raw('@left := 8')], done, {});
        const own = connection.connection as unknown as { query(command: object, values: readonly unknown[]): void };
        own.query(command, [1]);
      }),
    found: (connection) => is(connection, '@left = 8'),
  },
  {
    what: 'a user variable that a value has set',
    leave: (connection) => connection.query('SELECT ? AS a', [mysql2.raw('@left := 7')]),
    found: (connection) => is(connection, '@left = 7'),
  },
  {
    what: 'a session variable',
    leave: (connection) => connection.query("SET SESSION time_zone = '+07:00'"),
    found: (connection) => is(connection, "@@time_zone = '+07:00'"),
  },
  {
    what: 'autocommit switched off',
    leave: (connection) => connection.query('SET autocommit = 0'),
    found: (connection) => is(connection, '@@autocommit = 0'),
  },
  {
    what: 'a user variable by SET',
    leave: (connection) => connection.query('SET @left = 1'),
    found: (connection) => is(connection, '@left IS NOT NULL'),
  },
  {
    what: 'a user variable by :=',
    leave: (connection) => connection.query('SELECT @left := 1'),
    found: (connection) => is(connection, '@left IS NOT NULL'),
  },
  {
    what: 'a user variable by INTO',
    leave: (connection) => connection.execute('SELECT 1 INTO @left'),
    found: (connection) => is(connection, '@left IS NOT NULL'),
  },
  {
    what: 'a temporary table',
    leave: (connection) => connection.query('CREATE TEMPORARY TABLE left_behind (id INT)'),
    found: (connection) => exists(connection, 'left_behind'),
  },
  {
    what: 'a temporary table in place of another',
    needs: 'replacesTemporaryTables',
    leave: (connection) => connection.query('CREATE OR REPLACE /* quietly */ TEMPORARY TABLE left_behind AS SELECT 1'),
    found: (connection) => exists(connection, 'left_behind'),
  },
  {
    what: 'a lock by GET_LOCK',
    leave: (connection) => connection.query("SELECT GET_LOCK(CONCAT('left-', DATABASE()), 0)"),
    found: (connection) => is(connection, "IS_USED_LOCK(CONCAT('left-', DATABASE())) IS NOT NULL"),
  },
  {
    what: 'a lock by DO GET_LOCK',
    leave: (connection) => connection.query("DO get_lock (CONCAT('left-', DATABASE()), 0)"),
    found: (connection) => is(connection, "IS_USED_LOCK(CONCAT('left-', DATABASE())) IS NOT NULL"),
  },
  {
    what: 'LOCK TABLES',
    leave: (connection) => connection.query('LOCK TABLES t READ'),
    found: async (connection) =>
      connection.query('INSERT INTO t VALUES (2)').then(
        () => false,
        () => true,
      ),
  },
  {
    what: 'an open HANDLER',
    leave: (connection) => connection.query('HANDLER t OPEN'),
    found: async (connection) =>
      connection.query('HANDLER t READ FIRST').then(
        () => true,
        () => false,
      ),
  },
  {
    what: 'a prepared statement',
    leave: (connection) => connection.query("PREPARE left_behind FROM 'SELECT 1'"),
    found: async (connection) =>
      connection.query('EXECUTE left_behind').then(
        () => true,
        () => false,
      ),
  },
  {
    what: 'what an executable comment has set',
    leave: (connection) => connection.query('/*!50000 SET @left = 1 */'),
    found: (connection) => is(connection, '@left IS NOT NULL'),
  },
  {
    what: 'what an executable comment of MariaDB has set',
    needs: 'runsItsOwnComments',
    leave: (connection) => connection.query('/*M! SET @left = 1 */'),
    found: (connection) => is(connection, '@left IS NOT NULL'),
  },
  {
    what: 'what the second of several statements has set',
    leave: (connection) => connection.query('SELECT 1; SET @left = 1'),
    found: (connection) => is(connection, '@left IS NOT NULL'),
  },
  {
    what: 'what a statement behind comments and brackets has set',
    leave: (connection) => connection.query('-- a line\n# another\n/* a block */ SET @left = 1'),
    found: (connection) => is(connection, '@left IS NOT NULL'),
  },
  {
    what: 'what a stored procedure has set',
    leave: async (connection) => {
      await connection.query('CREATE PROCEDURE leave_behind() SET @left = 1');
      await connection.query('CALL leave_behind()');
    },
    found: (connection) => is(connection, '@left IS NOT NULL'),
  },
  {
    what: 'a setting for the next transaction',
    leave: (connection) => connection.query('SET SESSION TRANSACTION READ ONLY'),
    found: async (connection) =>
      connection.query('INSERT INTO t VALUES (3)').then(
        () => false,
        () => true,
      ),
  },
  {
    what: 'an XA transaction',
    leave: (connection) => connection.query("XA START 'left'"),
    found: async (connection) =>
      connection.query('COMMIT').then(
        () => false,
        () => true,
      ),
  },
  {
    what: 'another default database',
    leave: (connection) => connection.query('USE information_schema'),
    found: (connection) => is(connection, "DATABASE() = 'information_schema'"),
  },
  {
    what: 'another default database by a prepared statement',
    needs: 'preparesMore',
    leave: (connection) => connection.execute('USE information_schema'),
    found: (connection) => is(connection, "DATABASE() = 'information_schema'"),
  },
];

function tracesOfThisServer(): readonly Trace[] {
  return SESSION_TRACES.filter(({ needs }) => needs === undefined || differs(needs));
}

async function openWithTable(hygiene: Hygiene): Promise<PoolOnDatabase> {
  const fixture = await openPool({ connectionLimit: 1, hygiene, multipleStatements: true });
  await fixture.pool.query('CREATE TABLE t (id INT)');
  return fixture;
}

/** Leaves a trace, releases, and borrows again: is it still there? */
async function survives(pool: Pool, trace: Trace): Promise<boolean> {
  const first = await pool.getConnection();
  await trace.leave(first);
  expect(await trace.found(first), 'the trace before the release').toBe(true);
  first.release();
  await using next = await pool.getConnection();
  return await trace.found(next);
}

describe.each(['auto', 'always'] as const)("I8: under hygiene '%s' the next borrower never sees", (hygiene) => {
  it.for([OPEN_TRANSACTION, ...SESSION_TRACES])('$what', async (trace, context) => {
    onlyWhere(context, trace.needs);
    await using fixture = await openWithTable(hygiene);
    expect(await survives(fixture.pool, trace)).toBe(false);
    expect(await valueOf(fixture.pool, 'DATABASE()')).toBe(fixture.database.database);
  });

  it('the account that another borrower has logged in with', async () => {
    await using fixture = await openWithTable(hygiene);
    await using other = await createDatabase();
    const { pool, database } = fixture;
    const connection = await pool.getConnection();
    await connection.changeUser({ user: other.user, password: other.password, database: other.database });
    expect(await valueOf(connection, 'CURRENT_USER()')).toBe(`${other.user}@%`);
    connection.release();
    expect(await firstRow(pool, 'SELECT CURRENT_USER() AS user, DATABASE() AS db')).toEqual({
      user: `${database.user}@%`,
      db: database.database,
    });
    // Nor does a connection that is opened afterwards.
    pool.evict();
    expect(await valueOf(pool, 'CURRENT_USER()')).toBe(`${database.user}@%`);
  });

  it('work that was rolled back: it is gone', async () => {
    await using fixture = await openWithTable(hygiene);
    await survives(fixture.pool, OPEN_TRANSACTION);
    expect(await valueOf(fixture.pool, '(SELECT COUNT(*) FROM t)')).toBe(0);
  });
});

describe("under hygiene 'transaction'", () => {
  it('an open transaction is rolled back, however it was begun', async () => {
    const begins: readonly ((connection: PoolConnection) => Promise<unknown>)[] = [
      (connection) => connection.beginTransaction(),
      (connection) => connection.query('BEGIN'),
      (connection) => connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT'),
      ...(differs('preparesMore') ? [(connection: PoolConnection) => connection.execute('START TRANSACTION')] : []),
      (connection) => connection.query('SELECT 1; START TRANSACTION; SELECT 2'),
      (connection) => connection.query('SET autocommit = 0'),
    ];
    for (const begin of begins) {
      await using fixture = await openWithTable('transaction');
      const { pool } = fixture;
      const connection = await pool.getConnection();
      const id = await connectionId(connection);
      await begin(connection);
      await connection.query('INSERT INTO t VALUES (1)');
      connection.release();
      await using next = await pool.getConnection();
      expect(await firstRow(next, 'SELECT COUNT(*) AS n, CONNECTION_ID() AS id FROM t')).toEqual({ n: 0, id });
    }
  });

  it('everything else stays as it was left', async () => {
    for (const trace of tracesOfThisServer()) {
      await using fixture = await openWithTable('transaction');
      // Cannot be rolled back before XA END: the connection is replaced.
      const stays = trace.what !== 'an XA transaction';
      expect([trace.what, await survives(fixture.pool, trace)]).toEqual([trace.what, stays]);
    }
  });
});

describe("under hygiene 'never'", () => {
  it('a transaction continues with the next borrower', async () => {
    await using fixture = await openWithTable('never');
    expect(await survives(fixture.pool, OPEN_TRANSACTION)).toBe(true);
  });

  it('a session stays as it was left', async () => {
    for (const trace of tracesOfThisServer()) {
      await using fixture = await openWithTable('never');
      expect([trace.what, await survives(fixture.pool, trace)]).toEqual([trace.what, true]);
    }
  });
});

describe('what cleaning costs', () => {
  it("nothing under 'auto' for statements that leave nothing behind", async () => {
    await using fixture = await openPool({ connectionLimit: 1, hygiene: 'auto' });
    const { pool } = fixture;
    await pool.query('CREATE TABLE t (id INT PRIMARY KEY, name TEXT)');
    const id = await connectionId(pool);
    for (const statement of [
      "INSERT INTO t VALUES (1, 'SET @x = 1; USE other')",
      'UPDATE t SET name = NULL',
      'REPLACE INTO t VALUES (1, NULL)',
      'SELECT * FROM t FOR UPDATE',
      '(SELECT 1)',
      '/* who */ SELECT 1',
      'WITH x AS (SELECT 1) SELECT * FROM x',
      'SHOW TABLES',
      'EXPLAIN SELECT 1',
      'DESCRIBE t',
      'DELETE FROM t',
      'TRUNCATE t',
      'ALTER TABLE t ADD COLUMN more INT',
      'select lower(name) from t;',
      'DROP TABLE t',
    ].filter((text) => !text.includes(';') || text.endsWith(';'))) {
      await pool.query(statement);
      await errorOf(pool.execute(statement)).catch(() => undefined);
    }
    expect(await connectionId(pool)).toBe(id);
    expect(pool.stats()).toMatchObject({ resets: 0, opened: 1 });
  });

  it("one reset for each dirty session under 'auto', one for each release under 'always', and the connection stays", async () => {
    await using database = await createDatabase();
    for (const [hygiene, resets] of [
      ['auto', 1],
      ['always', 4],
    ] as const) {
      await using fixture = await openPool({ ...database.connection, connectionLimit: 1, hygiene });
      const { pool } = fixture;
      const id = await connectionId(pool);
      await pool.query('SET @x = 1');
      await pool.query('SELECT 1');
      expect(await connectionId(pool)).toBe(id);
      // The next acquire waits for the last release's cleaning.
      await pool.getConnection().then((connection) => connection.release());
      expect(pool.stats()).toMatchObject({ resets, opened: 1 });
    }
  });

  it('prepared statements are prepared again after a reset', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    for (let round = 0; round < 3; round += 1) {
      const [rows] = await pool.execute<RowDataPacket[]>('SELECT ? AS round', [round]);
      expect(rows).toEqual([{ round }]);
      await pool.query('SET @x = 1');
    }
    expect(pool.stats().opened).toBe(1);
  });
});
