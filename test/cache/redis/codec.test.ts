import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, Garbage, openEnvelope, sealEnvelope, valueOf } from '../../../src/cache/redis/codec.js';
import { hashOf } from '../../../src/cache/values/key.js';
import { copyOfPlain } from '../../../src/cache/values/plain-value.js';
import { plain, same } from '../support/plain-values.js';

describe('a value', () => {
  it('keeps its types through a copy, and through Redis', async () => {
    const key = hashOf('key');
    await fc.assert(
      fc.asyncProperty(
        plain.filter((value) => same(value, value)),
        async (value) => {
          const withPrototype = valueOf(bytesOf(value));
          expect(same(copyOfPlain(withPrototype), withPrototype)).toBe(true);
          const sealed = await sealEnvelope(key, { position: 7, lifeMs: 1.5, freshMs: 1 }, bytesOf([['t:a'], false, value]), undefined);
          const opened = await openEnvelope(key, sealed, undefined);
          expect(same(value, opened.value)).toBe(true);
          expect(opened).toMatchObject({ position: 7, lifeMs: 1.5, freshMs: 1, names: ['t:a'], refused: false });
        },
      ),
    );
  });

  it('that was changed on its way, or belongs to another key, is garbage', async () => {
    const key = hashOf('key');
    const sealed = await sealEnvelope(key, { position: 7, lifeMs: 1, freshMs: 1 }, bytesOf([[], false, 'value']), undefined);
    await expect(openEnvelope(hashOf('other'), sealed, undefined)).rejects.toThrow(Garbage);
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), async (index, change) => {
        const changed = Buffer.from(sealed);
        changed[index] = (changed[index] as number) ^ change;
        await expect(openEnvelope(key, changed, undefined)).rejects.toThrow(Garbage);
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await expect(openEnvelope(key, Buffer.from(bytes), undefined)).rejects.toThrow(Garbage);
      }),
    );
  });
});
