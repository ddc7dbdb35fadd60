import { eq, inArray, sql } from 'drizzle-orm';
import { datetime, int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { drizzle } from 'drizzle-orm/mysql2';
import { describe, expect, it } from 'vitest';
import { withDrizzleCache } from '../../../src/cache/index.js';
import { startRedis } from '../../support/servers/redis-server.js';
import { waitFor } from '../../support/wait-for.js';
import { openCachedPool } from '../support/cached-pool.js';

const RENAME = 'UPDATE users SET name = ? WHERE id = ?';
const users = mysqlTable('users', { id: int().primaryKey(), name: varchar({ length: 50 }) });
const events = mysqlTable('events', { id: int().primaryKey(), at: datetime() });

describe("Drizzle's cache", () => {
  it('answers selects that ask for it, until a write of Drizzle, of raw SQL or of the pool', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache, database } = fixture;
    const db = withDrizzleCache(drizzle({ client: pool }), cache, { scope: 'test', ttl: 60_000 });
    const read = async (): Promise<unknown> => (await db.select().from(users).where(eq(users.id, 1)).$withCache())[0]?.name;
    expect(await read()).toBe('user1');
    await database.admin(RENAME, ['unheard', 1]);
    expect(await read()).toBe('user1');
    expect((await db.select().from(users).where(eq(users.id, 1)))[0]?.name).toBe('unheard');
    await db.update(users).set({ name: 'drizzled' }).where(eq(users.id, 1));
    expect(await read()).toBe('drizzled');
    await db.execute(sql`UPDATE users SET name = 'raw' WHERE id = 1`);
    expect(await read()).toBe('raw');
    await pool.query(RENAME, ['pooled', 1]);
    expect(await read()).toBe('pooled');
    expect(cache.stats().hits.memory).toBe(1);
  });

  it('neither answers nor stores in a transaction, and learns of it at its commit', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    const db = withDrizzleCache(drizzle({ client: pool }), cache, { scope: 'test', ttl: 60_000, strategy: 'all' });
    const read = async (from: Pick<typeof db, 'select'>): Promise<unknown> =>
      (await from.select().from(users).where(eq(users.id, 1)))[0]?.name;
    expect(await read(db)).toBe('user1');
    await db.transaction(async (tx) => {
      await tx.update(users).set({ name: 'new' }).where(eq(users.id, 1));
      expect(await read(tx)).toBe('new');
      expect(await read(db)).toBe('user1');
    });
    expect(await read(db)).toBe('new');
  });

  it('drops what depends on a table that Drizzle does not name, and what is tagged', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache, database } = fixture;
    const db = withDrizzleCache(drizzle({ client: pool }), cache, { scope: 'test', ttl: 60_000 });
    const inner = db.select({ id: sql<number>`user_id` }).from(sql`orders`);
    const read = async (): Promise<unknown> => await db.select().from(users).where(inArray(users.id, inner)).$withCache({ tag: 'buyers' });
    expect(await read()).toEqual([]);
    await pool.query('INSERT INTO orders (user_id, total) VALUES (3, 5)');
    expect(await read()).toEqual([{ id: 3, name: 'user3' }]);
    await database.admin(RENAME, ['unheard', 3]);
    expect(await read()).toEqual([{ id: 3, name: 'user3' }]);
    await db.$cache.invalidate({ tags: 'buyers' });
    expect(await read()).toEqual([{ id: 3, name: 'unheard' }]);
  });

  it('leaves Node time for everything else, even when tagged selects are read from memory without a break', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    const db = withDrizzleCache(drizzle({ client: pool }), cache, { scope: 'test', ttl: 60_000 });
    const read = async (): Promise<unknown> => await db.select().from(users).where(eq(users.id, 1)).$withCache({ tag: 'first' });
    expect(await read()).toEqual([{ id: 1, name: 'user1' }]);
    const giveUpAt = performance.now() + 5_000;
    const over = AbortSignal.timeout(10);
    // Nothing else could end it.
    while (!over.aborted && performance.now() < giveUpAt) await read();
    expect(performance.now()).toBeLessThan(giveUpAt);
    expect(cache.stats().hits.memory).toBeGreaterThan(0);
  });

  it('keeps types through Redis', async () => {
    await using redis = await startRedis();
    await using fixture = await openCachedPool({ redis: redis.url });
    const { pool, cache, database } = fixture;
    await database.admin('CREATE TABLE events (id INT PRIMARY KEY, at DATETIME)');
    await database.admin("INSERT INTO events VALUES (1, '2024-02-29 12:00:00')");
    const other = await fixture.other();
    const one = withDrizzleCache(drizzle({ client: pool }), cache, { scope: 'test', ttl: 60_000, strategy: 'all' });
    const two = withDrizzleCache(drizzle({ client: other.pool }), other.cache, { scope: 'test', ttl: 60_000, strategy: 'all' });
    const expected = [{ id: 1, at: new Date('2024-02-29T12:00:00Z') }];
    expect(await one.select().from(events)).toEqual(expected);
    await waitFor(
      'the store',
      () => cache.stats().stores.redis,
      (count) => count === 1,
    );
    expect(await two.select().from(events)).toEqual(expected);
    expect(other.cache.stats().hits.redis).toBe(1);
  });

  it('refuses what is no database of Drizzle, and no scope', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    expect(() => withDrizzleCache({}, cache, { scope: 'x' })).toThrow(/not a database of drizzle/);
    expect(() => withDrizzleCache(drizzle({ client: pool }), cache, {} as never)).toThrow(/scope must be/);
  });
});
