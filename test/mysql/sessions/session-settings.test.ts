import { afterAll, describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { createPool as createDropIn } from '../../../src/mirror/promise.js';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import { poolOf, type Queryable, valueOf } from '../../support/pool-on-database.js';
import { createDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';

const database = await createDatabase();
afterAll(() => database[Symbol.asyncDispose]());

const BERLIN = { time_zone: '+02:00' };
const zoneOf = (queryable: Queryable): Promise<unknown> => valueOf(queryable, '@@SESSION.time_zone');

/** A pool of one connection whose sessions begin in a zone of their own, and how many statements it has sent. */
function onePool(options: PoolOptions = {}) {
  return poolOf(database, { connectionLimit: 1, onConnect: async (c) => void (await c.query("SET time_zone = '-03:00'")), ...options });
}

async function zoneWith(pool: ReturnType<typeof onePool>, session?: Record<string, string | number | boolean>): Promise<unknown> {
  const connection = await pool.getConnection(session === undefined ? undefined : { session });
  try {
    return await zoneOf(connection);
  } finally {
    connection.release();
  }
}

async function refusalOf(work: Promise<unknown>): Promise<PoolError> {
  const error = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(PoolError);
  return error as PoolError;
}

describe('settings that a borrower asks for', () => {
  it('are in force, stay for the next borrower who asks for them, and reach no other (I8)', async () => {
    await using pool = onePool();
    expect(await zoneWith(pool, BERLIN)).toBe('+02:00');
    const before = pool.stats().resets;
    expect(await zoneWith(pool, BERLIN)).toBe('+02:00');
    expect(await zoneWith(pool)).toBe('-03:00');
    expect(await valueOf(pool, '@@SESSION.time_zone')).toBe('-03:00');
    expect([pool.stats().resets, pool.stats().opened]).toEqual([before, 1]);
  });

  it('are found on the idle connection that has them', async () => {
    await using pool = onePool({ connectionLimit: 3 });
    const [tagged, plain] = [await pool.getConnection({ session: BERLIN }), await pool.getConnection()];
    const threads = [tagged.threadId, plain.threadId];
    tagged.release();
    plain.release();
    const again = await pool.getConnection({ session: { TIME_ZONE: '+02:00' } });
    const other = await pool.getConnection();
    expect([again.threadId, other.threadId]).toEqual(threads);
    again.release();
    other.release();
  });

  it('are changed from one set to another with one statement, each variable back to what it was', async () => {
    await using pool = onePool();
    await zoneWith(pool, { time_zone: '+02:00', max_join_size: 5_000 });
    const size = await (async () => {
      const connection = await pool.getConnection({ session: { time_zone: '+05:00', sql_mode: 'ANSI' } });
      const values = [await zoneOf(connection), await valueOf(connection, '@@sql_mode'), await valueOf(connection, '@@max_join_size')];
      connection.release();
      return values;
    })();
    expect(size).toEqual(['+05:00', expect.stringContaining('ANSI_QUOTES'), expect.not.stringMatching(/^5000$/)]);
    expect(String(size[2])).not.toBe('5000');
    expect(await zoneWith(pool)).toBe('-03:00');
    expect(String(await valueOf(pool, '@@sql_mode'))).not.toContain('ANSI_QUOTES');
    expect(pool.stats().opened).toBe(1);
  });

  it.each(['auto', 'transaction', 'never', 'always'] as const)(
    "do not outlive a borrower's own SET, with hygiene '%s'",
    async (hygiene) => {
      await using pool = onePool({ hygiene });
      const connection = await pool.getConnection({ session: BERLIN });
      await connection.query("SET time_zone = '+09:00'");
      connection.release();
      expect(await zoneWith(pool, BERLIN)).toBe('+02:00');
      const other = await pool.getConnection({ session: BERLIN });
      await other.query("SET time_zone = '+09:00'");
      other.release();
      expect(await zoneWith(pool)).toBe('-03:00');
    },
  );

  it('are gone after the borrower has reset the session, and come again', async () => {
    await using pool = onePool();
    const connection = await pool.getConnection({ session: BERLIN });
    await connection.query('SET @mine = 1');
    connection.release();
    expect(await zoneWith(pool)).toBe('-03:00');
    expect(await zoneWith(pool, BERLIN)).toBe('+02:00');
  });

  it('hold for a transaction, its retries, and single statements; a cached answer is none of theirs', async () => {
    await using pool = onePool();
    expect(await pool.transaction((tx) => zoneOf(tx as never), { session: BERLIN })).toBe('+02:00');
    const [rows] = await pool.query<never>({ sql: 'SELECT @@SESSION.time_zone AS zone', session: { time_zone: '+07:00' } });
    expect(rows).toEqual([{ zone: '+07:00' }]);
    const [executed] = await pool.execute<never>({ sql: 'SELECT @@SESSION.time_zone AS zone', session: BERLIN });
    expect(executed).toEqual([{ zone: '+02:00' }]);
    const called = await new Promise((resolve, reject) => {
      pool.pool.query<never>({ sql: 'SELECT @@SESSION.time_zone AS zone', session: BERLIN }, (error, result) =>
        error ? reject(error) : resolve(result),
      );
    });
    expect(called).toEqual([{ zone: '+02:00' }]);
    expect(await zoneWith(pool)).toBe('-03:00');
  });

  it('are set on a new connection after the old one was killed', async () => {
    await using pool = onePool();
    await using admin = onePool();
    const connection = await pool.getConnection({ session: BERLIN });
    const { threadId } = connection;
    connection.release();
    await admin.query(`KILL ${threadId}`);
    await waitFor('the pool to know of the kill', () => pool.stats().idle === 0);
    expect(await zoneWith(pool, BERLIN)).toBe('+02:00');
    expect(await zoneWith(pool)).toBe('-03:00');
  });

  it('that the server refuses fail that acquire alone: the connection is reset and serves others', async () => {
    await using pool = onePool();
    const refusals = await Promise.all(
      [1, 2, 3].map(() => refusalOf(pool.getConnection({ session: { max_join_size: 77, time_zone: 'Nowhere/Never' } }))),
    );
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ code: 'POOL_SESSION_REFUSED', cause: { errno: 1298 } });
      expect(refusal.message).toContain('time_zone');
    }
    expect(await zoneWith(pool)).toBe('-03:00');
    expect(String(await valueOf(pool, '@@max_join_size'))).not.toBe('77');
    expect(pool.stats().opened).toBe(1);
  });

  it('are looked for in the pool of the drop-in, too, with its lax hygiene', async () => {
    const pool = createDropIn({ ...database.connection, connectionLimit: 1 });
    const connection = await (pool.getConnection as (options: object) => ReturnType<typeof pool.getConnection>)({ session: BERLIN });
    expect(await zoneOf(connection as never)).toBe('+02:00');
    connection.release();
    expect(await zoneOf(pool as never)).not.toBe('+02:00');
    await pool.end();
  });

  it('take values with quotes, numbers and truth values as they are', async () => {
    await using pool = onePool();
    const connection = await pool
      .getConnection({ session: { foreign_key_checks: false, lock_wait_timeout: 7, init_connect: 1 } })
      .catch(() => undefined);
    expect(connection).toBeUndefined();
    const set = await pool.getConnection({ session: { foreign_key_checks: false, lock_wait_timeout: 7 } });
    expect([Number(await valueOf(set, '@@foreign_key_checks')), Number(await valueOf(set, '@@lock_wait_timeout'))]).toEqual([0, 7]);
    set.release();
    const quoted = await refusalOf(pool.getConnection({ session: { time_zone: "x', @@GLOBAL.time_zone = '+01:00" } }));
    expect(quoted.code).toBe('POOL_SESSION_REFUSED');
    expect(await valueOf(pool, '@@GLOBAL.time_zone')).not.toBe('+01:00');
  });

  it.each([
    [{ 'time zone': 'x' }, 'time zone'],
    [{ '@@GLOBAL.time_zone': 'x' }, '@@GLOBAL.time_zone'],
    [{ time_zone: '+01:00', TIME_ZONE: '+02:00' }, 'time_zone'],
    [{ autocommit: 0 }, 'pool.transaction()'],
    [{ transaction_read_only: 1 }, 'readOnly'],
    [{ character_set_client: 'latin1' }, 'charset'],
    [{ timestamp: 1 }, 'one statement'],
    [{ session_track_gtids: 'OFF' }, 'session_track_gtids'],
    [{ sql_mode: 'no_backslash_escapes' }, 'NO_BACKSLASH_ESCAPES'],
    [{ time_zone: '\\' }, 'backslashes'],
    [{ time_zone: null as never }, 'time_zone'],
    [{ time_zone: Number.NaN }, 'time_zone'],
    [Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`variable_${i}`, 1])), '16'],
    [[] as never, 'session'],
  ])('are refused by name: %j', async (session, named) => {
    await using pool = onePool();
    const refusals = [
      await refusalOf(pool.getConnection({ session })),
      await refusalOf(pool.query({ sql: 'DO 0', session })),
      await refusalOf(pool.transaction(() => Promise.resolve(), { session })),
    ];
    for (const refusal of refusals) {
      expect(refusal.code).toBe('POOL_OPTION_INVALID');
      expect(refusal.message).toContain(named);
    }
    expect(pool.stats()).toMatchObject({ used: 0, waiting: 0 });
  });

  it('are refused for a statement on a connection that is borrowed already', async () => {
    await using pool = onePool();
    await using connection = await pool.getConnection();
    const refusal = await refusalOf(connection.query({ sql: 'DO 0', session: BERLIN } as never));
    expect(refusal).toMatchObject({ code: 'POOL_OPTION_INVALID', message: expect.stringContaining('session') as string });
  });
});
