import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, valueOf } from '../../../src/cache/redis/codec.js';
import { anyValue, statementResult, withPlainFields } from '../../../src/cache/values/value-kind.js';

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

  it('that are undefined or null stay so', () => {
    for (const fields of [undefined, null]) {
      expect(statementResult.unpack(valueOf(bytesOf(statementResult.pack(withPlainFields([[], fields])))))).toEqual([[], fields]);
    }
  });
});

describe('a result without rows, and a value that is undefined or null', () => {
  it('is negative: it has a time to live of its own', () => {
    const results: [unknown, boolean][] = [
      [[[], []], true],
      [[[{ id: 1 }], []], false],
      [[{ affectedRows: 0 }, undefined], false],
    ];
    for (const [result, negative] of results) expect(statementResult.isNegative(result)).toBe(negative);
    for (const value of [null, undefined]) expect(anyValue.isNegative(value)).toBe(true);
    for (const value of [0, '', false, []]) expect(anyValue.isNegative(value)).toBe(false);
  });
});

describe('the rows of a result', () => {
  it("are a copy of each caller's own, and all callers share the column definitions", () => {
    const result = withPlainFields([[{ id: 1 }], [{ name: 'id', secret: 'not a property of a column' }]]);
    const [rows, fields] = statementResult.copy(result) as [object[], object[]];
    expect(rows).toEqual(result[0]);
    expect(rows[0]).not.toBe((result[0] as object[])[0]);
    expect(fields).toBe(result[1]);
    expect(fields).toEqual([{ name: 'id' }]);
  });
});
