import { endpointOf } from '../../../src/mysql/options/endpoint.js';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createQueryCache } from '../../../src/cache/index.js';
import { Schema } from '../../../src/sql/reach/schema.js';
import { CachedStatements } from '../../../src/mysql/caching/cached-statements.js';
import type { QueryValues } from '../../../src/mysql/driver/driver.js';
import { ownFlavor } from '../../../src/mysql/errors/flavor.js';
import { statementOf } from '../../../src/mysql/contract/statement.js';
import type { Credentials } from '../../../src/mysql/options/table.js';
import type { StatementOptions } from '../../../src/mysql/contract/statement-options.js';

/** A statement, as its caller gives it; and what of it can change its result. */
interface Asked {
  readonly method: 'query' | 'execute';
  readonly statement: StatementOptions;
  readonly values: unknown;
  readonly matters: unknown;
}

/** The characters that keys are made of, so that parts of them could be taken for others. */
const tricky = fc.string({ unit: fc.constantFrom('s', '0', '1', ':', 'o', '[', ']', '{', '}', 'u', 'n', 'T', ';'), maxLength: 6 });
const text = fc.oneof(tricky, fc.string({ unit: 'binary', maxLength: 3 }));

const { value: anyParameter } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.constantFrom(null, true, false, 0, -0, 1, 10, 1n, 10n, Number.NaN, '', '1', 'null'),
    fc.double(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 2, noNullPrototype: true }),
  ),
}));

const values = fc.option(
  fc.oneof(
    fc.array(anyParameter, { maxLength: 3 }),
    fc.dictionary(text, anyParameter, { maxKeys: 2, noNullPrototype: true }),
    anyParameter,
  ),
  { nil: undefined },
);

/** What mysql2 makes keys of, too, is a text or true or false: anything else is refused. */
const plain = fc.option(fc.oneof(text, fc.boolean()), { nil: undefined });
const options = fc
  .tuple(
    fc.dictionary(fc.constantFrom('rowsAsArray', 'nestTables'), plain, { maxKeys: 2, noNullPrototype: true }),
    fc.dictionary(fc.constantFrom('dateStrings', 'o', 's1:a'), fc.option(anyParameter, { nil: undefined }), {
      maxKeys: 2,
      noNullPrototype: true,
    }),
  )
  .map(([written, others]) => ({ ...written, ...others }));

const asked: fc.Arbitrary<Asked> = fc
  .record({
    method: fc.constantFrom('query' as const, 'execute' as const),
    sql: fc.constantFrom('SELECT 1', 'SELECT 10', 'SELECT ?', 'SELECT :a'),
    options,
    own: values,
    given: values,
    rest: fc.record({ timeout: fc.constantFrom(0, 1_000), priority: fc.constant('low' as const) }, { requiredKeys: [] }),
  })
  .map(({ method, sql, options: some, own, given, rest }) => ({
    method,
    statement: { ...rest, ...some, sql, cache: true, ...(own === undefined ? {} : { values: own as QueryValues }) },
    values: given,
    matters: [
      method,
      sql,
      Object.fromEntries(Object.entries(some).filter(([, one]) => one !== undefined)),
      // As mysql2 chooses between the two: see `valuesOf` of statement.ts.
      method === 'execute' ? own || given : given === undefined ? own : given,
    ],
  }));

/** The keys that the statements of a pool are looked up by. */
function keysOf(connection: object = {}, epoch = 'e', credentials?: () => Credentials): (asked: Asked) => string {
  const cache = createQueryCache({});
  let key = '';
  cache.hit = (one) => {
    key = one;
    return [[], []];
  };
  const schema = new Schema({ tables: [], views: [], triggers: [], cascades: [], routines: [], epoch });
  const statements = new CachedStatements(cache, { at: () => schema } as never, () => Promise.reject(new Error('bug: it is there')), {
    connection,
    onConnect: undefined,
    credentials,
    flavor: ownFlavor,
    endpoint: endpointOf({}),
  });
  return ({ method, statement, values: given }) => {
    key = '';
    void statements.answer(statementOf(method, statement, given as QueryValues, undefined))?.catch(() => undefined);
    return key;
  };
}

describe('the key of a result', () => {
  const keyOf = keysOf();

  it('is the same for the same statement, however it is given, and never for two that differ', () => {
    const seen = new Map<string, unknown>();
    fc.assert(
      fc.property(asked, (one) => {
        const key = keyOf(one);
        expect(key).not.toBe('');
        expect(keyOf({ ...one, statement: structuredClone(one.statement), values: structuredClone(one.values) })).toBe(key);
        if (seen.has(key)) expect(isDeepStrictEqual(seen.get(key), one.matters)).toBe(true);
        seen.set(key, one.matters);
      }),
      { numRuns: 5_000 },
    );
  });

  it('cannot be had by a parameter that holds a part of it', () => {
    const short = fc.oneof(tricky, fc.constantFrom(null, 1, true), fc.constant({ a: 1 }), fc.constant(['']));
    const ask = (given: unknown): string =>
      keyOf({ method: 'query', statement: { sql: 'SELECT ?', cache: true }, values: given, matters: undefined });
    const base = ask([]).slice(0, -1).length;
    fc.assert(
      fc.property(fc.array(short, { minLength: 1, maxLength: 2 }), (parameters) => {
        const key = ask(parameters);
        for (let start = base; start < key.length; start += 1) {
          for (let end = start + 1; end <= key.length; end += 1) {
            const forged = [key.slice(start, end)];
            expect(isDeepStrictEqual(forged, parameters) || ask(forged) !== key).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is another one for another user, database, option of the pool, or schema', () => {
    const one: Asked = { method: 'query', statement: { sql: 'SELECT 1', cache: true }, values: undefined, matters: undefined };
    const pools = [{}, { user: 'a' }, { user: 'b' }, { database: 'a' }, { host: 'a' }, { host: 'a', port: 1 }, { rowsAsArray: true }];
    const givers = [() => ({ user: 'a' }), () => ({ user: 'b' })];
    const keys = [
      ...pools.map((connection) => keysOf(connection)(one)),
      ...givers.map((credentials) => keysOf({}, 'e', credentials)(one)),
      keysOf({}, 'f')(one),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('is that of undefined with a hole among the parameters, as the driver reads it', () => {
    // oxlint-disable-next-line no-sparse-arrays
    for (const holes of [[, 1], [1, , 2], [[, 1]]]) {
      const one: Asked = { method: 'query', statement: { sql: 'SELECT ?', cache: true }, values: holes, matters: undefined };
      const filled = holes.map((value) => (Array.isArray(value) ? Array.from(value as unknown[]) : value));
      expect(keyOf(one)).toBe(keyOf({ ...one, values: Array.from(filled) }));
    }
  });
});
