import fc from 'fast-check';
import type { RowDataPacket } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import { startRedis } from '../../support/servers/redis-server.js';
import { waitFor } from '../../support/wait-for.js';
import { openCachedPool } from '../support/cached-pool.js';

const COLUMNS = `id INT PRIMARY KEY AUTO_INCREMENT, tiny TINYINT(1), big BIGINT UNSIGNED, exact DECIMAL(30, 10), approximate DOUBLE, single FLOAT,
  day DATE, moment DATETIME(6), stamp TIMESTAMP(3) NULL, duration TIME(3), year YEAR, text TEXT, bytes BLOB, fixed BINARY(4), bits BIT(12), json JSON,
  choice ENUM('a', 'b'), several SET('x', 'y'), place POINT`;

const row = fc.record({
  tiny: fc.option(fc.integer({ min: -128, max: 127 })),
  big: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  exact: fc.option(fc.integer().map((number) => `${number}.0000000001`)),
  approximate: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 })),
  single: fc.option(fc.integer({ min: -1000, max: 1000 }).map((number) => number / 8)),
  day: fc.option(fc.constantFrom('1000-01-01', '2024-02-29', '9999-12-31')),
  moment: fc.option(fc.constantFrom('2024-02-29 23:59:59.999999', '1000-01-01 00:00:00.000001')),
  stamp: fc.option(fc.constantFrom('1999-12-31 23:59:59.123')),
  duration: fc.option(fc.constantFrom('-838:59:59.000', '00:00:00.001')),
  year: fc.option(fc.constantFrom(1901, 2155)),
  text: fc.option(fc.string({ unit: 'grapheme' })),
  bytes: fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
  fixed: fc.option(fc.constant(Buffer.from([0, 255, 0, 1]))),
  bits: fc.option(fc.integer({ min: 0, max: 4095 })),
  json: fc.option(fc.json({ depthSize: 'small' })),
  choice: fc.option(fc.constantFrom('a', 'b')),
  several: fc.option(fc.constantFrom('', 'x', 'x,y')),
});

describe.each<[string, PoolOptions]>([
  ['as mysql2 gives them by default', {}],
  [
    'with big numbers, dates and decimals as asked for',
    { supportBigNumbers: true, bigNumberStrings: true, dateStrings: true, decimalNumbers: true },
  ],
  ['in another time zone, as arrays', { timezone: '+05:30', rowsAsArray: true }],
  ['by table', { nestTables: true }],
])('rows and fields come out of both tiers as the database gave them, %s', (_, poolOptions) => {
  it('with any content', async () => {
    await using redis = await startRedis();
    await using fixture = await openCachedPool({ redis: redis.url }, poolOptions);
    const { pool, cache, database } = fixture;
    await database.admin(`CREATE TABLE kinds (${COLUMNS})`);
    await cache.invalidate({ all: true });
    const other = await fixture.other();
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 5 }), fc.constantFrom('query' as const, 'execute' as const), async (rows, method) => {
        await pool.query('DELETE FROM kinds');
        for (const one of rows) await pool.query('INSERT INTO kinds SET ?, place = POINT(1.5, -2)', [one]);
        const sql = 'SELECT *, id + 0.5 AS computed, big * 1 AS bigger FROM kinds WHERE id >= ? ORDER BY id';
        const plain = await pool[method]<RowDataPacket[]>({ sql, values: [0] });
        const statement = { sql, values: [0], cache: { ttl: 60_000 } };
        const { redis: stored } = cache.stats().stores;
        const results: (typeof plain)[] = [];
        await waitFor('a store', async () => {
          // While Redis has not answered for the bound, nothing is stored, and a busy machine may be as slow: then it is loaded again.
          await cache.invalidate({ all: true });
          results.push(await pool[method]<RowDataPacket[]>(statement), await pool[method]<RowDataPacket[]>(statement));
          return waitFor('it', () => cache.stats().stores.redis > stored, Boolean, { timeoutMs: 2_000 });
        });
        const { redis: found } = other.cache.stats().hits;
        await waitFor(
          'the other process to find it',
          async () => {
            results.push(await other.pool[method]<RowDataPacket[]>(statement), await other.pool[method]<RowDataPacket[]>(statement));
            return other.cache.stats().hits.redis;
          },
          (count) => count > found,
        );
        for (const [cachedRows, cachedFields] of results) {
          expect(cachedRows).toStrictEqual(plain[0]);
          expect(cachedFields).toHaveLength(plain[1].length);
          for (const [index, field] of cachedFields.entries()) {
            const original = plain[1][index] as unknown as Record<string, unknown>;
            expect(Object.fromEntries(Object.keys(field).map((name) => [name, original[name]]))).toEqual(field);
            expect(field).toMatchObject({ name: original['name'], type: original['type'], table: original['table'] });
          }
        }
      }),
      { numRuns: 8 },
    );
  });
});
