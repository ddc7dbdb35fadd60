import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createQueryCache, type QueryCache } from '../../../src/cache/index.js';
import { startRedis } from '../../support/servers/redis-server.js';
import { startRedisCluster } from '../../support/servers/redis-topologies.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { nameOf, openCachedPool } from '../support/cached-pool.js';

const RENAME = 'UPDATE users SET name = ? WHERE id = ?';
const TTL_MS = 600_000;

describe('a Redis that takes two seconds to answer', () => {
  it('costs its callers no more than the time-out, and no caller gets an old value', async () => {
    await using redis = await startRedis();
    await using proxy = await startTcpProxy({ port: redis.port });
    await using fixture = await openCachedPool({
      redis: { url: `redis://127.0.0.1:${proxy.port}`, timeout: 100 },
      invalidationBound: 1_000,
    });
    const { pool, cache } = fixture;
    const other = await fixture.other();
    await nameOf(pool, 1);
    await nameOf(other.pool, 1);
    proxy.delay(1_000);
    await pool.query(RENAME, ['new', 1]);
    await waitFor(
      'the other to stop serving',
      () => nameOf(other.pool, 1),
      (name) => name === 'new',
    );
    for (let id = 1; id <= 10; id += 1) expect(await nameOf(other.pool, id)).toBe(id === 1 ? 'new' : `user${id}`);
    await waitFor('the breaker to open', () => cache.breaker?.closed === false);
    proxy.delay(0);
    await waitFor('the cache to serve again', () => cache.stats().redis?.live === true && cache.breaker?.closed === true);
    expect(await nameOf(pool, 1)).toBe('new');
  });
});

describe('a connection to Redis that leads nowhere', () => {
  it('is opened again when it is the one for values, though invalidations are still heard over the other', async () => {
    await using redis = await startRedis();
    const pairs: [Socket, Socket][] = [];
    const server = createServer((near) => {
      const far = connect(redis.port, '127.0.0.1');
      pairs.push([near, far]);
      near.on('error', () => far.destroy()).pipe(far);
      far.on('error', () => near.destroy()).pipe(near);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const cache = createQueryCache({
      redis: { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, timeout: 500 },
      memory: false,
      invalidationBound: 2_000,
    });
    try {
      await cache.ready();
      // The connection for values is made first.
      const [near, far] = pairs[0] as [Socket, Socket];
      near.unpipe().pause();
      far.unpipe().pause();
      for (let count = 1; count <= 4; count += 1) expect(await cache.wrap(`key ${count}`, async () => count, { ttl: TTL_MS })).toBe(count);
      await waitFor('the breaker to open', () => cache.breaker?.closed === false);
      await waitFor('a new connection', () => cache.breaker?.closed === true);
      expect(cache.stats()).toMatchObject({ redis: { live: true, breaks: 1 } });
      await cache.wrap('key', async () => 1, { ttl: TTL_MS });
      await waitFor('the store', () => cache.stats().stores.redis === 1);
    } finally {
      cache.close();
      for (const socket of pairs.flat()) socket.destroy();
      server.close();
    }
  });
});

describe('something that is no Redis', () => {
  it.each([
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n<html>'],
    ['bytes', '\u0000\u0001$-7\r\n*99999999\r\n'],
    ['nothing but numbers', ':1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n'],
    ['an endless text', '$2000000000\r\nx'],
  ])('and answers with %s: the loader answers, and nothing is left unhandled', async (_, answer) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).on('data', () => socket.write(answer, 'latin1'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const cache = createQueryCache({
      redis: { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, timeout: 50 },
      invalidationBound: 100,
    });
    try {
      await waitFor('the breaker to open', () => cache.breaker?.closed === false);
      let loads = 0;
      for (let count = 1; count <= 5; count += 1) expect(await cache.wrap('key', async () => (loads += 1), { ttl: TTL_MS })).toBe(count);
      await cache.invalidate({ all: true });
      expect(cache.stats()).toMatchObject({ hits: { memory: 0, redis: 0 }, redis: { live: false } });
    } finally {
      cache.close();
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });
});

describe('an encryption of the user’s that fails', () => {
  const plain = (bytes: Buffer): Buffer => bytes;
  const fail = (): never => {
    throw new Error('the key is gone');
  };
  it.each([
    ['encrypt throws', { encrypt: fail, decrypt: plain }],
    ['encrypt rejects', { encrypt: async () => fail(), decrypt: plain }],
    ['encrypt gives no bytes', { encrypt: () => undefined as never, decrypt: plain }],
    ['decrypt throws', { encrypt: plain, decrypt: fail }],
    ['decrypt rejects', { encrypt: plain, decrypt: async () => fail() }],
    ['decrypt gives something else', { encrypt: plain, decrypt: () => Buffer.from('something') }],
    ['decrypt gives no bytes', { encrypt: plain, decrypt: () => undefined as never }],
  ])('costs a loading, and is counted: %s', async (_, encryption) => {
    await using redis = await startRedis();
    const cache = createQueryCache({ redis: { url: redis.url, timeout: 1_000 }, memory: false, encryption, invalidationBound: 1_000 });
    try {
      await cache.ready();
      for (const count of [1, 2, 3]) {
        const before = failuresOf(cache);
        expect(await cache.wrap('key', async () => count, { ttl: TTL_MS })).toBe(count);
        if (encryption.encrypt === plain && count === 1) await waitFor('the store', () => cache.stats().stores.redis === 1);
        else await waitFor('the failure', () => failuresOf(cache) > before);
        // The next caller does not wait for a lock that no process gives back.
        await waitFor('the lock to be given back', async () => (await new Locks(redis.url).held()) === 0);
      }
      expect(cache.breaker?.closed).toBe(true);
    } finally {
      cache.close();
    }
  });
});

function failuresOf(cache: QueryCache): number {
  const { garbage, other } = cache.stats().redis?.errors ?? { garbage: 0, other: 0 };
  return garbage + other;
}

/** The locks that are held in a Redis. */
class Locks {
  constructor(private readonly url: string) {}

  async held(): Promise<number> {
    const client = new Redis(this.url);
    try {
      return (await client.keys('*:lock')).length;
    } finally {
      client.disconnect();
    }
  }
}

describe('a cluster that is resharded', () => {
  it('is followed, the ledger too, and no caller gets an old value', async () => {
    await using cluster = await startRedisCluster();
    await using fixture = await openCachedPool({ redis: cluster.url });
    const { pool, cache } = fixture;
    const other = await fixture.other();
    await nameOf(pool, 1);
    await waitFor('the store', () => cache.stats().stores.redis === 1);
    expect(await nameOf(other.pool, 1)).toBe('user1');
    const clients = cluster.masters.map(({ url }) => new Redis(url));
    try {
      const names = (await Promise.all(clients.map((client) => client.keys('*')))).flat();
      const value = names.find((name) => name.endsWith(':value')) as string;
      for (const [what, name] of [
        ['value', value],
        ['ledger', '{poolwright}:ledger'],
      ] as const) {
        await moveSlotOf(name, clients, cluster.masters);
        await pool.query(RENAME, [what, 1]);
        expect(await nameOf(pool, 1)).toBe(what);
        await waitFor(
          'the other to hear',
          () => nameOf(other.pool, 1),
          (now) => now === what,
        );
        await waitFor('both to serve', () => [cache, other.cache].every((one) => one.stats().redis?.live === true));
      }
    } finally {
      for (const client of clients) client.disconnect();
    }
    const { redis: stores } = cache.stats().stores;
    await waitFor('a store', async () => {
      await pool.query(RENAME, ['last', 1]);
      await nameOf(pool, 1);
      return cache.stats().stores.redis > stores;
    });
  });
});

/** Moves a slot with its keys to another master, as `redis-cli --cluster reshard` does. */
async function moveSlotOf(name: string, clients: readonly Redis[], servers: readonly { readonly port: number }[]): Promise<void> {
  const slot = Number(await (clients[0] as Redis).call('CLUSTER', 'KEYSLOT', name));
  const counts = await Promise.all(clients.map((client) => client.call('CLUSTER', 'COUNTKEYSINSLOT', slot)));
  const from = counts.findIndex((count) => Number(count) > 0);
  const to = (from + 1) % clients.length;
  const [source, target] = [clients[from] as Redis, clients[to] as Redis];
  const [sourceId, targetId] = (await Promise.all([source.call('CLUSTER', 'MYID'), target.call('CLUSTER', 'MYID')])) as [string, string];
  await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId);
  await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId);
  for (;;) {
    const keys = (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
    if (keys.length === 0) break;
    await source.call('MIGRATE', '127.0.0.1', String(servers[to]?.port), '', 0, 5_000, 'KEYS', ...keys);
  }
  for (const client of [target, source, ...clients]) await client.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId);
}
