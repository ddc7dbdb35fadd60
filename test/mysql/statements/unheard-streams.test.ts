import { describe, expect, it } from 'vitest';
import { createCallbackPoolCluster } from '../../../src/mysql/drop-in.js';
import { createPool } from '../../../src/mysql/create-pool.js';
import { borrowByCallback, openPool, valueOf } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';
import { captureUncaught } from '../support/uncaught.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';

const REFUSING: Readonly<Record<string, (pool: Pool) => unknown>> = {
  'the queue is full': (pool) => pool.query('SELECT 1').catch(() => 0),
  'the pool is closed': (pool) => void pool.end(),
  'a breaker is open': (pool) => pool.breakers['statement'].isolate('by hand'),
};

/** What is emitted on the next ticks has been emitted. */
async function ticks(): Promise<void> {
  for (let count = 0; count < 3; count += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('I11: a stream whose error is not heard', () => {
  it.each(Object.entries(REFUSING))('ends no process when %s', async (_why, prepare) => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 1, queueLimit: 1 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    prepare(pool);
    pool.pool.query('SELECT 1').stream().destroy();
    pool.pool.query('SELECT 1').stream();
    pool.pool.query('SELECT 1');
    await ticks();
    held.release();
    expect(uncaught.errors).toEqual([]);
  });

  it('takes no connection with it, when the server refuses the statement', async () => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    pool.pool.query('no such statement').stream();
    pool.pool.query('no such statement');
    const raw = await borrowByCallback(pool);
    raw.query('no such statement').stream();
    raw.execute('no such statement');
    raw.release();
    expect(await valueOf(pool, "'served'")).toBe('served');
    expect(pool.stats()).toMatchObject({ opened: 1, closed: 0 });
    expect(uncaught.errors).toEqual([]);
  });

  it('ends no process when no pool of a cluster matches', async () => {
    using uncaught = captureUncaught();
    const cluster = createCallbackPoolCluster();
    const of = cluster.of('none') as unknown as { query(sql: string): { stream(): { destroy(): void } } };
    of.query('SELECT 1').stream().destroy();
    of.query('SELECT 1').stream();
    await ticks();
    expect(uncaught.errors).toEqual([]);
  });

  it('is thrown, as Node has it, when rows are listened for', async () => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 1 });
    fixture.pool.pool
      .query('no such statement')
      .stream()
      .on('data', () => {});
    await waitFor('the error', () => uncaught.errors.length > 0);
    expect(uncaught.errors).toHaveLength(1);
  });
});

describe('I11: a logger and a classifier that reject', () => {
  it('end no process', async () => {
    using uncaught = captureUncaught();
    await using fixture = await openPool();
    const reject = (): Promise<never> => Promise.reject(new Error('later'));
    const logger = { debug: reject, info: reject, warn: reject, error: reject };
    const pool = createPool({ ...fixture.database.connection, logger, classifyError: reject as never });
    await expect(pool.query('no such statement')).rejects.toMatchObject({ errno: 1064 });
    expect(await valueOf(pool, '1')).toBe(1);
    await pool.end();
    await ticks();
    expect(uncaught.errors).toEqual([]);
  });
});
