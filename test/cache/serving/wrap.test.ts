import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createQueryCache, type QueryCache, type QueryCacheOptions } from '../../../src/cache/index.js';
import { errorOf } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';

/** A cache that is closed at the end, and a loader whose values are its calls, counted. */
function openCounting(
  options: QueryCacheOptions = {},
): Disposable & { readonly cache: QueryCache; readonly load: () => Promise<{ call: number }> } {
  const cache = createQueryCache(options);
  let call = 0;
  return {
    cache,
    load: async () => {
      call += 1;
      return { call };
    },
    [Symbol.dispose]: () => cache.close(),
  };
}

describe('cache.wrap()', () => {
  it('loads once for all callers of a moment, and gives each an object of their own', async () => {
    using fixture = openCounting();
    const { cache, load } = fixture;
    const values = await Promise.all([cache.wrap('a', load), cache.wrap('a', load), cache.wrap('a', load)]);
    values.push(await cache.wrap('a', load));
    expect(values).toEqual(Array.from({ length: 4 }, () => ({ call: 1 })));
    expect(new Set(values).size).toBe(4);
    expect(cache.stats()).toMatchObject({ loads: 1, misses: 1, coalesced: 2, hits: { memory: 1 }, stores: { memory: 1 }, loading: 0 });
  });

  it('keeps keys apart, and asks for a key that is a text', async () => {
    using fixture = openCounting();
    const { cache, load } = fixture;
    expect([await cache.wrap('a', load), await cache.wrap('b', load)]).toEqual([{ call: 1 }, { call: 2 }]);
    for (const key of ['', 7]) expect(await errorOf(cache.wrap(key as string, load))).toMatchObject({ code: 'POOL_OPTION_INVALID' });
  });

  it('serves a stale value at once while it is loaded again, once', async () => {
    using fixture = openCounting();
    const { cache, load } = fixture;
    const policy = { ttl: 1, staleWhileRevalidate: 60_000 };
    await cache.wrap('a', load, policy);
    await pause(5);
    expect(await Promise.all([cache.wrap('a', load, policy), cache.wrap('a', load, policy)])).toEqual([{ call: 1 }, { call: 1 }]);
    await waitFor('the new value', () => cache.stats().stores.memory === 2);
    expect(cache.stats()).toMatchObject({ stale: 2, loads: 2 });
    expect(await cache.wrap('a', load, policy)).toEqual({ call: 2 });
  });

  it('serves nothing older than maxStale, stale or not', async () => {
    using fixture = openCounting();
    const { cache, load } = fixture;
    await cache.wrap('a', load, { ttl: 60_000 });
    await pause(5);
    expect(await cache.wrap('a', load, { ttl: 60_000, maxStale: 1 })).toEqual({ call: 2 });
  });

  it('keeps nothing with a ttl of 0, and nothing that was not found with a negativeTtl of 0', async () => {
    using fixture = openCounting();
    const { cache, load } = fixture;
    await cache.wrap('a', load, { ttl: 0 });
    await cache.wrap('b', async () => null, { negativeTtl: 0 });
    expect(cache.stats()).toMatchObject({ entries: 0, stores: { memory: 0 } });
    await cache.wrap('b', async () => null);
    expect(cache.stats()).toMatchObject({ entries: 1 });
  });

  it('does not store what was invalidated while it was loaded, and the next caller loads it again', async () => {
    using fixture = openCounting();
    const { cache, load } = fixture;
    let finish: (() => void) | undefined;
    const slow = async (): Promise<{ call: number }> => {
      const value = await load();
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return value;
    };
    const early = cache.wrap('a', slow, { tags: ['t'] });
    await waitFor('the loader', () => finish !== undefined);
    await cache.invalidate({ tags: ['t'] });
    expect(await cache.wrap('a', load, { tags: ['t'] })).toEqual({ call: 2 });
    finish?.();
    expect(await early).toEqual({ call: 1 });
    expect(cache.stats()).toMatchObject({ discarded: 1, loads: 2, coalesced: 0 });
    expect(await cache.wrap('a', load, { tags: ['t'] })).toEqual({ call: 2 });
  });

  it('stores nothing of a loader that fails; all who shared it get the failure', async () => {
    using fixture = openCounting();
    const { cache, load } = fixture;
    const fail = (): Promise<never> => Promise.reject(new Error('no'));
    const errors = await Promise.all([errorOf(cache.wrap('a', fail)), errorOf(cache.wrap('a', fail))]);
    expect(errors.map((error) => (error as Error).message)).toEqual(['no', 'no']);
    expect(await cache.wrap('a', load)).toEqual({ call: 1 });
    expect(cache.stats()).toMatchObject({ loads: 2, loadErrors: 1 });
  });

  it('remembers that a value is too large or of a class, and then each caller loads without waiting for others', async () => {
    using fixture = openCounting({ maxEntryBytes: 100 });
    const { cache } = fixture;
    const large = async (): Promise<string> => 'x'.repeat(1_000);
    const ofClass = async (): Promise<URL> => new URL('http://x');
    for (const _ of [1, 2]) {
      expect(await cache.wrap('large', large)).toHaveLength(1_000);
      expect(await cache.wrap('class', ofClass)).toBeInstanceOf(URL);
    }
    const [one, other] = await Promise.all([cache.wrap('fresh', ofClass), cache.wrap('fresh', ofClass)]);
    expect(one).not.toBe(other);
    expect(cache.stats()).toMatchObject({ refused: 3, stores: { memory: 0 }, hits: { memory: 0 } });
  });

  it('that is closed loads for each caller and keeps nothing', async () => {
    using fixture = openCounting();
    const { cache, load } = fixture;
    await cache.wrap('a', load);
    cache.close();
    expect(await Promise.all([cache.wrap('a', load), cache.wrap('a', load)])).toEqual([{ call: 2 }, { call: 3 }]);
    expect(cache.stats()).toMatchObject({ bypassed: 2, entries: 0, bytes: 0 });
  });

  it('stops the loader when no caller waits any more', async () => {
    using fixture = openCounting();
    const { cache } = fixture;
    let signal: AbortSignal | undefined;
    const load = (given: AbortSignal): Promise<never> => {
      signal = given;
      return new Promise((_, reject) => given.addEventListener('abort', () => reject(given.reason as Error)));
    };
    const [first, second] = [new AbortController(), new AbortController()];
    const both = [errorOf(cache.wrap('a', load, { signal: first.signal })), errorOf(cache.wrap('a', load, { signal: second.signal }))];
    first.abort();
    expect(await both[0]).toMatchObject({ code: 'POOL_ABORTED' });
    expect(signal?.aborted).toBe(false);
    second.abort();
    expect(await both[1]).toMatchObject({ code: 'POOL_ABORTED' });
    expect(signal?.aborted).toBe(true);
  });
});
