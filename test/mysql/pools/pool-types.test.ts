import type * as callbackMysql from 'mysql2';
import type * as mysql from 'mysql2/promise';
import { describe, expectTypeOf, it } from 'vitest';
import { createPool, getPool, type Pool, type PoolConnection, type PoolOptions } from '../../../src/index.js';

/** Code as users of mysql2 have it; it is checked by the compiler, and never run. */
interface UsersOfMysql2 {
  takesPool(pool: mysql.Pool): void;
  takesConnection(connection: mysql.PoolConnection): void;
  takesEither(queryable: mysql.Pool | mysql.PoolConnection): void;
  takesCallbackPool(pool: callbackMysql.Pool): void;
}

/** Checked by the compiler, and never run. */
async function typed(pool: Pool): Promise<void> {
  const [rows, fields] = await pool.query<mysql.RowDataPacket[]>('SELECT 1');
  expectTypeOf(rows).toEqualTypeOf<mysql.RowDataPacket[]>();
  expectTypeOf(fields).toEqualTypeOf<mysql.FieldPacket[]>();
  const [header] = await pool.execute<mysql.ResultSetHeader>({ sql: 'DELETE FROM t', timeout: 5 }, [1]);
  expectTypeOf(header).toEqualTypeOf<mysql.ResultSetHeader>();
  pool.pool.query<mysql.RowDataPacket[]>({ sql: 'SELECT 1', cache: { ttl: 5_000 } }, (_, found) => {
    expectTypeOf(found).toEqualTypeOf<mysql.RowDataPacket[]>();
  });
  await pool.pool.promise().execute({ sql: 'SELECT 1', cache: true });
  const connection = await pool.getConnection();
  // @ts-expect-error what is asked on a borrowed connection is not cached
  await connection.query({ sql: 'SELECT 1', cache: true });
  expectTypeOf(connection).toExtend<AsyncDisposable>();
  expectTypeOf(await connection.query<mysql.RowDataPacket[]>('SELECT 1')).toEqualTypeOf<[mysql.RowDataPacket[], mysql.FieldPacket[]]>();
}

describe('the types', () => {
  it('of the pool and its connections are assignable to those of mysql2/promise', () => {
    expectTypeOf<Pool>().toExtend<mysql.Pool>();
    expectTypeOf<PoolConnection>().toExtend<mysql.PoolConnection>();
    expectTypeOf<Pool['pool']>().toExtend<callbackMysql.Pool>();
    expectTypeOf<Parameters<UsersOfMysql2['takesPool']>[0]>().not.toBeAny();
    expectTypeOf<UsersOfMysql2['takesPool']>().toBeCallableWith({} as Pool);
    expectTypeOf<UsersOfMysql2['takesConnection']>().toBeCallableWith({} as PoolConnection);
    expectTypeOf<UsersOfMysql2['takesEither']>().toBeCallableWith({} as PoolConnection | Pool);
    expectTypeOf<UsersOfMysql2['takesCallbackPool']>().toBeCallableWith({} as Pool['pool']);
  });

  it('of results are those of mysql2', () => {
    expectTypeOf(typed).returns.resolves.toBeVoid();
  });

  it('of options take everything that mysql2 takes', () => {
    expectTypeOf<Omit<mysql.PoolOptions, 'pool' | 'ssl'>>().toExtend<PoolOptions>();
    expectTypeOf(createPool).toBeCallableWith();
    expectTypeOf(createPool).toBeCallableWith('mysql://localhost', { connectionLimit: 5, multipleStatements: true });
    expectTypeOf(createPool).toBeCallableWith({ host: 'localhost', ssl: { ca: 'x' }, hygiene: 'auto' });
    // @ts-expect-error an unknown option
    expectTypeOf(createPool).toBeCallableWith({ conectionLimit: 5 });
    expectTypeOf(getPool).returns.toEqualTypeOf<Pool>();
  });

  it('of pools and connections let them be declared with "await using"', () => {
    expectTypeOf<Pool>().toExtend<AsyncDisposable>();
    expectTypeOf<PoolConnection>().toExtend<AsyncDisposable>();
  });
});
