import { describe, expect, it } from 'vitest';
import { type QueryCacheOptions, resolveCacheOptions } from '../../../src/cache/contract/options.js';

describe('the options of a cache', () => {
  it('have defaults', () => {
    expect(resolveCacheOptions({})).toMatchObject({
      redis: undefined,
      memoryBytes: 64 * 2 ** 20,
      rules: undefined,
      maxEntryBytes: 2 ** 20,
      invalidationBound: 500,
      name: 'default',
      prefix: 'poolwright',
      epoch: '',
      notUnderstood: 'refuse',
      encryption: undefined,
    });
  });

  it('take a URL for Redis, or a URL with more', () => {
    expect(resolveCacheOptions({ redis: 'redis://host' })).toMatchObject({
      redis: { target: { url: 'redis://host' }, timeout: 100, lockTimeout: 5_000 },
      lockTimeout: 5_000,
    });
    expect(resolveCacheOptions({ redis: { url: 'redis://host', timeout: 7, lockTimeout: 9 }, memory: false })).toMatchObject({
      redis: { timeout: 7, lockTimeout: 9 },
      lockTimeout: 9,
      memoryBytes: 0,
    });
  });

  it.each<[string, unknown, RegExp]>([
    ['an unknown one', { tll: 1 }, /tll/],
    ['neither tier', { memory: false }, /leaves no cache/],
    ['memory that is no size', { memory: { maxBytes: 0 } }, /maxBytes/],
    ['memory: true', { memory: true }, /memory/],
    ['an unknown one for Redis', { redis: { url: 'redis://host', db: 1 } }, /db/],
    ['Redis without a URL', { redis: {} }, /redis\.url/],
    ['a bound that Redis cannot keep', { invalidationBound: 10 }, /invalidationBound/],
    ['half an encryption', { encryption: { encrypt: () => Buffer.alloc(0) } }, /encryption/],
    ['an epoch that is a number', { epoch: 1 }, /epoch/],
    ['another choice', { notUnderstood: 'guess' }, /notUnderstood/],
    ['defaults that are invalid', { defaults: { ttl: -1 } }, /ttl/],
  ])('are refused: %s', (_, given, message) => {
    expect(() => resolveCacheOptions(given as QueryCacheOptions)).toThrow(
      expect.objectContaining({ code: 'POOL_OPTION_INVALID', message: expect.stringMatching(message) as string }) as Error,
    );
  });

  it('that are refused do not show what may hold a password', () => {
    const secret = { url: 7, password: 'hunter2' };
    for (const redis of [secret, 7]) {
      expect(() => resolveCacheOptions({ redis } as never)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter2') as string }) as Error,
      );
    }
  });
});
