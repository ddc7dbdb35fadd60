import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, Garbage, openEnvelope, sealEnvelope, valueOf } from '../../../src/cache/values/codec.js';
import { hashOf, textOf } from '../../../src/cache/values/key.js';
import { copyOfPlain, NotPlain } from '../../../src/cache/values/plain-value.js';
import { statementResult, withPlainFields } from '../../../src/cache/values/value-kind.js';

const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);
const { value: plain } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
  ),
}));

/** The same value, in the same type, to the last bit. */
const same = (one: unknown, other: unknown): boolean => {
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) return Object.is(one, other);
  // What has no prototype comes back with the usual one.
  const prototypeOf = (value: object): unknown => Object.getPrototypeOf(value) ?? Object.prototype;
  if (prototypeOf(one) !== prototypeOf(other)) return false;
  if (one instanceof Date) return Object.is(one.getTime(), (other as Date).getTime());
  if (Buffer.isBuffer(one)) return one.equals(other as Buffer);
  const [left, right] = [Object.entries(one), Object.entries(other)];
  return left.length === right.length && left.every(([name, value], index) => name === right[index]?.[0] && same(value, right[index][1]));
};

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

  it('of a class, or with a function in it, is not plain', () => {
    for (const value of [new Map(), new URL('http://x'), () => 1, Symbol('x'), [{ deep: new Error('x') }], Object.create(null)]) {
      expect(() => copyOfPlain(value)).toThrow(NotPlain);
    }
    const odd: unknown = JSON.parse('{"__proto__": {"x": 1}}');
    expect(Object.getOwnPropertyNames(copyOfPlain(odd))).toEqual(['__proto__']);
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

describe('column definitions', () => {
  it('come back from their text as they were, frozen and shared, however many there are', () => {
    const text = fc.string({ unit: 'binary' });
    const definition = fc.record({ name: text, table: text, columnType: fc.nat(255), flags: fc.nat(65_535) });
    const rows = [{ id: 1 }];
    fc.assert(
      fc.property(fc.array(definition, { maxLength: 3 }), (definitions) => {
        const result = withPlainFields([rows, definitions]);
        expect(result).toEqual([rows, definitions]);
        const packed = valueOf(bytesOf(statementResult.pack(result)));
        const [, fields] = statementResult.unpack(packed) as [unknown, object[]];
        expect(fields).toEqual(definitions);
        expect([fields, ...fields].every((one) => Object.isFrozen(one))).toBe(true);
        expect((statementResult.unpack(packed) as [unknown, object[]])[1]).toBe(fields);
      }),
      // More than are remembered.
      { numRuns: 1_000 },
    );
  });

  it('that are none stay none', () => {
    for (const fields of [undefined, null]) {
      expect(statementResult.unpack(valueOf(bytesOf(statementResult.pack(withPlainFields([[], fields])))))).toEqual([[], fields]);
    }
  });
});

describe('the key of a statement', () => {
  it('is another one for parameters that differ in value or type', () => {
    fc.assert(
      fc.property(plain, plain, (one, other) => {
        expect(textOf(one) === textOf(other)).toBe(same(one, other));
      }),
      { numRuns: 1_000 },
    );
    const different = [
      1,
      '1',
      1n,
      true,
      'true',
      null,
      'null',
      new Date(1),
      0,
      -0,
      '',
      [],
      [[]],
      {},
      [1],
      ['1'],
      Buffer.from('1'),
      [1, 2],
      [12],
      { a: 1 },
      ['a', 1],
      [[1], 2],
      [1, [2]],
      ['a', 'b'],
      ['ab'],
      ['as1:b'],
    ];
    expect(new Set(different.map((value) => textOf(value))).size).toBe(different.length);
  });

  it('is refused to undefined, functions and objects of classes', () => {
    for (const value of [undefined, [undefined], { a: undefined }, () => 1, Symbol('x'), new Map()]) {
      expect(() => textOf(value)).toThrow(expect.objectContaining({ code: 'POOL_OPTION_INVALID' }));
    }
  });
});
