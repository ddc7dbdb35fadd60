import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createQueryCache } from '../../../src/cache/index.js';
import { type MemoryEntry, MemoryTier } from '../../../src/cache/serving/memory-tier.js';

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const NEVER = Number.POSITIVE_INFINITY;

function entryOf(bytes: number): MemoryEntry {
  return { value: bytes, refused: false, bytes, loadedAt: 0, freshUntil: NEVER, servedUntil: NEVER, sequence: 0, marks: [], used: false };
}

/** What an entry of this size counts as, under a key of this length. */
function costOf(key: string, bytes: number): number {
  const tier = new MemoryTier(1e9);
  tier.set(key, entryOf(bytes));
  return tier.bytes;
}

describe('the tier in memory', () => {
  it('evicts the oldest value that was not used, and keeps within its bytes under any operations', () => {
    const key = fc.constantFrom(...KEYS);
    const step = fc.oneof(
      fc.record({ do: fc.constant('set' as const), key, bytes: fc.integer({ min: 0, max: 4_000 }) }),
      fc.record({ do: fc.constantFrom('use' as const, 'delete' as const), key, bytes: fc.constant(0) }),
      { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), key, bytes: fc.constant(0) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const maxBytes = 4_000;
        const tier = new MemoryTier(maxBytes);
        // The oldest is the first.
        let model: { key: string; cost: number; used: boolean }[] = [];
        let evictions = 0;
        const cost = (): number => model.reduce((sum, one) => sum + one.cost, 0);
        for (const { do: what, key: name, bytes } of steps) {
          const known = model.find((one) => one.key === name);
          if (what === 'use') {
            if (known === undefined) continue;
            (tier.get(name) as MemoryEntry).used = true;
            known.used = true;
          } else if (what === 'set') tier.set(name, entryOf(bytes));
          else if (what === 'delete') tier.delete(name);
          else tier.clear();
          if (what === 'clear') model = [];
          else if (what !== 'use') model = model.filter((one) => one.key !== name);
          // What is larger than all of it does not drive out the others.
          if (what === 'set' && costOf(name, bytes) <= maxBytes) {
            while (cost() + costOf(name, bytes) > maxBytes) {
              const oldest = model.shift() as { key: string; cost: number; used: boolean };
              if (oldest.used) model.push({ ...oldest, used: false });
              else evictions += 1;
            }
            model.push({ key: name, cost: costOf(name, bytes), used: false });
          }
          expect(KEYS.filter((one) => tier.get(one) !== undefined)).toEqual(model.map((one) => one.key).toSorted());
          expect([tier.size, tier.bytes, tier.evictions]).toEqual([model.length, cost(), evictions]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('keeps what is used while a stream of others passes', () => {
    const tier = new MemoryTier(100 * costOf('key 0', 100));
    for (let number = 0; number < 100; number += 1) tier.set(`key ${number}`, entryOf(100));
    for (let number = 0; number < 100; number += 1) {
      for (const hot of ['key 3', 'key 50']) (tier.get(hot) as MemoryEntry).used = true;
      for (let other = 0; other < 50; other += 1) tier.set(`p ${other}${number}`, entryOf(100));
    }
    expect(['key 3', 'key 50', 'key 4'].map((one) => tier.get(one) !== undefined)).toEqual([true, true, false]);
  });

  it('stays within its bytes through a million keys', () => {
    const maxBytes = 2 ** 20;
    const tier = new MemoryTier(maxBytes);
    for (let number = 0; number < 1_000_000; number += 1) tier.set(`key ${number}`, entryOf(100));
    expect(tier.bytes).toBeLessThanOrEqual(maxBytes);
    expect(tier.bytes).toBeGreaterThan(maxBytes * 0.99);
    expect(tier.size + tier.evictions).toBe(1_000_000);
    expect(tier.get('key 999999')).toBeDefined();
    expect(tier.get('key 0')).toBeUndefined();
  });
});

describe('a cache', () => {
  it('keeps nothing of keys that are gone', async () => {
    const cache = createQueryCache({ memory: { maxBytes: 100_000 } });
    for (let number = 0; number < 20_000; number += 1) {
      await cache.wrap(`key ${number}`, async () => number, { ttl: 60_000, tags: [`tag ${number}`] });
    }
    const { bytes, entries, evictions, loading } = cache.stats();
    expect(bytes).toBeLessThanOrEqual(100_000);
    expect({ sum: entries + evictions, loading }).toEqual({ sum: 20_000, loading: 0 });
  });
});
