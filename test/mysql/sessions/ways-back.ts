/** Every way in which a connection comes back to its pool after statements of a borrower. */
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { borrowByCallback, type Queryable } from '../../support/pool-on-database.js';

/** A server that refuses a statement has not changed by it, or in part. */
async function runOn(connection: Queryable, statements: readonly string[]): Promise<void> {
  for (const sql of statements) await connection.query(sql).catch(() => undefined);
}

type WayBack = (pool: Pool, statements: readonly string[]) => Promise<unknown>;

export const WAYS_BACK: Readonly<Record<string, WayBack>> = {
  'a release': async (pool, statements) => {
    const connection = await pool.getConnection();
    await runOn(connection, statements);
    connection.release();
  },
  'a release after an error': async (pool, statements) => {
    const connection = await pool.getConnection();
    await runOn(connection, [...statements, 'SELECT missing FROM nowhere']);
    connection.release();
  },
  'a release after a timeout': async (pool, statements) => {
    const connection = await pool.getConnection();
    await runOn(connection, statements);
    await connection.query({ sql: 'SELECT SLEEP(5)', timeout: 20 }).catch(() => undefined);
    connection.release();
  },
  'a release before the answer': async (pool, statements) => {
    const connection = await pool.getConnection();
    const answers = statements.map((sql) => connection.query(sql).catch(() => undefined));
    connection.release();
    await Promise.all(answers);
  },
  'await using': async (pool, statements) => {
    await using connection = await pool.getConnection();
    await runOn(connection, statements);
  },
  'prepared statements': async (pool, statements) => {
    await using connection = await pool.getConnection();
    for (const sql of statements) await connection.execute(sql).catch(() => connection.query(sql).catch(() => undefined));
  },
  'the end of a transaction': (pool, statements) =>
    pool.transaction(async (tx) => {
      for (const sql of statements) await tx.query(sql);
    }),
  'a transaction that throws': (pool, statements) =>
    pool
      .transaction(async (tx) => {
        for (const sql of statements) await tx.query(sql);
        throw new Error('rolled back');
      })
      .catch(() => undefined),
  "the pool's own statement": async (pool, statements) => {
    if (statements.length === 1) await pool.query(String(statements[0]));
  },
  'a callback': (pool, statements) =>
    new Promise<void>((resolve) => {
      if (statements.length > 1) resolve();
      else pool.pool.query(String(statements[0]), () => resolve());
    }),
  'a release by callback': async (pool, statements) => {
    const connection = await borrowByCallback(pool);
    await runOn(connection.promise(), statements);
    connection.release();
  },
};
