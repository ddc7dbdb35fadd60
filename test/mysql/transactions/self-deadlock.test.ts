import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { waitFor } from '../../support/wait-for.js';
import { errorOf, imbalanceOf, openPool, valueOf } from '../../support/pool-on-database.js';

/** Everything that asks the pool for a connection. */
const REQUESTS: Readonly<Record<string, (pool: Pool) => Promise<unknown>>> = {
  'pool.query': (pool) => pool.query('SELECT 1'),
  'pool.execute': (pool) => pool.execute('SELECT 1'),
  'pool.getConnection': async (pool) => (await pool.getConnection()).release(),
  'pool.transaction': (pool) => pool.transaction((tx) => tx.query('SELECT 1')),
  'pool.pool.query': (pool) =>
    new Promise((resolve, reject) => {
      pool.pool.query('SELECT 1', (error: Error | null) => (error === null ? resolve('ok') : reject(error)));
    }),
};

/** Several of them meet here, and continue together. */
function meetingOf(count: number): () => Promise<void> {
  let missing = count;
  let open = (): void => undefined;
  const all = new Promise<void>((resolve) => (open = resolve));
  return async () => {
    missing -= 1;
    if (missing === 0) open();
    await all;
  };
}

/** `ok`, or the code of the error. */
function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'ok',
    ({ code }: { code: string }) => code,
  );
}

describe('I2: a transaction that asks its own pool for another connection', () => {
  it.each(Object.keys(REQUESTS))('is refused when there is none, instead of waiting forever: %s', async (name) => {
    await using fixture = await openPool({ connectionLimit: 1, acquireTimeout: 0 });
    const { pool } = fixture;
    const request = REQUESTS[name] as (of: Pool) => Promise<unknown>;
    const error = await errorOf(pool.transaction(async () => await request(pool)));
    expect(error).toMatchObject({ code: 'POOL_SELF_DEADLOCK', message: expect.stringContaining('use its tx') });
    expect(await valueOf(pool, '1')).toBe(1);
    expect(pool.stats()).toMatchObject({ used: 0, waiting: 0, opened: 1 });
    expect(imbalanceOf(pool.stats())).toEqual([]);
  });

  it('may continue with its own when it has caught that', async () => {
    await using fixture = await openPool({ connectionLimit: 1, acquireTimeout: 0 });
    const { pool } = fixture;
    const result = await pool.transaction(async (tx) => {
      const code = await codeOf(pool.query('SELECT 1'));
      await tx.query('SELECT 1');
      return code;
    });
    expect(result).toBe('POOL_SELF_DEADLOCK');
  });

  it('of which there is one gets it', async () => {
    await using fixture = await openPool({ connectionLimit: 2, acquireTimeout: 0 });
    const { pool } = fixture;
    for (const request of Object.values(REQUESTS)) await pool.transaction(async () => await request(pool));
    expect(pool.stats()).toMatchObject({ used: 0, opened: 2 });
  });

  it('while others do the same is refused only when it completes the circle: the others continue', async () => {
    await using fixture = await openPool({ connectionLimit: 3, acquireTimeout: 0 });
    const { pool } = fixture;
    const meet = meetingOf(3);
    const codes = await Promise.all(
      [1, 2, 3].map(() =>
        codeOf(
          pool.transaction(async (tx) => {
            await tx.query('SELECT 1');
            await meet();
            await pool.query('SELECT 1');
          }),
        ),
      ),
    );
    expect(codes.toSorted()).toEqual(['POOL_SELF_DEADLOCK', 'ok', 'ok']);
    expect(pool.stats()).toMatchObject({ used: 0, waiting: 0 });
  });

  it('through another transaction that it has begun inside of itself is refused, too', async () => {
    await using fixture = await openPool({ connectionLimit: 2, acquireTimeout: 0 });
    const { pool } = fixture;
    const code = await codeOf(pool.transaction(() => pool.transaction(() => pool.query('SELECT 1'))));
    expect(code).toBe('POOL_SELF_DEADLOCK');
    expect(pool.stats()).toMatchObject({ used: 0, waiting: 0 });
  });

  it('waits while another borrower holds one: it will come back', async () => {
    await using fixture = await openPool({ connectionLimit: 2, acquireTimeout: 0 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    const code = codeOf(pool.transaction(() => pool.query('SELECT 1')));
    await waitFor('it to wait', () => pool.summary().waiting === 1);
    held.release();
    expect(await code).toBe('ok');
  });

  it('and then gave up waiting keeps no other caller from waiting', async () => {
    await using fixture = await openPool({ connectionLimit: 2, acquireTimeout: 0 });
    const { pool } = fixture;
    const meet = meetingOf(2);
    const abort = new AbortController();
    let others: Promise<string> | undefined;
    const first = pool.transaction(async (tx) => {
      await meet();
      expect(await codeOf(pool.getConnection({ timeout: 20 }))).toBe('POOL_ACQUIRE_TIMEOUT');
      setImmediate(() => abort.abort());
      expect(await codeOf(pool.query({ sql: 'SELECT 1', signal: abort.signal }))).toBe('POOL_ABORTED');
      await waitFor('the other to wait', () => pool.summary().waiting === 1);
      await tx.query('SELECT 1');
    });
    const second = pool.transaction(async () => {
      await meet();
      await waitFor('the first to have given up', () => pool.stats().timedOut + pool.stats().cancelled === 2);
      others = codeOf(pool.query('SELECT 1'));
      await others;
    });
    await Promise.all([first, second]);
    expect(await others).toBe('ok');
  });

  it('when it is over is like any other caller', async () => {
    await using fixture = await openPool({ connectionLimit: 1, acquireTimeout: 0 });
    const { pool } = fixture;
    let late: Promise<string> | undefined;
    await pool.transaction(async (tx) => {
      await tx.query('SELECT 1');
      late = delay(30).then(() => codeOf(pool.query('SELECT 1')));
    });
    const held = await pool.getConnection();
    await delay(40);
    held.release();
    expect(await late).toBe('ok');
  });

  it('of another pool is no concern of this one', async () => {
    await using first = await openPool({ connectionLimit: 1, acquireTimeout: 0 });
    await using second = await openPool({ connectionLimit: 1, acquireTimeout: 0 });
    const held = await second.pool.getConnection();
    const code = codeOf(first.pool.transaction(() => second.pool.query('SELECT 1')));
    await waitFor('it to wait', () => second.pool.summary().waiting === 1);
    held.release();
    expect(await code).toBe('ok');
    const around = first.pool.transaction(() => second.pool.transaction(() => first.pool.query('SELECT 1')));
    expect(await codeOf(around)).toBe('POOL_SELF_DEADLOCK');
  });

  it('among many that do so at random: all of them end', async () => {
    await using fixture = await openPool({ connectionLimit: 3, acquireTimeout: 0 });
    const { pool } = fixture;
    const counts: Record<string, number> = {};
    const work = async (depth: number): Promise<void> => {
      await pool.transaction(async (tx) => {
        await tx.query('SELECT SLEEP(0.001)');
        const what = Math.random();
        if (what < 0.3) await pool.query('SELECT 1');
        else if (what < 0.5) await pool.getConnection().then((connection) => connection.release());
        else if (what < 0.7 && depth < 4) await work(depth + 1);
        await tx.query('SELECT 1');
      });
    };
    await Promise.all(
      Array.from({ length: 30 }, async () => {
        for (let round = 0; round < 20; round += 1) {
          const code = await codeOf(work(1));
          counts[code] = (counts[code] ?? 0) + 1;
        }
      }),
    );
    console.log('transactions within transactions on 3 connections: outcomes:', counts);
    expect(Object.keys(counts).toSorted()).toEqual(['POOL_SELF_DEADLOCK', 'ok']);
    await waitFor('the pool to be at rest', () => pool.summary().used + pool.summary().checking + pool.summary().waiting === 0);
    expect(imbalanceOf(pool.stats())).toEqual([]);
  });
});
