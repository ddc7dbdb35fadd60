import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import type { Pool as DriverCallbackPool } from 'mysql2';
import { describe, expect, it } from 'vitest';
import { createPool as createCallbackPool } from '../../../src/mirror/mysql2.js';
import { createPool as createPromisePool } from '../../../src/mirror/promise.js';
import { errorOf } from '../../support/pool-on-database.js';
import { type CachedPool, openCachedPool } from '../../cache/support/cached-pool.js';

const SQL = 'SELECT name FROM users WHERE id = ?';
const RENAME = 'UPDATE users SET name = ? WHERE id = ?';
const CACHED = { sql: SQL, cache: { ttl: 60_000 } };

type Rows = { name: string }[];

/** As callback users ask. */
function ask(pool: DriverCallbackPool, method: 'query' | 'execute', ...parameters: unknown[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const callback = (error: Error | null, rows?: Rows): void => (error === null ? resolve(rows?.[0]?.name) : reject(error));
    Reflect.apply(pool[method] as (...all: unknown[]) => unknown, pool, [...parameters, callback]);
  });
}

function callbackPoolOf({ pool }: CachedPool): DriverCallbackPool {
  return pool.pool;
}

describe('a statement with a callback', () => {
  it.each(['query', 'execute'] as const)('is answered by the cache: %s', async (method) => {
    await using fixture = await openCachedPool();
    const { pool, database, cache } = fixture;
    const callbackPool = callbackPoolOf(fixture);
    expect(await ask(callbackPool, method, CACHED, [1])).toBe('user1');
    await database.admin(RENAME, ['unheard', 1]);
    expect(await ask(callbackPool, method, CACHED, [1])).toBe('user1');
    expect(await ask(callbackPool, method, { ...CACHED, values: [1] })).toBe('user1');
    // One cache for both faces of the pool.
    expect((await pool[method]({ ...CACHED, values: [1] }))[0]).toEqual([{ name: 'user1' }]);
    expect(cache.stats()).toMatchObject({ misses: 1, hits: { memory: 3 } });
    expect(await ask(callbackPool, method, SQL, [1])).toBe('unheard');
    await ask(callbackPool, method, RENAME, ['heard', 1]);
    expect(await ask(callbackPool, method, CACHED, [1])).toBe('heard');
  });

  it('is given rows and fields, in the context of its caller, not before the call has returned', async () => {
    await using fixture = await openCachedPool();
    const callbackPool = callbackPoolOf(fixture);
    const storage = new AsyncLocalStorage<number>();
    for (const round of [1, 2]) {
      const seen = await new Promise<unknown[]>((resolve) => {
        storage.run(round, () => {
          let returned = false;
          callbackPool.query<never>({ ...CACHED, values: [1] } as never, (error: unknown, rows: unknown, fields: { name: string }[]) => {
            resolve([error, rows, fields.map(({ name }) => name), storage.getStore(), returned]);
          });
          returned = true;
        });
      });
      expect(seen).toEqual([null, [{ name: 'user1' }], ['name'], round, true]);
    }
    expect(fixture.cache.stats().hits.memory).toBe(1);
  });

  it('reports its failure, and wrong options', async () => {
    await using fixture = await openCachedPool();
    const callbackPool = callbackPoolOf(fixture);
    await ask(callbackPool, 'query', CACHED, [1]);
    expect(await errorOf(ask(callbackPool, 'query', { sql: 'SELECT wrong FROM users', cache: true }))).toMatchObject({
      code: 'ER_BAD_FIELD_ERROR',
    });
    expect(await errorOf(ask(callbackPool, 'execute', { ...CACHED, cache: { tll: 1 } }, [1]))).toMatchObject({
      code: 'POOL_OPTION_INVALID',
    });
  });

  it('that throws ends in the process’s own handler, once', async () => {
    await using fixture = await openCachedPool();
    const callbackPool = callbackPoolOf(fixture);
    await ask(callbackPool, 'query', CACHED, [1]);
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    try {
      const thrown = once(process, 'uncaughtException');
      let calls = 0;
      const command = callbackPool.query({ ...CACHED, values: [1] } as never, () => {
        calls += 1;
        throw new Error('mine');
      });
      const ended = once(command, 'end');
      expect(await thrown).toMatchObject([{ message: 'mine' }, 'uncaughtException']);
      await ended;
      expect(calls).toBe(1);
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
    expect(await ask(callbackPool, 'query', CACHED, [1])).toBe('user1');
  });

  it('and a promise of the application’s own class is answered by the cache', async () => {
    await using fixture = await openCachedPool();
    class OwnPromise<T> extends Promise<T> {}
    const own = callbackPoolOf(fixture).promise(OwnPromise);
    for (const _ of [1, 2]) {
      const answer = own.query({ ...CACHED, values: [1] } as never);
      expect(answer).toBeInstanceOf(OwnPromise);
      expect((await answer)[0]).toEqual([{ name: 'user1' }]);
    }
    expect(fixture.cache.stats().hits.memory).toBe(1);
  });
});

describe('a statement without a callback', () => {
  it('is answered by the database, by event and as a stream', async () => {
    await using fixture = await openCachedPool();
    const { database, cache } = fixture;
    const callbackPool = callbackPoolOf(fixture);
    await ask(callbackPool, 'query', CACHED, [1]);
    await database.admin(RENAME, ['unheard', 1]);
    const statement = { ...CACHED, values: [1] } as never;
    const [row] = (await once(callbackPool.query(statement), 'result')) as Rows;
    expect(row?.name).toBe('unheard');
    const streamed: unknown[] = [];
    for await (const one of callbackPool.query(statement).stream()) streamed.push(one);
    expect(streamed).toEqual([{ name: 'unheard' }]);
    expect(cache.stats()).toMatchObject({ misses: 1, hits: { memory: 0 } });
  });
});

describe('a pool that stands in for mysql2’s', () => {
  it('takes a cache, by promise and by callback, and reports its writes to it', async () => {
    await using fixture = await openCachedPool();
    const { database, cache } = fixture;
    await using promisePool = createPromisePool({ ...database.connection, cache });
    const callbackPool = createCallbackPool({ ...database.connection, cache });
    const read = async (): Promise<unknown> => (await promisePool.query<never>({ ...CACHED, values: [1] } as never))[0];
    expect(await read()).toEqual([{ name: 'user1' }]);
    await database.admin(RENAME, ['unheard', 1]);
    expect(await read()).toEqual([{ name: 'user1' }]);
    expect(await ask(callbackPool, 'query', CACHED, [1])).toBe('user1');
    expect(cache.stats()).toMatchObject({ misses: 1, hits: { memory: 2 } });
    await ask(callbackPool, 'query', RENAME, ['heard', 1]);
    expect(await read()).toEqual([{ name: 'heard' }]);
    await promisePool.execute(RENAME, ['again', 1]);
    expect(await ask(callbackPool, 'query', CACHED, [1])).toBe('again');
    await callbackPool.promise().end();
  });

  it('says in mysql2’s words that a caller’s time is up', async () => {
    await using fixture = await openCachedPool();
    const { database, cache } = fixture;
    await using pool = createPromisePool({ ...database.connection, cache });
    await pool.query({ ...CACHED, values: [1] } as never);
    await using blocker = await database.connectAsAdmin();
    await blocker.query('LOCK TABLES users WRITE');
    const error = await errorOf(pool.query({ ...CACHED, values: [2], timeout: 50 } as never));
    expect(error).toMatchObject({ message: 'Query inactivity timeout', code: 'PROTOCOL_SEQUENCE_TIMEOUT' });
  });

  it('refuses a value that is not a cache', () => {
    for (const createPool of [createPromisePool, createCallbackPool]) {
      expect(() => createPool({ host: '127.0.0.1', cache: { ttl: 5 } as never })).toThrow(/cache must be what createQueryCache returns/);
    }
  });
});
