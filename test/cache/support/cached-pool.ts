import { createQueryCache, type QueryCache, type QueryCacheOptions } from '../../../src/cache/index.js';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { poolOf } from '../../support/pool-on-database.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { sequence } from '../../support/sql-servers/sequence.js';

/** A database, a cache and a pool with it. Disposing ends all three. */
export interface CachedPool extends AsyncDisposable {
  readonly pool: Pool;
  readonly cache: QueryCache;
  readonly database: TestDatabase;
  /** Another process's pool and cache, as far as the cache can see. */
  other(options?: QueryCacheOptions): Promise<{ readonly pool: Pool; readonly cache: QueryCache }>;
}

/** A pool with a cache that serves, on a database of its own with a table `users` of ten rows and a table `orders`. */
export async function openCachedPool(options: QueryCacheOptions = {}, poolOptions: PoolOptions = {}): Promise<CachedPool> {
  const database = await createDatabase();
  await database.admin('CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(50))');
  await database.admin('CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, user_id INT, total INT)');
  await database.admin(`INSERT INTO users SELECT seq, CONCAT("user", seq) FROM ${sequence(10)}`);
  const made: { pool: Pool; cache: QueryCache }[] = [];
  const make = async (cacheOptions: QueryCacheOptions): Promise<{ pool: Pool; cache: QueryCache }> => {
    const cache = createQueryCache(patient(cacheOptions));
    const pool = poolOf(database, { cache, ...poolOptions });
    made.push({ pool, cache });
    await cache.ready();
    return { pool, cache };
  };
  const { pool, cache } = await make(options);
  return {
    pool,
    cache,
    database,
    other: (otherOptions = options) => make(otherOptions),
    async [Symbol.asyncDispose]() {
      for (const one of made) {
        await one.pool.end();
        one.cache.close();
      }
      await database[Symbol.asyncDispose]();
    },
  };
}

/** A loaded machine is slow to answer; that is no failure here. */
function patient({ redis, ...options }: QueryCacheOptions): QueryCacheOptions {
  if (redis === undefined) return options;
  return { invalidationBound: 1_000, redis: typeof redis === 'string' ? { url: redis, timeout: 1_000 } : redis, ...options };
}

/** The name of a user, through the cache by default. */
export async function nameOf(pool: Pool, id: number, cache: object | boolean = { ttl: 60_000 }): Promise<unknown> {
  const [rows] = await pool.query({ sql: 'SELECT name FROM users WHERE id = ?', values: [id], cache });
  return (rows as { name: string }[])[0]?.name;
}
