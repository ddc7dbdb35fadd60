/** Values that no caller should give as parameters, options or statements, and that some do. */

import { Readable } from 'node:stream';
import type { Dice } from '../simulation/dice.js';

/** What hostile code throws; not always an error. */
const THROWN: readonly unknown[] = [new Error('hostile'), undefined, null, 0, '', 'text', Symbol('thrown'), { not: 'an error' }];

function throwing(dice: Dice): () => never {
  const thrown = dice.of(THROWN);
  return () => {
    throw thrown;
  };
}

function cyclic(): object {
  const value: Record<string, unknown> = { a: 1 };
  value['self'] = value;
  return value;
}

/** The names that mysql2 or the pool may ask an object for. */
const ASKED = [
  'toString',
  'toSqlString',
  'toJSON',
  'valueOf',
  'then',
  'sql',
  'values',
  'length',
  'constructor',
  'signal',
  'timeout',
  'cache',
];

type Maker = (dice: Dice) => unknown;

const MAKERS: readonly Maker[] = [
  () => undefined,
  () => null,
  () => Number.NaN,
  () => Number.NEGATIVE_INFINITY,
  () => -0,
  () => 10n ** 30n,
  () => '\0\uD800',
  () => 'x'.repeat(70_000),
  () => Symbol('value'),
  () => () => 1,
  () => Date,
  () => new Date(Number.NaN),
  () => new Date(8.64e15),
  () => [],
  () => [[]],
  () => [[undefined]],
  () => Array.from({ length: 10_000 }, (_, index) => index),
  () => [{ id: 10n }],
  () => cyclic(),
  () => Object.create(null),
  () => Object.freeze({ a: 1 }),
  () => new Map([[1, 2]]),
  () => new Set([1]),
  () => new WeakMap(),
  () => new Uint8Array(3),
  () => new Float64Array(2),
  () => new ArrayBuffer(4),
  () => Buffer.from([0, 255]),
  () => new String('text'),
  () => new Number(1),
  () => /re/g,
  () => Promise.resolve(1),
  () => new Error('a value'),
  () => new Proxy({}, {}),
  (dice) => new Proxy([], { get: throwing(dice) }),
  (dice) => new Proxy({}, { get: throwing(dice), has: throwing(dice), ownKeys: throwing(dice), getPrototypeOf: throwing(dice) }),
  (dice) => ({ [dice.of(ASKED)]: throwing(dice) }),
  (dice) => Object.defineProperty({}, dice.of(ASKED), { enumerable: true, get: throwing(dice) }),
  (dice) => ({ [dice.of(ASKED)]: hostileScalar(dice) }),
  () => ({ toSqlString: () => 'NOW()' }),
  () => ({ toJSON: () => undefined }),
  // oxlint-disable-next-line unicorn/no-thenable -- A value that a promise would wait for is one of the hostile ones.
  () => ({ then: (resolve: (value: unknown) => void) => resolve(1) }),
];

function hostileScalar(dice: Dice): unknown {
  return dice.of<unknown>([undefined, null, 0, -1, Number.NaN, '', 'text', true, Symbol('s'), 1n]);
}

/** One value of any kind. */
export function hostileValue(dice: Dice): unknown {
  return dice.chance(25) ? dice.of<unknown>([1, 'text', null, true, 7.5]) : dice.of(MAKERS)(dice);
}

/** What is given as the values of a statement: mostly a list. */
export function hostileValues(dice: Dice): unknown {
  const kind = dice.weighted({ none: 20, list: 60, any: 20 });
  if (kind === 'none') return undefined;
  return kind === 'list' ? Array.from({ length: dice.below(4) }, () => hostileValue(dice)) : withoutFunctions(hostileValue(dice));
}

/** A function in the place of values is the callback. */
function withoutFunctions(value: unknown): unknown {
  return typeof value === 'function' ? undefined : value;
}

const OPTIONS = [
  'values',
  'typeCast',
  'queryFormat',
  'timeout',
  'signal',
  'cache',
  'idempotent',
  'priority',
  'fairnessKey',
  'fallback',
  'nestTables',
  'rowsAsArray',
  'attributes',
  'timezone',
  'namedPlaceholders',
  'infileStreamFactory',
  'unknownOption',
  'then',
]; // prettier-ignore

/** A statement as an object, with options of any kind; now and then with no text at all. */
export function hostileStatement(dice: Dice, sql: string): unknown {
  const kind = dice.weighted({ text: 60, options: 30, noText: 10 });
  if (kind === 'text') return sql;
  if (kind === 'noText') return withoutFunctions(hostileValue(dice));
  const given: Record<string, unknown> = dice.chance(20) ? (Object.create(null) as Record<string, unknown>) : {};
  given['sql'] = dice.chance(90) ? sql : hostileValue(dice);
  if (dice.chance(50)) given['infileStreamFactory'] = () => hostileStream(dice);
  for (let count = dice.below(3); count > 0; count -= 1) given[dice.of(OPTIONS)] = hostileValue(dice);
  return dice.chance(10) ? Object.freeze(given) : given;
}

/** What a caller's function returns for the file of LOAD DATA LOCAL. */
function hostileStream(dice: Dice): unknown {
  const kind = dice.weighted({ good: 3, text: 2, failed: 2, destroyed: 2, ended: 1, throws: 2, rejects: 1, objects: 1, value: 2 });
  if (kind === 'throws') throwing(dice)();
  if (kind === 'rejects') return Promise.reject(dice.of(THROWN) as Error);
  if (kind === 'value') return hostileValue(dice);
  if (kind === 'objects') return Readable.from([{ a: 1 }, 5]);
  if (kind === 'text') return Readable.from(['a\n', '', 'b\n']);
  const stream = Readable.from([Buffer.from('a\nb\n')]);
  if (kind === 'failed') stream.destroy(new Error('the file is gone'));
  else if (kind === 'destroyed') stream.destroy();
  else if (kind === 'ended') stream.resume();
  return stream;
}
