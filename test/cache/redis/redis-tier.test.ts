import { describe, expect, it } from 'vitest';
import { createQueryCache } from '../../../src/cache/index.js';
import { startRedis } from '../../support/servers/redis-server.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { nameOf, openCachedPool } from '../support/cached-pool.js';

const RENAME = 'UPDATE users SET name = ? WHERE id = ?';

/** Waits until a process serves the value; a process that learns of a write does so within the bound. */
async function untilItIs(read: () => Promise<unknown>, value: unknown): Promise<void> {
  await waitFor(`the value ${String(value)}`, read, (name) => name === value);
}

describe('with Redis', () => {
  it('one process serves what another has loaded, and both forget it when one writes', async () => {
    await using redis = await startRedis();
    await using fixture = await openCachedPool({ redis: redis.url });
    const { pool, cache } = fixture;
    const other = await fixture.other();
    expect(await nameOf(pool, 1)).toBe('user1');
    await waitFor(
      'the store',
      () => cache.stats().stores.redis,
      (count) => count === 1,
    );
    expect(await nameOf(other.pool, 1)).toBe('user1');
    expect(other.cache.stats()).toMatchObject({ hits: { redis: 1, memory: 0 }, misses: 0 });
    expect(await nameOf(other.pool, 1)).toBe('user1');
    expect(other.cache.stats()).toMatchObject({ hits: { redis: 1, memory: 1 }, misses: 0 });

    await pool.query(RENAME, ['new', 1]);
    expect(await nameOf(pool, 1)).toBe('new');
    await untilItIs(() => nameOf(other.pool, 1), 'new');
    await other.pool.transaction((tx) => tx.query(RENAME, ['newer', 1]));
    expect(await nameOf(other.pool, 1)).toBe('newer');
    await untilItIs(() => nameOf(pool, 1), 'newer');
  });

  it('a process that comes later knows what was invalidated before', async () => {
    await using redis = await startRedis();
    await using fixture = await openCachedPool({ redis: redis.url });
    const { pool, cache } = fixture;
    await nameOf(pool, 1);
    await nameOf(pool, 2);
    await cache.wrap('kept', async () => 7, { ttl: 60_000 });
    await waitFor(
      'the stores',
      () => cache.stats().stores.redis,
      (count) => count === 3,
    );
    await pool.query(RENAME, ['new', 1]);
    const later = await fixture.other();
    expect(await nameOf(later.pool, 1)).toBe('new');
    expect(await later.cache.wrap('kept', async () => 8, { ttl: 60_000 })).toBe(7);
  });

  it('a cold key is loaded once, by the first of many callers in several processes', async () => {
    await using redis = await startRedis();
    await using fixture = await openCachedPool({ redis: { url: redis.url, timeout: 5_000 }, invalidationBound: 2_000 });
    const processes = [fixture, await fixture.other(), await fixture.other(), await fixture.other()];
    for (const { pool } of processes) await nameOf(pool, 1);
    const before = processes.map(({ cache }) => cache.stats().loads).reduce((sum, count) => sum + count);
    const names = await Promise.all(processes.flatMap(({ pool }) => Array.from({ length: 250 }, () => nameOf(pool, 2))));
    expect(new Set(names)).toEqual(new Set(['user2']));
    const after = processes.map(({ cache }) => cache.stats().loads).reduce((sum, count) => sum + count);
    expect(after - before).toBe(1);
  });

  it('a value that was loaded before an invalidation, and arrives after it, is not stored', async () => {
    await using redis = await startRedis();
    const options = { redis: { url: redis.url, timeout: 2_000 }, invalidationBound: 1_000 };
    const [one, two] = [createQueryCache(options), createQueryCache(options)];
    try {
      await Promise.all([one.ready(), two.ready()]);
      for (const invalidator of [one, two]) {
        let arrive: ((value: string) => void) | undefined;
        const load = (): Promise<string> => new Promise((resolve) => (arrive = resolve));
        const slow = one.wrap('late', load, { tags: ['late'], ttl: 60_000 });
        await waitFor(
          'the loader',
          () => arrive,
          (resolve) => resolve !== undefined,
        );
        const heard = one.stats().discarded;
        await invalidator.invalidate({ tags: ['late'] });
        // Who asks now does not get what was begun before, in the process that knows.
        const fresh = invalidator.wrap('late', async () => 'fresh', { tags: ['late'], ttl: 60_000 });
        if (invalidator === two) await new Promise((resolve) => setTimeout(resolve, 1_100));
        arrive?.('old');
        expect(await slow).toBe('old');
        expect(await fresh).toBe('fresh');
        expect(one.stats().discarded).toBe(heard + 1);
        expect(await one.wrap('late', async () => 'fresh', { tags: ['late'], ttl: 60_000 })).toBe('fresh');
        expect(await two.wrap('late', async () => 'fresh', { tags: ['late'], ttl: 60_000 })).toBe('fresh');
        await one.invalidate({ all: true });
        await waitFor('the other to hear', () => two.wrap('probe', async () => 1, { ttl: 0 }), Boolean);
      }
    } finally {
      one.close();
      two.close();
    }
  });

  it('keys and values reveal nothing to readers without the right to know', async () => {
    await using redis = await startRedis();
    const flip = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0x5a));
    await using fixture = await openCachedPool({ redis: redis.url, encryption: { encrypt: flip, decrypt: flip } });
    await nameOf(fixture.pool, 1, { ttl: 60_000, key: 'secret-key', tags: ['secret-tag'] });
    await waitFor(
      'the store',
      () => fixture.cache.stats().stores.redis,
      (count) => count === 1,
    );
    const { Redis } = await import('ioredis');
    const client = new Redis(redis.url);
    try {
      const keys = await client.keys('*');
      expect(keys.filter((key) => key.endsWith(':value'))).toHaveLength(1);
      expect(keys.join(' ')).not.toMatch(/secret|users|name/);
      for (const key of keys.filter((name) => name.endsWith(':value'))) {
        const bytes = (await client.getBuffer(key)) as Buffer;
        expect(bytes.toString('latin1')).not.toMatch(/user1|secret/);
        expect(flip(bytes).toString('latin1')).toMatch(/user1/);
      }
    } finally {
      client.disconnect();
    }
    const other = await fixture.other();
    expect(await nameOf(other.pool, 1, { ttl: 60_000, key: 'secret-key' })).toBe('user1');
    expect(other.cache.stats().hits.redis).toBe(1);
  });
});

describe('Redis', () => {
  it.each([
    ['frozen', 'SIGSTOP'],
    ['killed', 'SIGKILL'],
  ] as const)('%s: the database answers, nothing stale is served, and it recovers by itself', async (_, signal) => {
    await using redis = await startRedis();
    await using fixture = await openCachedPool({ redis: redis.url });
    const { pool, cache } = fixture;
    const other = await fixture.other();
    await nameOf(pool, 1);
    await nameOf(other.pool, 1);
    await redis.kill(signal);
    // The other process cannot be notified; it must find out by itself within the bound.
    await pool.query(RENAME, ['new', 1]);
    expect(await nameOf(pool, 1)).toBe('new');
    await untilItIs(() => nameOf(other.pool, 1), 'new');
    await waitFor(
      'the cache to know',
      () => other.cache.stats().redis?.live,
      (live) => live === false,
    );
    for (let count = 0; count < 20; count += 1) {
      await pool.query(RENAME, [`new${count}`, 1]);
      expect(await nameOf(other.pool, 1)).toBe(`new${count}`);
    }
    expect(other.cache.stats().bypassed).toBeGreaterThanOrEqual(20);
    if (signal === 'SIGSTOP') await redis.kill('SIGCONT');
    else await redis.restart();
    // From now on both may serve again, but never what was there before.
    await waitFor(
      'both to serve',
      async () => {
        expect(await nameOf(pool, 1)).toBe('new19');
        expect(await nameOf(other.pool, 1)).toBe('new19');
        return cache.stats().redis?.live === true && other.cache.stats().redis?.live === true && cache.stats().redis?.backlog === 0;
      },
      Boolean,
    );
    const { hits } = other.cache.stats();
    await nameOf(other.pool, 1);
    await nameOf(other.pool, 1);
    expect(other.cache.stats().hits.memory).toBeGreaterThan(hits.memory);
    await other.pool.query(RENAME, ['last', 1]);
    await untilItIs(() => nameOf(pool, 1), 'last');
  });

  it('flushed: everything is loaded again, and invalidations still reach all', async () => {
    await using redis = await startRedis();
    await using fixture = await openCachedPool({ redis: redis.url });
    const { pool, cache } = fixture;
    const other = await fixture.other();
    await nameOf(pool, 1);
    await nameOf(other.pool, 1);
    const { Redis } = await import('ioredis');
    const client = new Redis(redis.url);
    await client.flushall();
    client.disconnect();
    await pool.query(RENAME, ['new', 1]);
    expect(await nameOf(pool, 1)).toBe('new');
    await untilItIs(() => nameOf(other.pool, 1), 'new');
    await waitFor(
      'the backlog to be sent',
      () => cache.stats().redis,
      (stats) => stats?.live === true && stats.backlog === 0,
    );
    await other.cache.ready();
    await other.pool.query(RENAME, ['newer', 1]);
    await untilItIs(() => nameOf(pool, 1), 'newer');
  });

  it('full: the database answers, and invalidations still reach all', async () => {
    await using redis = await startRedis({ arguments: ['--maxmemory-policy', 'noeviction'] });
    await using fixture = await openCachedPool({ redis: redis.url });
    const { pool } = fixture;
    const other = await fixture.other();
    await nameOf(pool, 1);
    await nameOf(other.pool, 1);
    const { Redis } = await import('ioredis');
    const client = new Redis(redis.url);
    await client.config('SET', 'maxmemory', '1');
    await pool.query(RENAME, ['new', 1]);
    expect(await nameOf(pool, 1)).toBe('new');
    await untilItIs(() => nameOf(other.pool, 1), 'new');
    await pool.query(RENAME, ['newer', 1]);
    await untilItIs(() => nameOf(other.pool, 1), 'newer');
    await client.config('SET', 'maxmemory', '0');
    client.disconnect();
    await fixture.cache.ready();
    await pool.query(RENAME, ['newest', 1]);
    await untilItIs(() => nameOf(other.pool, 1), 'newest');
  });

  it("that answers garbage, or another key's value, is not believed", async () => {
    await using redis = await startRedis();
    await using fixture = await openCachedPool({ redis: redis.url });
    const { pool, cache } = fixture;
    await nameOf(pool, 1);
    await nameOf(pool, 2);
    await waitFor(
      'the stores',
      () => cache.stats().stores.redis,
      (count) => count === 2,
    );
    const { Redis } = await import('ioredis');
    const client = new Redis(redis.url);
    const [one, two] = (await client.keys('*:value')) as [string, string];
    const value = (await client.getBuffer(one)) as Buffer;
    await client.set(two, value, 'PX', 60_000);
    value[value.length - 3] = (value[value.length - 3] as number) ^ 1;
    await client.set(one, value, 'PX', 60_000);
    client.disconnect();
    const other = await fixture.other();
    expect([await nameOf(other.pool, 1), await nameOf(other.pool, 2)]).toEqual(['user1', 'user2']);
    expect(other.cache.stats()).toMatchObject({ hits: { redis: 0 }, redis: { errors: { garbage: 4 } } });
  });

  it("slow: callers get the database's answer, and the breaker stops the asking", async () => {
    await using redis = await startRedis();
    await using proxy = await startTcpProxy({ port: redis.port });
    await using fixture = await openCachedPool({
      redis: { url: `redis://127.0.0.1:${proxy.port}`, timeout: 50 },
      invalidationBound: 2_000,
    });
    const { pool, cache } = fixture;
    await nameOf(pool, 1);
    proxy.delay(150);
    for (let id = 2; id <= 6; id += 1) expect(await nameOf(pool, id)).toBe(`user${id}`);
    expect(cache.stats().redis).toMatchObject({ asked: false, live: true });
    expect(cache.stats().redis?.errors.timeout).toBeGreaterThanOrEqual(3);
    proxy.delay(0);
    await waitFor('the breaker', () => cache.stats().redis?.asked, Boolean);
    let id = 7;
    await waitFor(
      'a store',
      async () => {
        await nameOf(pool, (id += 1));
        return cache.stats().stores.redis;
      },
      (count) => count >= 2,
    );
  });
});
