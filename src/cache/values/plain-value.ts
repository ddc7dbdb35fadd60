/** Copies of values that the cache can hold exactly, and the refusal of all others. */

/** Thrown for a value that the cache cannot hold: an object would come out of Redis without its class. */
export class NotPlain extends Error {
  constructor(what: string) {
    super(`A value with ${what} in it cannot be cached: it would lose its class.`);
  }
}

/**
 * A copy that shares nothing with the original, so that a caller may change it. The cache can hold null, undefined, booleans, numbers, bigints,
 * strings, Date, Buffer and other bytes, arrays, and plain objects of these.
 *
 * @throws NotPlain
 */
export function copyOfPlain(value: unknown): unknown {
  switch (typeof value) {
    case 'object':
      return value === null ? null : copyOfObject(value);
    case 'function':
    case 'symbol':
      throw new NotPlain(`a ${typeof value}`);
    default:
      return value;
  }
}

function copyOfObject(value: object): unknown {
  if (Array.isArray(value)) return value.map(copyOfPlain);
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype) return copyOfRecord(value as Record<string, unknown>);
  if (prototype === Date.prototype) return new Date((value as Date).getTime());
  if (prototype === Buffer.prototype) return Buffer.from(value as Buffer);
  if (prototype === Uint8Array.prototype) return Uint8Array.from(value as Uint8Array);
  if (prototype === Float32Array.prototype) return Float32Array.from(value as Float32Array);
  throw new NotPlain(
    prototype === null ? 'an object without a prototype' : `a ${(prototype.constructor as { name?: string }).name ?? 'class'}`,
  );
}

/** V8 copies a plain object as a whole far faster than member by member, and most members of a row need no copy. */
function copyOfRecord(record: Record<string, unknown>): Record<string, unknown> {
  const copy = { ...record };
  for (const name in copy) {
    const value = copy[name];
    if (isCopied(value)) replace(copy, name, copyOfPlain(value));
  }
  return copy;
}

/** Whether a copy is another value than its original, or cannot be made. */
function isCopied(value: unknown): boolean {
  const type = typeof value;
  return type === 'object' ? value !== null : type === 'function' || type === 'symbol';
}

function replace(record: Record<string, unknown>, name: string, value: unknown): void {
  // JSON may have a member of this name. Assigning it would set the prototype.
  if (name === '__proto__') Object.defineProperty(record, name, { value, configurable: true, enumerable: true, writable: true });
  else record[name] = value;
}
