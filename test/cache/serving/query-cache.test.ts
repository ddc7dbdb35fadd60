import { describe, expect, it } from 'vitest';
import { nameOf, openCachedPool } from '../support/cached-pool.js';

/** Changes a row as a writer that the cache cannot see. */
const RENAME = 'UPDATE users SET name = ? WHERE id = ?';

describe('invalidation', () => {
  it('by tag, by table, by key, and of all', async () => {
    await using fixture = await openCachedPool();
    const { pool, database, cache } = fixture;
    const read = async (): Promise<unknown> => await nameOf(pool, 1, { ttl: 60_000, tags: ['people'], key: 'first user' });
    let version = 0;
    for (const what of [{ tags: ['people'] }, { tables: ['USERS'] }, { keys: ['first user'] }, { all: true }]) {
      const before = await read();
      version += 1;
      await database.admin(RENAME, [`v${version}`, 1]);
      await cache.invalidate({ tags: ['others'], tables: ['orders'], keys: ['second user'] });
      expect(await read()).toBe(before);
      await cache.invalidate(what);
      expect(await read()).toBe(`v${version}`);
    }
  });
});
