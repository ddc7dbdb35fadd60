import { createPool } from '../../../src/mysql/create-pool.js';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';

/** A pool, and the database that it has for itself. */
export interface PoolOnDatabase extends AsyncDisposable {
  readonly pool: Pool;
  readonly database: TestDatabase;
}

export async function createPoolOnDatabase(options: PoolOptions = {}): Promise<PoolOnDatabase> {
  const database = await createDatabase();
  const pool = createPool(database.url(), { name: database.database, ...options });
  return {
    pool,
    database,
    async [Symbol.asyncDispose]() {
      await pool.end();
      await database[Symbol.asyncDispose]();
    },
  };
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
