import { describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.js';
import { errorOf, imbalanceOf, openPool, outcomeOf } from '../../support/pool-on-database.js';

describe("a pool with scheduling: 'fair'", () => {
  it('serves statements, borrowers and transactions by priority, and keys in turns', async () => {
    await using fixture = await openPool({ connectionLimit: 1, scheduling: 'fair' });
    const { pool } = fixture;
    const held = await pool.getConnection();
    const served: string[] = [];
    const noting = async (name: string, work: Promise<unknown>): Promise<void> => {
      await work;
      served.push(name);
    };
    const all = [
      noting('low', pool.query({ sql: 'SELECT 1', priority: 'low' })),
      noting('a 1', pool.query({ sql: 'SELECT 1', fairnessKey: 'a' })),
      noting('a 2', pool.execute({ sql: 'SELECT 1', fairnessKey: 'a', timeout: 20_000 })),
      noting(
        'b 1',
        pool.transaction((tx) => tx.query('SELECT 1'), { fairnessKey: 'b' }),
      ),
      noting(
        'high',
        pool.getConnection({ priority: 'high' }).then((connection) => connection.release()),
      ),
    ];
    expect(pool.summary().waiting).toBe(5);
    held.release();
    await Promise.all(all);
    expect(served).toEqual(['high', 'a 1', 'b 1', 'a 2', 'low']);
  });

  it('keeps a tenant from taking every connection', async () => {
    await using fixture = await openPool({ connectionLimit: 4, scheduling: 'fair', fairnessLimit: 3 });
    const { pool } = fixture;
    const noisy = Array.from({ length: 8 }, () => pool.query({ sql: 'SELECT SLEEP(0.2)', fairnessKey: 'noisy' }));
    await waitFor('it to have its share', () => pool.summary().used === 3);
    await pool.query({ sql: 'SELECT 1', fairnessKey: 'quiet' });
    expect(pool.summary()).toMatchObject({ used: 3, waiting: 5 });
    await Promise.all(noisy);
    expect(imbalanceOf(pool.stats())).toEqual([]);
  });

  it('refuses what it does not know', async () => {
    await using fixture = await openPool({ scheduling: 'fair' });
    expect(await errorOf(fixture.pool.query({ sql: 'SELECT 1', priority: 'urgent' as never }))).toMatchObject({
      code: 'POOL_OPTION_INVALID',
    });
    await using plain = await openPool();
    expect(await errorOf(plain.pool.query({ sql: 'SELECT 1', fairnessKey: 'a' }))).toMatchObject({ code: 'POOL_OPTION_INVALID' });
  });
});

describe('a pool with a target for the wait', () => {
  it('refuses some callers early because the database is overloaded, and shows it', async () => {
    await using fixture = await openPool({ connectionLimit: 2, waitTarget: 100, waitInterval: 100 });
    const { pool } = fixture;
    const all: Promise<unknown>[] = [];
    await waitFor('the load to be shed', () => {
      for (let count = 0; count < 5; count += 1) all.push(outcomeOf(pool.query('SELECT SLEEP(0.05)')));
      return pool.stats().shed > 20;
    });
    expect(await pool.health()).toMatchObject({
      status: 'degraded',
      message: expect.stringMatching(/overloaded: \d+ callers were refused/) as string,
    });
    const outcomes = await Promise.all(all);
    const refused = outcomes.filter((outcome) => (outcome as { error?: { reason?: string } }).error?.reason === 'overloaded');
    expect(refused).toHaveLength(pool.stats().shed);
    expect(outcomes.some((outcome) => 'value' in (outcome as object))).toBe(true);
    await waitFor('it to be forgotten', async () => (await pool.health()).healthy);
  });
});
