/** How values of a kind are copied, measured as empty, and written into Redis: any value, or the result of a statement. */
import { nodeV8 } from '../../packages/index.js';
import { copyOfPlain } from './plain-value.js';

/** What the cache must know of the values of one kind. */
export interface ValueKind {
  /** What a caller asked for, in errors. */
  readonly noun: 'value' | 'statement';
  /** Whether the value means that nothing was found. Such values have a time to live of their own. */
  isNegative(value: unknown): boolean;
  /**
   * A copy for one of several callers, who may change it.
   *
   * @throws NotPlain
   */
  copy(value: unknown): unknown;
  /** What is written into Redis for it, and back. */
  pack(value: unknown): unknown;
  unpack(packed: unknown): unknown;
}

/** A value of the application's own. */
export const anyValue: ValueKind = {
  noun: 'value',
  isNegative: (value) => value == null,
  copy: copyOfPlain,
  pack: (value) => value,
  unpack: (value) => value,
};

/**
 * Rows and column definitions, as mysql2 has them. The definitions are frozen, and all callers share them. They are most of a small result, so in
 * Redis they are one text, which is read again only if the process has not seen it.
 */
export const statementResult: ValueKind = {
  noun: 'statement',
  isNegative: (value) => Array.isArray(value) && Array.isArray(value[0]) && value[0].length === 0,
  copy: (value) => {
    const [rows, fields] = value as readonly [unknown, unknown];
    return [copyOfPlain(rows), fields];
  },
  pack: (value) => {
    const [rows, fields] = value as readonly [unknown, unknown];
    return [rows, typeof fields === 'object' && fields !== null ? textOfFields(fields) : fields];
  },
  unpack: (packed) => {
    const [rows, fields] = packed as readonly [unknown, unknown];
    return [rows, typeof fields === 'string' ? fieldsOf(fields) : fields];
  },
};

/** The properties of mysql2's column definitions. */
const FIELD_PROPERTIES = [
  'catalog',
  'schema',
  'db',
  'table',
  'orgTable',
  'name',
  'orgName',
  'characterSet',
  'encoding',
  'columnLength',
  'columnType',
  'type',
  'flags',
  'decimals',
  'extendedTypeName',
  'extendedFormat',
] as const;

/** Column definitions that this process has seen, by their texts, and back. */
const known = new Map<string, object>();
const texts = new WeakMap<object, string>();

const MOST_KNOWN = 500;
/** In characters; a definition is about 200. */
const LONGEST_KNOWN = 40_000;

/** A result as mysql2 has it, with its column definitions as plain, frozen values: their class would be lost in Redis. */
export function withPlainFields([rows, fields]: readonly [unknown, unknown]): [unknown, unknown] {
  if (!Array.isArray(fields)) return [rows, fields];
  const plain = fields.map(plainField);
  return [rows, fieldsOf(textOfFields(plain), plain)];
}

/** @param fields the definitions that the text stands for, where the caller has them */
function fieldsOf(text: string, fields?: object): object {
  let found = known.get(text);
  if (found !== undefined) return found;
  found = fields ?? (nodeV8().deserialize(Buffer.from(text, 'latin1')) as object);
  if (Array.isArray(found)) for (const field of found) Object.freeze(field);
  Object.freeze(found);
  texts.set(found, text);
  if (text.length > LONGEST_KNOWN) return found;
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(text, found);
  return found;
}

function textOfFields(fields: object): string {
  return texts.get(fields) ?? nodeV8().serialize(fields).toString('latin1');
}

function plainField(field: unknown): unknown {
  if (typeof field !== 'object' || field === null) return field;
  const plain: Record<string, unknown> = {};
  for (const name of FIELD_PROPERTIES) {
    const value = (field as Record<string, unknown>)[name];
    if (value !== undefined) plain[name] = value;
  }
  return plain;
}
