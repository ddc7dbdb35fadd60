/** The parameters of a statement as a text for a key, and the hash of a key that leaves the process. */
import { nodeCrypto } from '../../packages/index.js';
import { invalidUnquoted } from '../../engine/index.js';

/**
 * The parameters of a statement as one text that no other parameters have: each value with its type and, where it matters, its length.
 *
 * @param allowed whether functions may be part of it, by their text
 * @throws PoolError `POOL_OPTION_INVALID` for what has no value of its own, such as functions and objects of classes
 */
export function textOf(value: unknown, functions: 'refused' | 'by text' = 'refused'): string {
  switch (typeof value) {
    case 'string':
      return `s${value.length}:${value}`;
    case 'number':
      return `n${Object.is(value, -0) ? '-0' : value};`;
    case 'bigint':
      return `i${value};`;
    case 'boolean':
      return value ? 'T' : 'F';
    case 'object':
      return value === null ? '0' : textOfObject(value, functions);
    case 'undefined':
      // The driver decides what becomes of it: NULL in a query, an error in a prepared statement.
      return 'U';
    case 'function':
      if (functions === 'by text') return `f${textOf(String(value))}`;
      break;
    default:
  }
  throw invalidUnquoted(
    'A parameter of a cached statement',
    value,
    'text, a number, a bigint, a boolean, a Date, bytes, null, undefined, or a list or plain object of these',
  );
}

function textOfObject(value: object, functions: 'refused' | 'by text'): string {
  if (Array.isArray(value)) return `${textOfList(value, functions)}]`;
  if (value instanceof Date) return `d${value.getTime()};`;
  if (value instanceof Uint8Array)
    return `b${value.byteLength}:${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')}`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw invalidUnquoted('A parameter of a cached statement', value, 'no object of a class of its own');
  // Their order counts: `SET ?` writes them in it.
  const members = Object.entries(value).map(([name, member]) =>
    name === 'toSqlString' && typeof member === 'function'
      ? `q${textOf(String(Reflect.apply(member as () => unknown, value, [])))}`
      : textOf(name) + textOf(member, functions),
  );
  return `{${members.join('')}}`;
}

function textOfList(list: readonly unknown[], functions: 'refused' | 'by text'): string {
  let text = '[';
  // By number, as the driver reads them: a hole is undefined.
  for (let index = 0; index < list.length; index += 1) text += textOf(list[index], functions);
  return text;
}

/** The name of a key outside of the process. Nothing of the statement or its parameters can be read from it. */
export function hashOf(key: string): string {
  // Not as UTF-8: all lone surrogates would be the same character.
  return nodeCrypto().hash('sha256', Buffer.from(key, 'utf16le'), 'base64url');
}
