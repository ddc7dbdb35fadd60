import { Readable } from 'node:stream';
import type { Pool as CallbackPool, PoolConnection as CallbackConnection, QueryOptions } from 'mysql2';
import { describe, expect, it, vi } from 'vitest';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import type { PoolConnection } from '../../../src/mysql/connections/borrowed-connection.js';
import { waitFor } from '../../support/wait-for.js';
import { imbalanceOf, openPool, outcomeOf } from '../../support/pool-on-database.js';
import { captureUncaught } from '../support/uncaught.js';
import { sequence } from '../../support/sql-servers/sequence.js';

const FAILURE = 'from the user’s code';

let failures = 0;

function failing(): never {
  failures += 1;
  throw new Error(FAILURE);
}

/** The rows one by one, as mysql2's own form of a borrowed connection gives them. */
function streamOf(connection: PoolConnection, options: QueryOptions): Readable {
  return (connection.connection as unknown as CallbackConnection).query(options).stream();
}

/** What a user's code does that fails in a place where the pool has called it. */
const MISDEEDS: Readonly<Record<string, (pool: Pool, callbackPool: CallbackPool) => unknown>> = {
  'a callback of query throws': (_, pool) => void pool.query('SELECT 1', failing),
  'a callback of execute throws': (_, pool) => pool.execute('SELECT 1', failing),
  'a callback of a failed query throws': (_, pool) => void pool.query('SELECT nonsense', failing),
  'a callback of a failed execute throws': (_, pool) => pool.execute('SELECT nonsense', failing),
  'a callback of getConnection throws after it has released': (_, pool) =>
    pool.getConnection((_error, connection) => {
      connection.release();
      failing();
    }),
  'a callback of a borrowed connection throws after it has released': (_, pool) =>
    pool.getConnection((_error, connection) => {
      connection.query('SELECT 1', () => {
        connection.release();
        failing();
      });
    }),
  'a callback of a prepared statement throws after it has released': (_, pool) =>
    pool.getConnection((_error, connection) => {
      connection.execute('SELECT 1', () => {
        connection.release();
        failing();
      });
    }),
  'a listener of result rows throws': (_, pool) => void pool.query(`SELECT * FROM ${sequence(50)}`).on('result', failing),
  'a listener of the end of a result throws': (_, pool) => void pool.query('SELECT 1').on('end', failing),
  'a listener of the error of a statement throws': (_, pool) => void pool.query('SELECT nonsense').on('error', failing),
  'a listener of the error of a statement throws on a borrowed connection': (_, pool) =>
    pool.getConnection((_error, connection) => {
      connection
        .query('SELECT nonsense')
        .on('end', () => connection.release())
        .on('error', failing);
    }),
  'a reader of a result stream throws': async (pool) => {
    await using connection = await pool.getConnection();
    for await (const row of streamOf(connection, { sql: `SELECT * FROM ${sequence(5_000)}` })) if (row !== undefined) failing();
  },
  'a typeCast of query throws': (pool) => pool.query({ sql: `SELECT * FROM ${sequence(500)}`, typeCast: failing }),
  'a typeCast of execute throws': (pool) => pool.execute({ sql: `SELECT * FROM ${sequence(500)}`, typeCast: failing }),
  'a typeCast of a borrowed connection throws': async (pool) => {
    await using connection = await pool.getConnection();
    await connection.query({ sql: `SELECT * FROM ${sequence(500)}`, typeCast: failing });
  },
  'a typeCast of a result stream throws': async (pool) => {
    await using connection = await pool.getConnection();
    const rows = [];
    for await (const row of streamOf(connection, { sql: `SELECT * FROM ${sequence(500)}`, typeCast: failing })) rows.push(row);
  },
  'a value of query cannot be escaped': (pool) => pool.query('SELECT ?', [{ toSqlString: failing }]),
  'a value of query cannot be escaped, by callback': (_, pool) => void pool.query('SELECT ?', [{ toSqlString: failing }], failing),
  'a value of execute cannot be sent': (pool) => pool.execute('SELECT ?', [undefined] as never),
  'a value of execute cannot be sent, by callback': (_, pool) => pool.execute('SELECT ?', [undefined] as never, failing),
  'a getter of a statement object throws': (pool) =>
    pool.query({
      get sql(): string {
        return failing();
      },
    }),
  'a stream of LOAD DATA fails': (pool) =>
    pool.query({
      sql: "LOAD DATA LOCAL INFILE 'stream' INTO TABLE loaded (id)",
      infileStreamFactory: () =>
        new Readable({
          read() {
            this.destroy(new Error(FAILURE));
          },
        }),
    }),
  'the function that makes a stream for LOAD DATA throws': (pool) =>
    pool.query({ sql: "LOAD DATA LOCAL INFILE 'stream' INTO TABLE loaded (id)", infileStreamFactory: failing }),
  'the function of a transaction throws': (pool) => pool.transaction(async () => await Promise.reject(new Error(FAILURE))),
};

describe('I1, I12: the pool is none the worse for it when', () => {
  it.each(Object.entries(MISDEEDS))('%s', async (_, misdeed) => {
    failures = 0;
    using uncaught = captureUncaught();
    const quiet = [vi.spyOn(console, 'error'), vi.spyOn(console, 'trace')].map((spy) => spy.mockImplementation(() => undefined));
    try {
      await using fixture = await openPool({ connectionLimit: 2 });
      const { pool, database } = fixture;
      await database.admin('CREATE TABLE loaded (id INT)');
      await pool.query('SELECT 1');
      const outcomes = [];
      for (let time = 0; time < 3; time += 1) {
        // What is thrown where it is called is the caller's own.
        outcomes.push(outcomeOf((async () => await misdeed(pool, pool.pool))()));
        await Promise.race([Promise.all(outcomes), waitFor('the misdeed', () => uncaught.errors.length > time)]);
      }
      const answers = await Promise.all(Array.from({ length: 20 }, (__, n) => pool.query('SELECT ? AS n', [n]).then(([rows]) => rows)));
      expect(answers).toEqual(Array.from({ length: 20 }, (__, n) => [{ n }]));
      await waitFor('all connections to be back', () => pool.summary().used === 0);
      expect(pool.summary()).toMatchObject({ used: 0, waiting: 0 });
      expect(imbalanceOf(pool.stats())).toEqual([]);
      const told = (await Promise.all(outcomes)).filter((outcome) => 'error' in outcome);
      expect(failures + told.length + pool.stats().closedByReason.lost).toBeGreaterThan(0);
    } finally {
      for (const spy of quiet) spy.mockRestore();
    }
  });
});
