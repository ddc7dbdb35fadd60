import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashOf, textOf } from '../../../src/cache/values/key.js';
import { plain, same } from '../support/plain-values.js';

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
      [undefined],
      undefined,
      ['U'],
      { a: undefined },
    ];
    expect(new Set(different.map((value) => textOf(value))).size).toBe(different.length);
  });

  it('is refused to functions, symbols and objects of classes', () => {
    for (const value of [() => 1, [() => 1], Symbol('x'), { a: Symbol('x') }, new Map()]) {
      expect(() => textOf(value)).toThrow(expect.objectContaining({ code: 'POOL_OPTION_INVALID' }));
    }
  });

  it('has a hash of its own outside of the process, with any characters in it', () => {
    const hashes = ['w\uD800', 'w\uD801', 'w\uDC00', 'w\uFFFD', 'w'].map(hashOf);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('takes functions by their text where it is asked to, and raw SQL by what it says', () => {
    const one = (row: number): number => row + 1;
    const other = (row: number): number => row + 2;
    expect(textOf([one], 'by text')).not.toBe(textOf([other], 'by text'));
    expect(textOf({ toSqlString: () => 'NOW()' })).toBe(textOf({ toSqlString: () => 'NOW()' }));
    expect(textOf({ toSqlString: () => 'NOW()' })).not.toBe(textOf({ toSqlString: () => 'CURDATE()' }));
  });
});
