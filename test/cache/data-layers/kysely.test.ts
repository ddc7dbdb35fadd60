import { Kysely, MysqlDialect } from 'kysely';
import { describe, expect, it } from 'vitest';
import { kyselyCache } from '../../../src/cache/index.js';
import { nameOf, openCachedPool } from '../support/cached-pool.js';

const RENAME = 'UPDATE users SET name = ? WHERE id = ?';

interface Tables {
  users: { id: number; name: string };
  orders: { id: number; user_id: number; total: number };
}

describe("Kysely's plugin", () => {
  it('answers selects without a connection, until a write', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache, database } = fixture;
    // Writes touch everything until the schema is known.
    await nameOf(pool, 2);
    const cached = kyselyCache(cache, { scope: 'test' });
    const db = new Kysely<Tables>({ dialect: cached.dialect(new MysqlDialect({ pool: pool.pool })) });
    const withCache = db.withPlugin(cached.plugin({ ttl: 60_000, tables: ['users'] }));
    const read = async (from: Kysely<Tables> = withCache): Promise<string | undefined> =>
      (await from.selectFrom('users').select('name').where('id', '=', 1).executeTakeFirst())?.name;
    expect(await read()).toBe('user1');
    await database.admin(RENAME, ['unheard', 1]);
    const { acquired } = pool.stats();
    expect(await Promise.all([read(), read()])).toEqual(['user1', 'user1']);
    expect(pool.stats().acquired).toBe(acquired);
    expect(await read(db)).toBe('unheard');
    await db.insertInto('orders').values({ id: 1, user_id: 1, total: 1 }).execute();
    expect(await read()).toBe('user1');
    await withCache.updateTable('users').set({ name: 'new' }).where('id', '=', 1).execute();
    expect(await read()).toBe('new');
    await withCache.transaction().execute(async (trx) => {
      await trx.updateTable('users').set({ name: 'newer' }).where('id', '=', 1).execute();
      expect(await read(trx)).toBe('newer');
      expect(await read()).toBe('new');
    });
    expect(await read()).toBe('newer');
    await expect(withCache.transaction().execute(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await read()).toBe('newer');
    expect(pool.summary().used).toBe(0);
  });

  it('without tables depends on all of them', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    const cached = kyselyCache(cache, { scope: 'test' });
    const db = new Kysely<Tables>({ dialect: cached.dialect(new MysqlDialect({ pool: pool.pool })) }).withPlugin(
      cached.plugin({ ttl: 60_000 }),
    );
    const count = async (): Promise<number> => (await db.selectFrom('orders').selectAll().execute()).length;
    expect([await count(), await count()]).toEqual([0, 0]);
    await pool.query('INSERT INTO orders (user_id, total) VALUES (1, 1)');
    expect(await count()).toBe(1);
    expect(cache.stats().hits.memory).toBe(1);
  });
});
