import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createPool } from '../../../src/mysql/create-pool.js';
import { createQueryCache } from '../../../src/cache/index.js';
import { createDatabase } from '../../support/servers/database.js';
import { leaksIn, refusalOf } from '../support/refusals.js';
import { borrowByCallback, errorOf, openPool, poolOf } from '../../support/pool-on-database.js';

/** How a value shows a secret. */
function shownSecrets(value: unknown, secrets: readonly string[]): readonly string[] {
  const texts: [string, string][] = [2, 4, 8, 20].map((depth) => [
    `inspect ${depth}`,
    inspect(value, { depth, showHidden: true, getters: true }),
  ]);
  try {
    texts.push(['JSON', JSON.stringify(value) ?? '']);
  } catch {
    // It refers to itself: then JSON shows nothing.
  }
  return secrets.flatMap((secret) => texts.filter(([, text]) => text.includes(secret)).map(([how]) => how));
}

describe('I13: the password', () => {
  it('is not shown when a connection or a pool is logged', async () => {
    await using fixture = await openPool();
    const { pool, database } = fixture;
    await using connection = await pool.getConnection();
    const raw = await borrowByCallback(pool);
    try {
      const leaks = Object.entries({ pool, callbackPool: pool.pool, connection, raw })
        .filter(([, value]) => inspect(value, { depth: 8 }).includes(inspect(database.password).slice(1, -1)))
        .map(([name]) => name);
      expect(leaks).toEqual([]);
      // Where mysql2's users look for it, it still is.
      expect(pool.pool.config).toMatchObject({ connectionConfig: { password: database.password } });
    } finally {
      raw.release();
    }
  });

  it('and the one of Redis, and keys, are in no log and no JSON of a pool, a cache or their configurations, at any depth', async () => {
    const redis = 'Redis-Qx7ZzQx7Zz';
    const cache = createQueryCache({ redis: `redis://:${redis}@127.0.0.1:1` });
    await using fixture = await openPool({ cache, ssl: { passphrase: 'Tls-Qx7ZzQx7Zz', rejectUnauthorized: false } });
    const { pool, database } = fixture;
    try {
      const raw = pool.pool as unknown as { config: { connectionConfig: object }; createConnectionConfig(): object };
      const copy = raw.createConnectionConfig();
      const values = {
        pool,
        cache,
        raw,
        config: raw.config,
        inner: raw.config.connectionConfig,
        copy,
        options: pool.options,
        cacheOptions: cache.options,
      };
      const secrets = [database.password, redis, 'Tls-Qx7ZzQx7Zz'];
      expect(Object.entries(values).flatMap(([name, value]) => shownSecrets(value, secrets).map((how) => `${name}: ${how}`))).toEqual([]);
      expect(copy).toMatchObject({ password: database.password });
    } finally {
      cache.close();
    }
  });

  it('that is a number is refused without being quoted', async () => {
    await using database = await createDatabase();
    const work = async (): Promise<unknown> => {
      await using pool = poolOf(database, { password: 12_345_678 as unknown as string });
      return await pool.query('SELECT 1');
    };
    expect(leaksIn(await errorOf(work()), ['12345678'])).toEqual([]);
  });

  it('that consists of digits may be a parameter of the URL', async () => {
    await using database = await createDatabase();
    await database.admin(`ALTER USER '${database.user}'@'%' IDENTIFIED BY '12345678'`);
    const url = `mysql://${database.user}@${database.host}:${database.port}/${database.database}?password=12345678`;
    await using pool = createPool(url, { minIdle: 0 });
    await expect(pool.query('SELECT 1 AS one')).resolves.toMatchObject([[{ one: 1 }], expect.anything()]);
  });

  it('that was given as "credentials", or a key as "ssl", is not quoted in the refusal', () => {
    const secret = 'Qx7-hunter2-Zz';
    expect(refusalOf(() => createPool({ minIdle: 0, credentials: secret as never }), [secret])).not.toBe('');
    expect(refusalOf(() => createPool({ minIdle: 0, ssl: `${secret}…` }), [secret])).not.toBe('');
    expect(refusalOf(() => createPool({ minIdle: 0, ssl: { ca: 'x' }, onConnect: secret as never }), [secret])).not.toBe('');
  });
});
