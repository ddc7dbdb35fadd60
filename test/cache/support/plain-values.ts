import fc from 'fast-check';

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
/** Any value that the cache holds exactly. */
export const { value: plain } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
  ),
}));

/** The same value, in the same type, to the last bit. */
export const same = (one: unknown, other: unknown): boolean => {
  if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) return Object.is(one, other);
  // What has no prototype comes back with the usual one.
  const prototypeOf = (value: object): unknown => Object.getPrototypeOf(value) ?? Object.prototype;
  if (prototypeOf(one) !== prototypeOf(other)) return false;
  if (one instanceof Date) return Object.is(one.getTime(), (other as Date).getTime());
  if (Buffer.isBuffer(one)) return one.equals(other as Buffer);
  const [left, right] = [Object.entries(one), Object.entries(other)];
  return left.length === right.length && left.every(([name, value], index) => name === right[index]?.[0] && same(value, right[index][1]));
};
