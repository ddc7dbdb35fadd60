import { describe, expect, it } from 'vitest';
import { createPool } from '../../../src/mysql/create-pool.js';
import { SlowQueries } from '../../../src/mysql/observation/slow-queries.js';
import { seededRandom } from '../../engine/support/random.js';
import { poolOf } from '../../support/pool-on-database.js';
import { createDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';

const MINUTE_MS = 60_000;

describe('slow queries', () => {
  it('looks at each statement that takes 25 ms or longer', () => {
    const queries = new SlowQueries(() => 0);
    for (const ms of [25, 30, 26, 400, 25]) queries.record(ms, `SELECT SLEEP(${ms})`);
    expect(queries.report(10)).toMatchObject({
      totalMs: 506,
      queries: [{ digest: 'SELECT SLEEP(?)', calls: 5, totalMs: 506, maxMs: 400 }],
    });
  });

  it('keeps the time of each of the last twenty half minutes, over its own change of windows', () => {
    let now = 0;
    const queries = new SlowQueries(() => now);
    const recent = () => queries.report(1).queries[0]?.recentMs;
    queries.record(40, 'SELECT 1');
    expect(recent()).toEqual([...Array<number>(19).fill(0), 40]);
    now = 14.9 * MINUTE_MS;
    for (const ms of [50, 60]) queries.record(ms, 'SELECT 1');
    expect(recent()).toEqual([...Array<number>(19).fill(0), 110]);
    now = 15.1 * MINUTE_MS;
    queries.record(70, 'SELECT 1');
    expect(recent()).toEqual([...Array<number>(18).fill(0), 110, 70]);
    now = 24.5 * MINUTE_MS;
    expect(recent()).toEqual([70, ...Array<number>(19).fill(0)]);
    now = 40 * MINUTE_MS;
    expect(recent()).toEqual(Array<number>(20).fill(0));
  });

  it('estimates calls, time and percentiles of quick ones truly, from the few that it looks at', () => {
    const random = seededRandom(7);
    const queries = new SlowQueries(() => 0);
    const truth = { a: { calls: 0, totalMs: 0 }, b: { calls: 0, totalMs: 0 } };
    for (let count = 0; count < 400_000; count += 1) {
      const which = random() < 0.9 ? 'a' : 'b';
      const ms = which === 'a' ? 0.2 + random() * 0.2 : random() < 0.02 ? 60 : 2 + random();
      truth[which].calls += 1;
      truth[which].totalMs += ms;
      queries.record(ms, `SELECT ${which} FROM t WHERE id = ${count}`);
    }
    const found = queries.report(10).queries;
    expect(found.map(({ digest }) => digest)).toEqual(['SELECT b FROM t WHERE id = ?', 'SELECT a FROM t WHERE id = ?']);
    for (const [index, which] of (['b', 'a'] as const).entries()) {
      expect(found[index]!.totalMs / truth[which].totalMs).toBeCloseTo(1, 1);
      expect(found[index]!.calls / truth[which].calls).toBeCloseTo(1, 1);
    }
    expect(found[0]!.p50Ms).toBeGreaterThan(2.3);
    expect(found[0]!.p50Ms).toBeLessThan(2.9);
    expect(found[0]!.p99Ms).toBe(60);
  });

  it('keeps at most 200 shapes, and of those the ones that cost most', () => {
    const queries = new SlowQueries(() => 0);
    queries.record(5_000, 'SELECT the_expensive_one');
    for (let count = 0; count < 10_000; count += 1) queries.record(30, `SELECT c${count}_x FROM t`);
    const { queries: found } = queries.report(1_000);
    expect(found).toHaveLength(200);
    expect(found[0]).toMatchObject({ digest: 'SELECT the_expensive_one', totalMs: 5_000 });
  });

  it('forgets what is older than half an hour, and keeps at least a quarter', () => {
    let now = 0;
    const queries = new SlowQueries(() => now);
    queries.record(30, 'SELECT old');
    now = 16 * MINUTE_MS;
    queries.record(40, 'SELECT newer');
    expect(queries.report(10)).toMatchObject({
      windowMs: 16 * MINUTE_MS,
      totalMs: 70,
      queries: [{ digest: 'SELECT newer' }, { digest: 'SELECT old' }],
    });
    now = 31.5 * MINUTE_MS;
    expect(queries.report(10).queries.map(({ digest }) => digest)).toEqual(['SELECT newer']);
    now = 90 * MINUTE_MS;
    expect(queries.report(10).queries).toEqual([]);
  });

  it('orders by time or by the 99th percentile', () => {
    const queries = new SlowQueries(() => 0);
    for (let count = 0; count < 100; count += 1) queries.record(30, 'SELECT often');
    queries.record(1_000, 'SELECT long');
    expect(queries.report(1).queries[0]?.digest).toBe('SELECT often');
    expect(queries.report(1, 'p99').queries[0]?.digest).toBe('SELECT long');
  });

  it('of a pool are those of its borrowers, by query and by execute, without their values', async () => {
    await using database = await createDatabase();
    const pool = poolOf(database);
    await pool.query('SELECT SLEEP(0.05), ? AS a', ['sesame-secret']);
    await pool.execute('SELECT SLEEP(0.04), ? AS b', ['sesame-secret']);
    await pool.query('SELECT 1');
    const report = pool.slowQueries();
    expect(
      report.queries
        .map(({ digest }) => digest)
        .filter((digest) => digest.includes('SLEEP'))
        .sort(),
    ).toEqual(['SELECT SLEEP(?), ? AS a', 'SELECT SLEEP(?), ? AS b']);
    expect(JSON.stringify(report)).not.toContain('sesame');
    const held = pool.query('SELECT SLEEP(0.2), ? AS c', ['sesame-secret']);
    expect(pool.borrowed()[0]?.description).toMatch(/^connection \d+ \(a statement running for \d+ ms: SELECT SLEEP\(\?\), \? AS c\)$/);
    await held;
    await pool.end();
  });

  it('that runs on a lent connection is data, too, and so is an open transaction', async () => {
    await using database = await createDatabase();
    const pool = createPool(database.url());
    const connection = await pool.getConnection();
    expect(pool.borrowed()[0]).toMatchObject({ inTransaction: false });
    await connection.beginTransaction();
    const running = connection.query('SELECT SLEEP(0.1), ? AS c', ['sesame-secret']);
    expect(pool.borrowed()).toMatchObject([
      { inTransaction: true, statement: 'SELECT SLEEP(?), ? AS c', runningMs: expect.any(Number) as number },
    ]);
    await running;
    const [idle] = pool.borrowed();
    expect(idle).toMatchObject({ inTransaction: true, description: expect.stringContaining('(in a transaction, no statement running)') });
    expect(idle).not.toHaveProperty('statement');
    expect(idle).not.toHaveProperty('runningMs');
    await connection.rollback();
    connection.release();
    await pool.end();
  });

  it('of a pool include those that were killed because they took too long', async () => {
    await using database = await createDatabase();
    const pool = createPool(database.url());
    await pool.ready();
    await expect(pool.query({ sql: 'SELECT SLEEP(10) AS too_long', timeout: 60 })).rejects.toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    await waitFor('the statement to end', () => pool.slowQueries().queries.some(({ digest }) => digest === 'SELECT SLEEP(?) AS too_long'));
    await pool.end();
  });
});
