import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createQueryCache, type QueryCache, type QueryCacheOptions } from '../../../src/cache/index.js';
import { InvalidationLedger } from '../../../src/cache/redis/ledger.js';
import { Marks } from '../../../src/cache/invalidation/marks.js';
import { createRedisClients } from '../../../src/cache/redis/redis-client.js';
import { type RedisServer, startRedis } from '../../support/servers/redis-server.js';
import { waitFor } from '../../support/wait-for.js';

const VALUES = 300;
const VALUE_BYTES = 20_000;
const ROOM_BYTES = 2 * 2 ** 20;
const TTL_MS = 600_000;

interface Caches extends AsyncDisposable {
  readonly one: QueryCache;
  readonly two: QueryCache;
  readonly client: Redis;
}

/** Two processes, as far as the cache can see, over a Redis that has room for a third of what they want to store. */
async function openCaches({ url }: RedisServer, roomBytes?: number): Promise<Caches> {
  const options: QueryCacheOptions = { redis: { url, timeout: 2_000 }, invalidationBound: 1_000, memory: false };
  const [one, two] = [createQueryCache(options), createQueryCache(options)];
  await Promise.all([one.ready(), two.ready()]);
  const client = new Redis(url);
  if (roomBytes !== undefined) {
    const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
    await client.config('SET', 'maxmemory', String(used + roomBytes));
  }
  return {
    one,
    two,
    client,
    async [Symbol.asyncDispose]() {
      client.disconnect();
      one.close();
      two.close();
    },
  };
}

/** Asks for every value; each says which value it is, and from when. */
async function readAll(cache: QueryCache, version: number, tags: readonly string[] = []): Promise<void> {
  for (let number = 0; number < VALUES; number += 1) {
    const value = await cache.wrap(`value ${number}`, async () => Buffer.alloc(VALUE_BYTES, number % 251), { ttl: TTL_MS, tags });
    expect(value.length === VALUE_BYTES && value[0] === number % 251 && value.at(-1) === number % 251).toBe(true);
  }
  expect(await cache.wrap('version', async () => version, { ttl: TTL_MS, tags: ['version'] })).toBe(version);
}

/** Invalidates in one process what the other has, and waits until the other has learned of it. */
async function expectHeard({ one, two }: Caches, version: number): Promise<void> {
  await one.invalidate({ tags: ['version'] });
  await waitFor(
    'the other to hear',
    () => two.wrap('version', async () => version, { ttl: TTL_MS, tags: ['version'] }),
    (value) => value === version,
  );
}

describe('a Redis that has less room than the values want', () => {
  it('and evicts values: they are loaded again, and every invalidation is heard', async () => {
    await using redis = await startRedis({ arguments: ['--maxmemory-policy', 'volatile-lru'] });
    await using caches = await openCaches(redis, ROOM_BYTES);
    const { one, two, client } = caches;
    await readAll(one, 1);
    await readAll(two, 1);
    const evicted = Number(/evicted_keys:(\d+)/.exec(await client.info('stats'))?.[1]);
    expect(evicted).toBeGreaterThan(0);
    expect(two.stats()).toMatchObject({ bypassed: 0, redis: { live: true, breaks: 1, errors: { timeout: 0, garbage: 0, other: 0 } } });
    expect(two.stats().misses).toBeGreaterThan(0);
    await expectHeard(caches, 2);
  });

  it('and takes no more: what is there is served, every invalidation is heard, and storing continues when there is room', async () => {
    await using redis = await startRedis({ arguments: ['--maxmemory-policy', 'noeviction'] });
    await using caches = await openCaches(redis, ROOM_BYTES);
    const { one, two, client } = caches;
    await readAll(one, 1);
    await readAll(two, 1);
    const { hits } = two.stats();
    await readAll(two, 1);
    expect(two.stats().hits.redis - hits.redis).toBeGreaterThan(VALUES / 10);
    await expectHeard(caches, 2);
    for (const cache of [one, two]) {
      expect(cache.stats()).toMatchObject({
        bypassed: 0,
        redis: { live: true, breaks: 1, backlog: 0, errors: { timeout: 0, garbage: 0, other: 0 } },
      });
      expect(cache.stats().redis?.errors.full).toBeGreaterThan(0);
      expect(cache.breaker?.snapshot()).toMatchObject({ state: 'closed', failures: 0, transitions: { open: 0 } });
    }
    await client.config('SET', 'maxmemory', '0');
    await waitFor('the cache to store again', async () => {
      const before = one.stats().stores.redis;
      await one.wrap('another', async () => 1, { ttl: TTL_MS });
      await one.invalidate({ keys: ['another'] });
      return one.stats().stores.redis > before && one.stats().redis?.backlog === 0;
    });
    await two.ready();
    await expectHeard(caches, 3);
  });

  it('and would take no invalidation either, as some servers do: the ledger is given up, and nothing of before is served', async () => {
    await using redis = await startRedis();
    await using caches = await openCaches(redis);
    const { two } = caches;
    await two.wrap('version', async () => 1, { ttl: TTL_MS, tags: ['version'] });
    const clients = createRedisClients({ url: redis.url }, 1_000);
    const { client, reader } = clients;
    const refuse = (): Promise<never> => Promise.reject(new Error("OOM command not allowed when used memory > 'maxmemory'."));
    Object.assign(client, { publishToLedger: refuse });
    Object.assign(reader, { publishToLedger: refuse });
    const failures: unknown[] = [];
    const listener = { failed: (error: unknown) => failures.push(error), proven: () => undefined };
    const ledger = new InvalidationLedger(
      reader,
      client,
      new Marks(),
      { prefix: 'poolwright', boundMs: 1_000, timeoutMs: 2_000 },
      listener,
    );
    try {
      await waitFor('the ledger to be read', () => ledger.isLive(performance.now()));
      await ledger.invalidate(['g:version']);
      expect(failures.length).toBeGreaterThan(0);
      expect(ledger.backlog).toBe(1);
      await waitFor(
        'the other to know that it may have changed',
        () => two.wrap('version', async () => 2, { ttl: TTL_MS, tags: ['version'] }),
        (value) => value === 2,
      );
    } finally {
      ledger.close();
      client.close();
      reader.close();
    }
  });

  it('and lets go of the list of invalidations itself: nothing of before is served', async () => {
    await using redis = await startRedis();
    await using caches = await openCaches(redis);
    const { one, two, client } = caches;
    for (const letGo of ['{poolwright}:log', '{poolwright}:count', '{poolwright}:ledger']) {
      await one.invalidate({ tags: ['something'] });
      await Promise.all([one.ready(), two.ready()]);
      let version = 1;
      const read = (cache: QueryCache): Promise<unknown> => cache.wrap(letGo, async () => version, { ttl: TTL_MS });
      expect([await read(one), await read(two)]).toEqual([1, 1]);
      version = 2;
      // An invalidation is announced, and lost before any process has read it.
      await client.multi().incr('{poolwright}:count').del(letGo).exec();
      await waitFor(
        'the processes to know',
        async () => [await read(one), await read(two)],
        (values) => values.every((value) => value === 2),
      );
    }
  });
});

describe('a value', () => {
  it.each([
    ['both tiers', {}],
    ['Redis alone', { memory: false as const }],
  ])('that is larger than maxEntryBytes is in neither tier, and no caller waits for it: %s', async (_, options) => {
    await using redis = await startRedis();
    const cache = createQueryCache({ ...options, redis: redis.url, maxEntryBytes: 10_000, invalidationBound: 1_000 });
    const client = new Redis(redis.url);
    try {
      await cache.ready();
      let loads = 0;
      const large = async (): Promise<Buffer> => {
        loads += 1;
        return Buffer.alloc(10_001);
      };
      for (const count of [1, 2]) {
        expect((await cache.wrap('large', large, { ttl: TTL_MS })).length).toBe(10_001);
        expect(loads).toBe(count);
      }
      await cache.wrap('small', async () => Buffer.alloc(9_000), { ttl: TTL_MS });
      await waitFor('the store', () => cache.stats().stores.redis === 1);
      const sizes = await Promise.all((await client.keys('*:value')).map((key) => client.strlen(key)));
      expect(sizes.filter((size) => size > 1_000)).toHaveLength(1);
      expect(cache.stats().bytes).toBeLessThan(15_000);
    } finally {
      client.disconnect();
      cache.close();
    }
  });
});

describe('a Redis that takes no writes', () => {
  it('proves nothing, because other processes could not see that: the database answers until it takes them again', async () => {
    await using redis = await startRedis();
    await using caches = await openCaches(redis);
    const { one, two, client } = caches;
    let version = 1;
    const read = (cache: QueryCache): Promise<unknown> => cache.wrap('version', async () => version, { ttl: TTL_MS, tags: ['version'] });
    expect([await read(one), await read(two)]).toEqual([1, 1]);
    await client.config('SET', 'min-replicas-to-write', '1');
    version = 2;
    await one.invalidate({ tags: ['version'] });
    await waitFor(
      'the other to read the new one',
      () => read(two),
      (value) => value === 2,
    );
    await waitFor('both to know that nothing is proven', () => [one, two].every((cache) => cache.stats().redis?.live === false));
    await client.config('SET', 'min-replicas-to-write', '0');
    await Promise.all([one.ready(), two.ready()]);
    expect(one.stats().redis?.backlog).toBe(0);
    await expectHeard(caches, 3);
  });
});
