// Random schemas, written by every door and by several accounts: each cached answer is the database's own at that moment.
import type { QueryResult, RowDataPacket } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { createQueryCache, type QueryCache } from '../../../src/cache/index.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { makeRandomSchema, pick, type Random } from '../../cache/support/random-schema.js';
import { seededRandom } from '../../engine/support/random.js';
import { poolOf } from '../../support/pool-on-database.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';

const STEPS = 25;
const POLICY = { ttl: 600_000 };
/** The second account sees no triggers and no definitions of views, the third one definitions only. */
const RIGHTS = ['SELECT, INSERT, UPDATE, DELETE, EXECUTE, CREATE TEMPORARY TABLES'];
const MORE_RIGHTS = `${RIGHTS[0] as string}, SHOW VIEW`;

interface Accounts extends AsyncDisposable {
  readonly owner: Pool;
  readonly all: readonly Pool[];
}

/** Pools of several accounts that share a cache. */
async function openAccounts(database: TestDatabase, cache: QueryCache): Promise<Accounts> {
  const users = [RIGHTS[0] as string, MORE_RIGHTS].map((rights, index) => ({ rights, user: `${database.user}_${index}` }));
  for (const { rights, user } of users) {
    await database.admin(`CREATE USER '${user}'@'%' IDENTIFIED BY 'limited'`);
    await database.admin(`GRANT ${rights} ON ${database.database}.* TO '${user}'@'%'`);
  }
  const owner = poolOf(database, { cache });
  const all = [owner, ...users.map(({ user }) => poolOf(database, { cache, user, password: 'limited' }))];
  return {
    owner,
    all,
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((pool) => pool.end()));
      for (const { user } of users) await database.admin(`DROP USER '${user}'@'%'`);
    },
  };
}

describe('the answers of a cache', () => {
  it.each([1, 2, 3])("are the database's own, after each statement of a random schema: seed %d", async (seed) => {
    const random: Random = seededRandom(seed);
    await using database = await createDatabase();
    const cache = createQueryCache({ defaults: POLICY });
    await using accounts = await openAccounts(database, cache);
    const schema = await makeRandomSchema(database, random);
    await using uncached = await database.connectAsAdmin({ multipleStatements: true });
    const reads = schema.readable.map((name) => `SELECT id, n FROM ${name} ORDER BY id, n`);
    const history: string[] = [];
    const compare = async (): Promise<void> => {
      // What it has was loaded before the write; the answers of another account are values of their own.
      const pool = random() < 0.8 ? accounts.owner : pick(random, accounts.all);
      const cached = await Promise.all(reads.map(async (sql) => (await pool.query({ sql, cache: true }))[0]));
      const [fresh] = await uncached.query<RowDataPacket[][]>(reads.join('; '));
      expect({ cached, history }).toEqual({ cached: fresh, history });
    };
    const run = async (query: (sql: string) => Promise<unknown>, sql: string): Promise<void> => {
      history.push(sql);
      await query(sql).catch((error: { code?: string }) => history.push(`-- ${error.code}`));
      await compare();
    };
    for (let step = 0; step < STEPS; step += 1) {
      // In between, writes that leave the rest of the cache as it is: only what is still there can be stale.
      for (let count = 0; count < 2; count += 1) await run((sql) => accounts.owner.query(sql), schema.writeOne(random));
      if (random() < 0.1) {
        await run((sql) => accounts.owner.query(sql), schema.alter(random));
        continue;
      }
      const pool = pick(random, accounts.all);
      if (random() < 0.5) {
        await run(
          (sql) => (sql.includes('PREPARE') || random() < 0.7 ? pool.query(sql) : pool.execute<QueryResult>(sql)),
          schema.write(random),
        );
        continue;
      }
      await using connection = await pool.getConnection();
      await connection.beginTransaction();
      for (let count = 0; count < 3; count += 1) await run((sql) => connection.query(sql), schema.write(random));
      await run(() => (random() < 0.5 ? connection.commit() : connection.rollback()), 'COMMIT or ROLLBACK');
    }
    expect(cache.stats().hits.memory).toBeGreaterThan(schema.readable.length);
  });
});
