import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { createQueryCache } from '../../../src/cache/index.js';
import { withDeadline } from '../../../src/resilience/index.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { poolOf } from '../../support/pool-on-database.js';
import { createPool as createCallbackPool } from '../../../src/mirror/mysql2.js';
import { createPool as createPromisePool, createPoolCluster } from '../../../src/mirror/promise.js';
import { instrumentPools } from '../../../src/telemetry/otel.js';
import { makeMetrics, makeTracing } from '../../telemetry/collectors.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

interface Store {
  readonly bulk: number[];
}

const store = new AsyncLocalStorage<Store>();

/** 1 MiB of numbers. */
const BULK = 131_072;
const TEMPLATE = Array.from({ length: BULK }, () => 0.5);
const REQUESTS = 1_000;
const CONNECTIONS = 20;
const AT_A_TIME = 40;
const MIB = 1_048_576;

/** What requests do; each opens, borrows, waits, fails or reads through the cache. */
const WORK: readonly ((pool: Pool) => Promise<unknown>)[] = [
  (pool) => pool.query('SELECT 1'),
  (pool) => pool.execute('SELECT ?', [1]),
  (pool) => pool.query({ sql: 'SELECT id FROM t', cache: true }),
  (pool) => pool.query('SELECT none FROM t').catch(() => undefined),
  (pool) => pool.query({ sql: 'SELECT SLEEP(2)', timeout: 20 }).catch(() => undefined),
  (pool) => pool.transaction((tx) => tx.query('SELECT 1')),
  (pool) => withDeadline(60_000, () => pool.query('SELECT 1')),
  (pool) => withDeadline(AbortSignal.timeout(60_000), () => pool.query('SELECT 1')),
  (pool) =>
    new Promise((resolve) => {
      pool.pool.query('SELECT 1', resolve);
    }),
  async (pool) => {
    const stream = pool.pool.query('SELECT 1').stream();
    stream.resume();
    await once(stream, 'close');
  },
  async (pool) => {
    const connection = await pool.getConnection();
    connection.on('error', () => undefined);
    await connection.query('SET @kept = 1');
    connection.release();
  },
  async (pool) => {
    const connection = await pool.getConnection();
    await connection.query('SELECT 1');
    connection.destroy();
  },
];

function bulkOf(number: number): number[] {
  const bulk = TEMPLATE.slice();
  bulk[0] = number;
  return bulk;
}

/** Runs one request of its own context. None of it is left on the stack. */
async function serve(pool: Pool, number: number, kept: WeakRef<Store>[]): Promise<void> {
  const own = { bulk: bulkOf(number) };
  kept.push(new WeakRef(own));
  await store.run(own, () => (WORK[number % WORK.length] as (one: Pool) => Promise<unknown>)(pool));
}

/** The heap in MiB, when it has been collected. */
async function heapAfterCollection(): Promise<number> {
  // A WeakRef holds what it refers to until the turn is over.
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    collectGarbage();
  }
  return process.memoryUsage().heapUsed / MIB;
}

describe('a request that is over', () => {
  it('is kept alive by no connection, timer or cache: a thousand stores of 1 MiB over twenty connections that live on', async () => {
    await using database = await createDatabase();
    await database.admin('CREATE TABLE t (id INT PRIMARY KEY)');
    const kept: WeakRef<Store>[] = [];
    const cache = createQueryCache();
    const pool = poolOf(database, { cache, connectionLimit: CONNECTIONS, retries: { attempts: 1 } });
    const before = await heapAfterCollection();
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < REQUESTS) {
        next += 1;
        await serve(pool, next, kept);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    const after = async (): Promise<number[]> => {
      await heapAfterCollection();
      return kept.map((one, number) => (one.deref() === undefined ? -1 : number)).filter((number) => number >= 0);
    };
    // A kill may be under way when its statement has failed already.
    await waitFor('all stores to be collected', after, (alive) => alive.length === 0, { intervalMs: 200 });
    expect(pool.summary().total).toBeGreaterThan(0);
    expect(await heapAfterCollection()).toBeLessThan(before + 50);
    await pool.end();
    cache.close();
  });
});

/** An SDK of OpenTelemetry, which has timers of its own: it is no request's. */
const { meterProvider } = makeMetrics();
const { tracerProvider } = makeTracing();

/** What a request may make that outlives it; each returns how to end it. */
const MADE: Readonly<Record<string, (database: TestDatabase) => Promise<() => Promise<unknown>>>> = {
  'a pool': async (database) => {
    const pool = poolOf(database, { minIdle: 1 });
    await pool.query('SELECT 1');
    return () => pool.end();
  },
  'a pool of the mirror of mysql2/promise': async ({ connection }) => {
    const pool = createPromisePool({ ...connection });
    await pool.query('SELECT 1');
    return () => pool.end();
  },
  'a pool of the mirror of mysql2': async ({ connection }) => {
    const pool = createCallbackPool({ ...connection });
    await new Promise((resolve) => {
      pool.query('SELECT 1', resolve);
    });
    return () => pool.promise().end();
  },
  'a cluster of the mirror': async ({ connection }) => {
    const cluster = createPoolCluster();
    cluster.add('one', { ...connection });
    await cluster.of('*').query('SELECT 1');
    return () => cluster.end();
  },
  'a pool with a cache': async (database) => {
    const cache = createQueryCache();
    const pool = poolOf(database, { cache });
    await cache.wrap('key', async () => 1);
    await pool.query({ sql: 'SELECT 1', cache: true });
    return async () => {
      await pool.end();
      cache.close();
    };
  },
  'what reports a pool to OpenTelemetry': async (database) => {
    const pool = poolOf(database);
    const instrumentation = instrumentPools({ pools: pool, meterProvider, tracerProvider });
    await pool.query('SELECT 1');
    return async () => {
      instrumentation.stop();
      await pool.end();
    };
  },
};

describe('a request that makes what outlives it', () => {
  afterAll(() => meterProvider.shutdown());

  it.each(Object.entries(MADE))('is not kept alive by %s', async (_, make) => {
    await using database = await createDatabase();
    const kept: WeakRef<Store>[] = [];
    const request = async (): Promise<() => Promise<unknown>> => {
      const own = { bulk: bulkOf(1) };
      kept.push(new WeakRef(own));
      return await store.run(own, () => make(database));
    };
    const end = await request();
    const alive = async (): Promise<number> => {
      await heapAfterCollection();
      return kept.filter((one) => one.deref() !== undefined).length;
    };
    await waitFor('the store to be collected', alive, (count) => count === 0, { timeoutMs: 30_000, intervalMs: 200 });
    expect(await alive()).toBe(0);
    await end();
  });
});
