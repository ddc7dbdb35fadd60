import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { createPool } from '../../../src/mysql/create-pool.js';
import type { FieldPacket } from '../../../src/mysql/driver/driver.js';
import { errorOf } from '../../support/pool-on-database.js';
import { nameOf, openCachedPool } from '../../cache/support/cached-pool.js';

/** Changes a row as a writer that the cache cannot see. */
const RENAME = 'UPDATE users SET name = ? WHERE id = ?';

describe('a cached statement', () => {
  it('is answered from memory until its ttl is over', async () => {
    await using fixture = await openCachedPool();
    const { pool, database } = fixture;
    expect(await nameOf(pool, 1)).toBe('user1');
    await database.admin(RENAME, ['unheard', 1]);
    expect(await nameOf(pool, 1)).toBe('user1');
    expect(await nameOf(pool, 1, { ttl: 0 })).toBe('unheard');
    expect(await nameOf(pool, 1, false)).toBe('unheard');
    expect(fixture.cache.stats()).toMatchObject({ hits: { memory: 1 }, entries: 1 });
  });

  it('is not cached unless it asks, even when the pool has a cache', async () => {
    await using fixture = await openCachedPool();
    const { pool, database, cache } = fixture;
    const read = async (): Promise<unknown> => (await pool.query('SELECT name FROM users WHERE id = 1'))[0];
    expect(await read()).toEqual([{ name: 'user1' }]);
    await database.admin(RENAME, ['unheard', 1]);
    expect(await read()).toEqual([{ name: 'unheard' }]);
    expect(cache.stats()).toMatchObject({ misses: 0, entries: 0 });
  });

  it('is cached by a rule on its digest', async () => {
    await using fixture = await openCachedPool({ rules: [{ statement: 'select name from users where id=42', ttl: 60_000 }] });
    const { pool, database } = fixture;
    const read = async (): Promise<unknown> => (await pool.query('SELECT name FROM users /* why not */ WHERE id = ?', [1]))[0];
    expect(await read()).toEqual([{ name: 'user1' }]);
    await database.admin(RENAME, ['unheard', 1]);
    expect(await read()).toEqual([{ name: 'user1' }]);
    expect((await pool.query('SELECT name FROM users WHERE id = 1 LIMIT 1'))[0]).toEqual([{ name: 'unheard' }]);
  });

  it('gives each caller rows of their own', async () => {
    await using fixture = await openCachedPool();
    const read = async (): Promise<{ name: string }[]> => {
      const [rows] = await fixture.pool.query({ sql: 'SELECT name FROM users ORDER BY id LIMIT 2', cache: true });
      return rows as { name: string }[];
    };
    const [first, second] = await Promise.all([read(), read()]);
    for (const rows of [first, second, await read()]) {
      expect(rows).toEqual([{ name: 'user1' }, { name: 'user2' }]);
      rows.reverse();
      for (const row of rows) row.name = 'spoilt';
    }
    expect(await read()).toEqual([{ name: 'user1' }, { name: 'user2' }]);
  });

  it('gives all callers the same column definitions, which no caller can change', async () => {
    await using fixture = await openCachedPool();
    const sql = 'SELECT id, name FROM users WHERE id = 1';
    const read = async (): Promise<FieldPacket[]> => (await fixture.pool.query({ sql, cache: true }))[1];
    const [first, later] = [await read(), await read()];
    expect(later).toBe(first);
    expect(() => later.pop()).toThrow(TypeError);
    expect(() => Object.assign(later[0] as object, { name: 'spoilt' })).toThrow(TypeError);
    expect(later.map(({ name, table }) => [name, table])).toEqual([
      ['id', 'users'],
      ['name', 'users'],
    ]);
  });

  it('leaves Node time for everything else, even when callers read from memory without a break', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    await nameOf(pool, 1);
    const giveUpAt = performance.now() + 5_000;
    const over = new AbortController();
    const reading = Array.from({ length: 50 }, async () => {
      // Nothing else could end it.
      while (!over.signal.aborted && performance.now() < giveUpAt) await nameOf(pool, 1);
    });
    for (let times = 0; times < 10; times += 1) await pause(5);
    over.abort();
    expect(performance.now()).toBeLessThan(giveUpAt);
    await Promise.all(reading);
    expect(cache.stats()).toMatchObject({ loads: 1, bypassed: 0 });
  });

  it('answers all who wait for the event loop to have had its turn at once', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    await nameOf(pool, 1);
    let turns = 0;
    const answered = Array.from({ length: 5_000 }, () => nameOf(pool, 1));
    const over = Promise.all(answered).then(() => true);
    while (!(await Promise.race([over, nextTurn(false)]))) turns += 1;
    expect(turns).toBeLessThan(10);
    expect(cache.stats()).toMatchObject({ loads: 1, hits: { memory: 5_000 } });
  });

  it('is answered from memory while the timers are those of a test', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    await nameOf(pool, 1);
    vi.useFakeTimers();
    try {
      for (let times = 0; times < 1_000; times += 1) await nameOf(pool, 1);
    } finally {
      vi.useRealTimers();
    }
    expect(cache.stats()).toMatchObject({ loads: 1, hits: { memory: 1_000 } });
  });

  it("under another's key is not taken for it when it must not be cached", async () => {
    await using fixture = await openCachedPool();
    const { pool } = fixture;
    const cache = { key: 'first user', ttl: 60_000 };
    const read = async (): Promise<unknown> => (await pool.query({ sql: 'SELECT name FROM users WHERE id = 1', cache }))[0];
    expect(await read()).toEqual([{ name: 'user1' }]);
    await read();
    const [written] = await pool.query({ sql: "UPDATE users SET name = 'new' WHERE id = 2", cache });
    expect(written).toMatchObject({ affectedRows: 1 });
    const [locked] = await pool.query({ sql: 'SELECT name FROM users WHERE id = 2 FOR UPDATE', cache });
    expect(locked).toEqual([{ name: 'new' }]);
    expect(await read()).toEqual([{ name: 'user1' }]);
  });

  it('may be an object of a class, with methods of any kind', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    class Sql {
      readonly sql = 'SELECT name FROM users WHERE id = ?';
      readonly cache = true;
      constructor(readonly values: number[]) {}
    }
    // As classes were written before there were any.
    Object.assign(Sql.prototype, { append: () => 1 });
    for (let times = 0; times < 2; times += 1) expect((await pool.query(new Sql([2])))[0]).toEqual([{ name: 'user2' }]);
    expect(cache.stats().hits.memory).toBe(1);
  });

  it("keeps its caller's deadline and signal, and continues for the callers that still wait", async () => {
    await using fixture = await openCachedPool();
    const { pool } = fixture;
    await nameOf(pool, 1);
    await using blocker = await pool.getConnection();
    await blocker.query('LOCK TABLES users WRITE');
    const slow = { sql: 'SELECT name FROM users WHERE id = 2', cache: true } as const;
    const patient = pool.query(slow);
    const controller = new AbortController();
    const aborted = errorOf(pool.query({ ...slow, signal: controller.signal }));
    expect(await errorOf(pool.query({ ...slow, timeout: 50 }))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    controller.abort();
    expect(await aborted).toMatchObject({ code: 'POOL_ABORTED' });
    await blocker.query('UNLOCK TABLES');
    expect((await patient)[0]).toEqual([{ name: 'user2' }]);
  });

  it('is stopped on the server when no caller waits for it any more', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    await nameOf(pool, 1);
    const sql =
      'SELECT COUNT(*) FROM users a, users b, users c, users d, users e, users f, users g, users h, users i WHERE a.id + b.id + c.id + d.id + e.id + f.id + g.id + h.id + i.id + RAND() < 0';
    expect(await errorOf(pool.query({ sql, cache: true, timeout: 100 }))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    await expect.poll(() => pool.stats().kills, { timeout: 10_000 }).toBe(1);
    expect(cache.stats()).toMatchObject({ loading: 0 });
  });

  it('gives a caller their own fallback while the breaker is open, and does not cache it', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    await nameOf(pool, 1);
    pool.breakers.statement.isolate();
    const fallback = async (): Promise<never> => [[{ name: 'instead' }], []] as never;
    const statement = { sql: 'SELECT name FROM users WHERE id = 2', cache: true, fallback };
    expect((await pool.query(statement))[0]).toEqual([{ name: 'instead' }]);
    expect(await nameOf(pool, 1)).toBe('user1');
    expect(cache.stats().entries).toBe(1);
    pool.breakers.statement.close();
    expect((await pool.query(statement))[0]).toEqual([{ name: 'user2' }]);
  });

  it('reports a failure to every caller, and keeps nothing', async () => {
    await using fixture = await openCachedPool({ notUnderstood: 'everything' });
    const { pool, cache } = fixture;
    const read = (): Promise<Error & { code?: string }> => errorOf(pool.query({ sql: 'SELECT wrong FROM users', cache: true }));
    for (const error of await Promise.all([read(), read()])) expect(error).toMatchObject({ code: 'ER_BAD_FIELD_ERROR' });
    expect(cache.stats()).toMatchObject({ entries: 0, loads: 1, loadErrors: 1, coalesced: 1 });
  });

  it.each([
    [{ sql: 'SELECT * FROM users WHERE id = ?', values: [new Map()], cache: true }, /parameter of a cached statement/],
    [{ sql: 'SELECT 1', cache: { tll: 5 } }, /Unknown option tll\. Did you mean ttl/],
    [{ sql: 'SELECT 1', cache: { ttl: -1 } }, /ttl must be/],
    [{ sql: 'SELECT 1', cache: { key: '' } }, /key must be/],
    [{ sql: 'SELECT 1', cache: { tags: 'users' } }, /tags must be/],
    [{ sql: 'SELECT name FROM users WHERE id = ?', values: [1], cache: { tables: 'users' } }, /tables must be/],
    [{ sql: 'SELECT name FROM users', typeCast: () => 1, cache: true }, /parameter of a cached statement/],
  ])('refuses %j', async (statement, message) => {
    await using fixture = await openCachedPool();
    await nameOf(fixture.pool, 1);
    const error = await errorOf(fixture.pool.query(statement as never));
    expect(error).toMatchObject({ code: 'POOL_OPTION_INVALID', message: expect.stringMatching(message) as string });
  });

  it('takes undefined as the driver does: NULL in a query, an error in a prepared statement', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    await nameOf(pool, 1);
    const statement = { sql: 'SELECT name FROM users WHERE id = ? OR id = 2', values: [undefined], cache: true };
    for (let call = 0; call < 2; call += 1) expect((await pool.query(statement))[0]).toEqual([{ name: 'user2' }]);
    expect(cache.stats().hits.memory).toBe(1);
    const uncached = await errorOf(pool.execute({ ...statement, cache: false }));
    expect(await errorOf(pool.execute(statement as never))).toMatchObject({ message: uncached.message });
  });

  it('is run as it is when a rule asks for the cache and a parameter has no key', async () => {
    await using fixture = await openCachedPool({ rules: [{ statement: 'SELECT name FROM users WHERE id = ?' }] });
    const { pool } = fixture;
    await nameOf(pool, 1);
    const id: object = Object.assign(Object.create({ kind: 'of its own' }) as object, { toString: () => '2' });
    const text = { sql: 'SELECT name FROM users WHERE id = ?', values: [id] };
    expect((await pool.query({ ...text, cache: false }))[0]).toEqual((await pool.query(text))[0]);
    const cast = { sql: 'SELECT name FROM users WHERE id = 2', typeCast: (): string => 'cast' };
    expect((await pool.query(cast as never))[0]).toEqual([{ name: 'cast' }]);
  });

  it('is refused when the cache is not one', () => {
    expect(() => createPool({ host: '127.0.0.1', cache: { ttl: 5 } as never })).toThrow(/cache must be what createQueryCache returns/);
  });

  it("that is no read, or whose answer is the session's, is run as it is", async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    await nameOf(pool, 1);
    const before = cache.stats().misses;
    for (const sql of ['SELECT CONNECTION_ID()', 'SELECT @@version', 'SELECT name FROM users FOR UPDATE', 'SHOW TABLES', 'DO 1']) {
      await pool.query({ sql, cache: true });
    }
    await pool.query({ sql: 'INSERT INTO users VALUES (11, "user11")', cache: true });
    expect(cache.stats().misses).toBe(before);
    expect(await nameOf(pool, 11)).toBe('user11');
  });
});
