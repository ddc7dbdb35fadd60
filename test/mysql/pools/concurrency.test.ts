import { setTimeout as delay } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.js';
import { borrowByCallback, errorOf, imbalanceOf, openPool, valueOf } from '../../support/pool-on-database.js';

const LIMIT = 20;

describe('I4: on 20 connections', () => {
  it.each([10, 100, 200, 10_000])(
    '%i queries at once are all answered, each with its own answer, on no more than 20 connections',
    async (count) => {
      await using fixture = await openPool({ connectionLimit: LIMIT });
      const { pool, database } = fixture;
      let most = 0;
      const over = new AbortController();
      await using admin = await database.connectAsAdmin();
      const watch = async (): Promise<void> => {
        while (!over.signal.aborted) {
          const [rows] = await admin.query('SELECT COUNT(*) AS n FROM information_schema.processlist WHERE user = ?', [database.user]);
          most = Math.max(most, Number((rows as { n: number }[])[0]?.n));
        }
      };
      const watching = watch();

      const numbers = Array.from({ length: count }, (_, index) => index);
      const answers = await Promise.all(
        numbers.map((number) =>
          number % 3 === 0 ? valueOfPrepared(number) : valueOf(pool, number % 7 === 0 ? `${number} + SLEEP(0.001)` : String(number)),
        ),
      );
      over.abort();
      await watching;

      expect(answers.map(Number)).toEqual(numbers);
      expect(most).toBeGreaterThan(0);
      expect(most).toBeLessThanOrEqual(LIMIT);
      const stats = pool.stats();
      expect(stats).toMatchObject({ acquired: count, timedOut: 0, refused: 0, waiting: 0, used: 0 });
      expect(stats.opened).toBeLessThanOrEqual(LIMIT);
      expect(imbalanceOf(stats)).toEqual([]);

      await pool.end();
      expect(await database.serverConnections()).toBe(0);

      async function valueOfPrepared(number: number): Promise<unknown> {
        const [rows] = await pool.execute('SELECT ? AS value', [number]);
        return (rows as { value: number }[])[0]?.value;
      }
    },
  );

  it('I5: a burst on a warm pool is served by the few that are open, when opening takes longer', async () => {
    await using fixture = await openPool({ connectionLimit: LIMIT, onConnect: () => delay(150) });
    const { pool } = fixture;
    await Promise.all([1, 2, 3, 4, 5].map(() => pool.query('SELECT SLEEP(0.2)')));
    expect(pool.summary().total).toBe(5);
    // Shorter uses, so that it can judge how long the next ones will take.
    for (let round = 0; round < 10; round += 1) await Promise.all([1, 2, 3, 4, 5].map(() => pool.query('SELECT 1')));
    await Promise.all(Array.from({ length: 50 }, () => pool.query('SELECT 1')));
    expect(pool.stats().opened + pool.summary().opening).toBeLessThanOrEqual(7);
  });

  it('I3: callers are served in order of arrival', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        await pool.query('SELECT 1');
        order.push(index);
      }),
    );
    expect(order).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });
});

describe('I12: after any workload', () => {
  /** What one caller does. */
  const steps = [
    'query',
    'failing query',
    'execute',
    'borrow',
    'borrow by callback',
    'destroy',
    'dirty',
    'short wait',
    'abort',
    'bad call',
    'evict',
  ] as const;

  it('the counters add up, and nothing is left', async () => {
    await using fixture = await openPool({ connectionLimit: 4, queueLimit: 30, leakDetectionThreshold: 60_000 });
    const { pool, database } = fixture;
    const run = async (step: (typeof steps)[number]): Promise<unknown> => {
      switch (step) {
        case 'query':
          return await pool.query('SELECT SLEEP(0.001)');
        case 'failing query':
          return await pool.query('SELECT * FROM missing');
        case 'execute':
          return await pool.execute('SELECT ?', [1]);
        case 'borrow': {
          await using connection = await pool.getConnection();
          return await connection.query('SELECT 1');
        }
        case 'borrow by callback': {
          const connection = await borrowByCallback(pool);
          connection.release();
          connection.release();
          return undefined;
        }
        case 'destroy': {
          const connection = await pool.getConnection();
          connection.destroy();
          connection.release();
          return undefined;
        }
        case 'dirty':
          return await pool.query('SET @x = 1');
        case 'short wait': {
          await using connection = await pool.getConnection({ timeout: 1 });
          return connection.threadId;
        }
        case 'abort': {
          const abort = new AbortController();
          const query = pool.query({ sql: 'SELECT SLEEP(0.01)', signal: abort.signal });
          setImmediate(() => abort.abort());
          return await query;
        }
        case 'bad call':
          return await pool.execute('SELECT ?', [undefined] as never);
        case 'evict':
          return pool.evict();
      }
    };

    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 60 }), async (workload) => {
        const work = workload.map((step) => run(step));
        expect(imbalanceOf(pool.stats())).toEqual([]);
        await Promise.allSettled(work);
        expect(imbalanceOf(pool.stats())).toEqual([]);
        expect(pool.stats()).toMatchObject({ used: 0, waiting: 0 });
      }),
      { numRuns: 25 },
    );
    await pool.end();
    expect(imbalanceOf(pool.stats())).toEqual([]);
    expect(pool.stats().total).toBe(0);
    await waitFor('no connection', async () => (await database.serverConnections()) === 0);
  });
});

describe('I2: when all connections are taken', () => {
  it('acquireTimeout ends the wait, and says who has them', async () => {
    await using fixture = await openPool({ connectionLimit: 1, acquireTimeout: 60 });
    const { pool } = fixture;
    await using held = await pool.getConnection({ timeout: 30_000 });
    await held.beginTransaction();
    const started = performance.now();
    const error = await errorOf(pool.query('SELECT 1'));
    expect(performance.now() - started).toBeGreaterThanOrEqual(59);
    expect(error).toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT', reason: 'exhausted', pool: { used: 1, limit: 1 } });
    expect(error.message).toContain(`connection ${held.threadId} (in a transaction, no statement running)`);
    expect(error.stack).toContain('concurrency.test.ts');
    await held.rollback();
  });

  it('a caller may set a time of its own, and a late connection goes to the pool', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    expect(await errorOf(pool.getConnection({ timeout: 30 }))).toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT' });
    held.release();
    expect(pool.stats()).toMatchObject({ timedOut: 1, idle: 1, used: 0 });
    await expect(valueOf(pool, '1')).resolves.toBe(1);
  });

  it('queueLimit and waitForConnections refuse at once, in the words of mysql2', async () => {
    await using fixture = await openPool({ connectionLimit: 1, queueLimit: 1 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    const waiting = pool.query('SELECT 1');
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({
      code: 'POOL_QUEUE_FULL',
      message: expect.stringMatching(/^Queue limit reached\./u),
    });
    held.release();
    await waiting;
  });
});
