import type { PoolConnection as CallbackConnection } from 'mysql2';
import type { QueryResult, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { createPool } from '../../src/mysql/create-pool.js';
import type { PoolOptions } from '../../src/mysql/options/table.js';
import type { Pool } from '../../src/mysql/pools/pool.js';
import type { PoolStats } from '../../src/mysql/pools/pool-stats.js';
import { createDatabase, type TestDatabase } from './servers/database.js';
import { waitFor } from './wait-for.js';

/** A pool on a database of its own; disposing ends the pool, then drops the database. */
export interface PoolOnDatabase extends AsyncDisposable {
  readonly pool: Pool;
  readonly database: TestDatabase;
}

/**
 * A pool of the database's user. Nothing is opened ahead, so that tests decide what is open, and nothing is pinged before it is lent: between
 * two statements of a test any time may pass on a busy machine.
 */
export function poolOf(database: TestDatabase, options: PoolOptions = {}): Pool {
  return createPool({ ...database.connection, minIdle: 0, validateAfterIdle: 600_000, ...options });
}

/** A database and a pool on it. */
export async function openPool(options: PoolOptions = {}): Promise<PoolOnDatabase> {
  const database = await createDatabase();
  const pool = poolOf(database, options);
  return {
    pool,
    database,
    async [Symbol.asyncDispose]() {
      await pool.end();
      await database[Symbol.asyncDispose]();
    },
  };
}

const SERVER_STATUS_IN_TRANS = 0x0001;

/** An object that runs statements and gives a promise. */
export interface Queryable {
  query<T extends QueryResult>(sql: string, values?: unknown[]): Promise<[T, unknown]>;
}

/** The first row of a result. */
export async function firstRow(queryable: Queryable, sql: string, values?: unknown[]): Promise<Readonly<Record<string, unknown>>> {
  const [rows] = await queryable.query<RowDataPacket[]>(sql, values);
  const row = rows[0];
  if (row === undefined) throw new Error(`No row: ${sql}`);
  return row;
}

/** The value of a statement that selects one. */
export async function valueOf(queryable: Queryable, expression: string): Promise<unknown> {
  return (await firstRow(queryable, `SELECT ${expression} AS value`))['value'];
}

/** Whether a transaction is open, as each answer of the server says. */
export async function isInTransaction(queryable: Queryable): Promise<boolean> {
  const [{ serverStatus }] = await queryable.query<ResultSetHeader>('DO 0');
  return (serverStatus & SERVER_STATUS_IN_TRANS) !== 0;
}

/** Waits until the pool serves: on a busy machine one with little patience may fail a few times before it has a connection. */
export async function untilServed(pool: Queryable): Promise<void> {
  await waitFor('the pool to serve', async () => (await valueOf(pool, '1')) === 1);
}

/** The server's number of the connection that is lent. */
export async function connectionId(queryable: Queryable): Promise<number> {
  return Number(await valueOf(queryable, 'CONNECTION_ID()'));
}

/** Borrows as mysql2's callback users do. */
export function borrowByCallback(pool: Pool): Promise<CallbackConnection> {
  return new Promise((resolve, reject) => {
    pool.pool.getConnection((error, connection) => (error === null ? resolve(connection) : reject(error)));
  });
}

/** What a promise came to, for those that may fail. */
export async function outcomeOf(promise: Promise<unknown>): Promise<{ readonly value: unknown } | { readonly error: unknown }> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

/** The error that a promise is rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & { readonly code?: string; readonly errno?: number }> {
  const outcome = await outcomeOf(promise);
  if ('error' in outcome) return outcome.error as Error & { code?: string };
  throw new Error(`It was fulfilled, with ${JSON.stringify(outcome.value)}.`);
}

/** I12: the counters of a snapshot add up. Returns what does not; nothing when all is well. */
export function imbalanceOf(stats: PoolStats): readonly string[] {
  const ended = stats.acquired + stats.timedOut + stats.cancelled + stats.refused;
  const sums: readonly (readonly [string, number, number])[] = [
    ['acquires = acquired + timedOut + cancelled + refused + waiting', stats.acquires, ended + stats.waiting],
    ['opened − closed = total', stats.opened - stats.closed, stats.total],
    ['total = idle + used + checking + closing', stats.total, stats.idle + stats.used + stats.checking + stats.closing],
    ['acquired − released = used', stats.acquired - stats.released, stats.used],
    ['closed = the sum of its reasons', stats.closed, Object.values(stats.closedByReason).reduce((sum, count) => sum + count, 0)],
  ];
  return sums.filter(([, left, right]) => left !== right).map(([law, left, right]) => `${law}: ${left} ≠ ${right}`);
}

/** Runs work while `count` connections are lent, then gives them back. */
export async function whileHolding<T>(pool: Pool, count: number, work: () => Promise<T>): Promise<T> {
  const connections = await Promise.all(Array.from({ length: count }, () => pool.getConnection()));
  try {
    return await work();
  } finally {
    for (const connection of connections) connection.release();
  }
}
