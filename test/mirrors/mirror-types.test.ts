import type * as theirs from 'mysql2';
import type theirsAsDefault from 'mysql2';
import type * as theirPromise from 'mysql2/promise';
import { describe, expectTypeOf, it } from 'vitest';
import type * as ours from '../../src/mirror/mysql2.js';
import type oursAsDefault from '../../src/mirror/mysql2.js';
import type * as ourPromise from '../../src/mirror/promise.js';
import type ourPromiseAsDefault from '../../src/mirror/promise.js';

/** Checked by the compiler, and never run. */
async function cachedInline(mysql: typeof ours, promise: typeof ourPromise): Promise<void> {
  const statement = { sql: 'SELECT 1', cache: { ttl: 5_000, tags: ['users'] } };
  const pool = promise.createPool({ host: 'db' });
  const [rows, fields] = await pool.query<theirs.RowDataPacket[]>({ sql: 'SELECT 1', cache: { ttl: 5_000, tags: ['users'] } });
  expectTypeOf(rows).toEqualTypeOf<theirs.RowDataPacket[]>();
  expectTypeOf(fields).toEqualTypeOf<theirs.FieldPacket[]>();
  promise.createPool({ host: 'db', connectionLimit: { min: 5, max: 50 } });
  mysql.createPool({ host: 'db', connectionLimit: { min: 5, max: 50 } });
  // @ts-expect-error a range has both ends
  mysql.createPool({ host: 'db', connectionLimit: { min: 5 } });
  await pool.execute({ sql: 'SELECT ?', values: [1], cache: true }, [1]);
  const byCallback = mysql.createPool('mysql://db');
  byCallback.query({ sql: 'SELECT 1', cache: true }, (error, found) => expectTypeOf({ error, found }).not.toBeAny());
  byCallback.query<theirs.RowDataPacket[]>({ sql: 'SELECT ?', cache: true }, [1], (_, found) => {
    expectTypeOf(found).toEqualTypeOf<theirs.RowDataPacket[]>();
  });
  byCallback.execute({ sql: 'SELECT 1', cache: false, signal: new AbortController().signal });
  await byCallback.promise().query({ sql: 'SELECT 1', cache: { ttl: 5_000 } });
  pool.pool.query({ sql: 'SELECT 1', cache: { ttl: 5_000 } });
  // @ts-expect-error no such option
  await pool.query({ sql: 'SELECT 1', cash: true });
  // @ts-expect-error no such policy
  await pool.query({ sql: 'SELECT 1', cache: { timeToLive: 5 } });
  const connection = await pool.getConnection();
  // @ts-expect-error what is asked on a borrowed connection is not cached
  await connection.query({ sql: 'SELECT 1', cache: true });
  byCallback.getConnection((_, lent) => {
    // @ts-expect-error neither by callback
    lent.query({ sql: 'SELECT 1', cache: true });
  });
  const declared: theirPromise.Pool = pool;
  // Code that names mysql2's type has a variable of it, whose type is not held against mysql2's options.
  await declared.query(statement);
}

type Names<T> = Exclude<keyof T, 'default' | 'module.exports'>;

type MakesPools = 'createPool' | 'createPoolPromise';

describe('the types of the mirrors', () => {
  it('know every name of mysql2', () => {
    expectTypeOf<Exclude<Names<typeof theirs>, keyof typeof ours>>().toEqualTypeOf<never>();
    expectTypeOf<Exclude<Names<typeof theirPromise>, keyof typeof ourPromise>>().toEqualTypeOf<never>();
  });

  it('are assignable to those of mysql2, and the other way round', () => {
    expectTypeOf<typeof ours>().toExtend<Pick<typeof theirs, Names<typeof theirs>>>();
    // What makes a pool takes more than mysql2's does: a range of connectionLimit.
    expectTypeOf<typeof theirs>().toExtend<Pick<typeof ours, Exclude<Names<typeof theirs>, MakesPools>>>();
    expectTypeOf<typeof ourPromise>().toExtend<Pick<typeof theirPromise, Names<typeof theirPromise>>>();
    expectTypeOf<typeof theirPromise>().toExtend<Pick<typeof ourPromise, Exclude<Names<typeof theirPromise>, MakesPools>>>();
  });

  it('name the types of mysql2 in every way in which code does', () => {
    expectTypeOf<ours.Pool>().toEqualTypeOf<theirs.Pool>();
    expectTypeOf<oursAsDefault.PoolConnection>().toEqualTypeOf<theirsAsDefault.PoolConnection>();
    expectTypeOf<ourPromise.Pool>().toEqualTypeOf<theirPromise.Pool>();
    expectTypeOf<ourPromiseAsDefault.RowDataPacket>().toEqualTypeOf<theirPromise.RowDataPacket>();
  });

  it('know the options of Poolwright too', () => {
    expectTypeOf(cachedInline).returns.resolves.toBeVoid();
    expectTypeOf(null as unknown as typeof ours.createPool).toBeCallableWith({ host: 'db', acquireTimeout: 500, hygiene: 'auto' });
    expectTypeOf(null as unknown as typeof ourPromise.createPool).toBeCallableWith({ uri: 'mysql://db', maxLifetime: 60_000 });
  });
});
