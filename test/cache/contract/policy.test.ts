import { describe, expect, it } from 'vitest';
import { type CachePolicy, resolveDefaults, resolvePolicy } from '../../../src/cache/contract/policy.js';

const defaults = resolveDefaults({});

describe('the defaults of a cache', () => {
  it('are five seconds, nothing stale, and no tags', () => {
    expect(defaults).toEqual({ ttl: 5_000, staleWhileRevalidate: 0, negativeTtl: 5_000, maxStale: Number.POSITIVE_INFINITY, tags: [] });
  });

  it('take the ttl for what was not found, unless that has one of its own', () => {
    expect(resolveDefaults({ ttl: 100 }).negativeTtl).toBe(100);
    expect(resolveDefaults({ ttl: 100, negativeTtl: 0 }).negativeTtl).toBe(0);
  });
});

describe('the policy of one value', () => {
  it('is the defaults where it says nothing', () => {
    expect(resolvePolicy({}, defaults)).toBe(defaults);
    const own = resolveDefaults({ ttl: 1_000, maxStale: 2_000, tags: ['a'] });
    expect(resolvePolicy({ staleWhileRevalidate: 500 }, own)).toEqual({ ...own, staleWhileRevalidate: 500 });
    expect(resolvePolicy({ tags: [] }, own).tags).toEqual([]);
  });

  it("takes its own ttl for what was not found, before the cache's negativeTtl", () => {
    const own = resolveDefaults({ ttl: 1_000, negativeTtl: 10 });
    expect(resolvePolicy({ ttl: 2_000 }, own).negativeTtl).toBe(2_000);
    expect(resolvePolicy({ maxStale: 2_000 }, own).negativeTtl).toBe(10);
  });

  it.each<[string, unknown]>([
    ['ttl', -1],
    ['ttl', Number.NaN],
    ['ttl', '5'],
    ['staleWhileRevalidate', Number.POSITIVE_INFINITY],
    ['negativeTtl', null],
    ['maxStale', 31 * 24 * 3_600_000],
    ['tags', 'users'],
    ['tags', ['users', '']],
    ['tags', [7]],
  ])('with %s %j is refused by name', (name, value) => {
    const given = { [name]: value } as CachePolicy;
    const refused = expect.objectContaining({ code: 'POOL_OPTION_INVALID', message: expect.stringContaining(name) as string }) as Error;
    expect(() => resolvePolicy(given, defaults)).toThrow(refused);
    expect(() => resolveDefaults(given)).toThrow(refused);
  });
});
