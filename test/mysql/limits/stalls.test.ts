/** A process that stands still for longer than a limit, while the other side answers in time: nothing is taken for late. */
import { describe, expect, it } from 'vitest';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { errorOf, openPool, type PoolOnDatabase, valueOf } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';

/** Every limit of these tests. */
const LIMIT_MS = 200;
/** So that the server answers meanwhile, on a busy machine too. */
const STALL_MS = 1_500;
const SLEEP = 'SELECT SLEEP(0.02) AS value';

function standStill(): void {
  const until = performance.now() + STALL_MS;
  while (performance.now() < until);
}

async function openWarm(options: PoolOptions = {}): Promise<PoolOnDatabase> {
  const fixture = await openPool({ connectionLimit: 1, ...options });
  await fixture.pool.query(SLEEP);
  await fixture.pool.execute(SLEEP);
  return fixture;
}

function expectNothingLost(pool: Pool): void {
  const { opened, closed, kills, timedOut, statementRetries, breakers } = pool.stats();
  expect({ opened, closed, kills, timedOut, retried: statementRetries.retried }).toEqual({
    opened: 1,
    closed: 0,
    kills: 0,
    timedOut: 0,
    retried: 0,
  });
  expect([breakers.statement.failures, breakers.connect.failures]).toEqual([0, 0]);
}

const CALLS: Readonly<Record<string, (pool: Pool) => Promise<unknown>>> = {
  'a query with a timeout': (pool) => pool.query({ sql: SLEEP, timeout: LIMIT_MS }),
  'a prepared statement with a timeout': (pool) => pool.execute({ sql: SLEEP, timeout: LIMIT_MS }),
  'a query with a signal of a timeout': (pool) => pool.query({ sql: SLEEP, signal: AbortSignal.timeout(LIMIT_MS) }),
  'a query by callback': (pool) =>
    new Promise((resolve, reject) => {
      pool.pool.query({ sql: SLEEP, timeout: LIMIT_MS }, (error, rows) => (error === null ? resolve(rows) : reject(error)));
    }),
  'a stream': (pool) =>
    pool.pool
      .query({ sql: SLEEP, timeout: LIMIT_MS } as { sql: string })
      .stream()
      .toArray(),
};

describe('a process that stands still', () => {
  it.each(Object.entries(CALLS))('does not time out %s whose answer has come', async (_, call) => {
    await using fixture = await openWarm();
    const { pool } = fixture;
    const answer = call(pool);
    expect(pool.summary().used).toBe(1);
    standStill();
    await answer;
    expectNothingLost(pool);
  });

  it('serves a waiter whose connection comes back in the same moment', async () => {
    await using fixture = await openWarm({ acquireTimeout: LIMIT_MS });
    const { pool } = fixture;
    const first = pool.query(SLEEP);
    const second = valueOf(pool, '7');
    standStill();
    await first;
    expect(await second).toBe(7);
    expectNothingLost(pool);
  });

  it('keeps a connection that has answered the validation', async () => {
    await using fixture = await openWarm({ validateAfterIdle: 0, validationTimeout: LIMIT_MS });
    const { pool } = fixture;
    const answer = valueOf(pool, '7');
    await waitFor('the validation to be asked for', () => pool.summary().checking === 1 || pool.summary().used === 1);
    standStill();
    expect(await answer).toBe(7);
    expectNothingLost(pool);
  });

  it('opens a connection, which takes several exchanges', async () => {
    await using fixture = await openPool({ connectionLimit: 1, connectTimeout: LIMIT_MS });
    const { pool } = fixture;
    const answer = valueOf(pool, '7');
    standStill();
    expect(await answer).toBe(7);
    expect(pool.stats()).toMatchObject({ opened: 1, closed: 0, connectErrors: 0 });
  });

  it('holds no time-out against the server for which it stood still itself', async () => {
    await using fixture = await openWarm();
    const { pool } = fixture;
    const answer = errorOf(pool.query({ sql: 'SELECT SLEEP(20)', timeout: LIMIT_MS }));
    standStill();
    expect(await answer).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    const { window } = pool.breakers.statement.snapshot();
    expect(window.failures).toBe(0);
    expect(await valueOf(pool, '7')).toBe(7);
    expect(pool.stats()).toMatchObject({ opened: 1, closed: 0 });
  });
});
