import { describe, expect, it } from 'vitest';
import { copyOfPlain, NotPlain } from '../../../src/cache/values/plain-value.js';

describe('a value', () => {
  it('of a class, or with a function in it, is not plain', () => {
    for (const value of [new Map(), new URL('http://x'), () => 1, Symbol('x'), [{ deep: new Error('x') }], Object.create(null)]) {
      expect(() => copyOfPlain(value)).toThrow(NotPlain);
    }
    const odd: unknown = JSON.parse('{"__proto__": {"x": 1}}');
    expect(Object.getOwnPropertyNames(copyOfPlain(odd))).toEqual(['__proto__']);
  });

  it('is copied to the last member, so that a caller who changes it changes nothing else', () => {
    const original = { list: [{ deep: new Date(5) }], bytes: Buffer.from('ab'), floats: Float32Array.of(1.5), none: undefined };
    const copy = copyOfPlain(original) as typeof original;
    expect(copy).toStrictEqual(original);
    copy.list[0]?.deep.setTime(9);
    copy.bytes[0] = 0;
    copy.floats[0] = 0;
    copy.list.push({ deep: new Date(0) });
    expect(original).toStrictEqual({
      list: [{ deep: new Date(5) }],
      bytes: Buffer.from('ab'),
      floats: Float32Array.of(1.5),
      none: undefined,
    });
  });

  it('that is refused is named by its class', () => {
    expect(() => copyOfPlain({ where: new URL('http://x') })).toThrow(
      'A value with a URL in it cannot be cached: it would lose its class.',
    );
    expect(() => copyOfPlain([Symbol('x')])).toThrow('a symbol');
    expect(() => copyOfPlain(Object.create(null))).toThrow('an object without a prototype');
  });
});
