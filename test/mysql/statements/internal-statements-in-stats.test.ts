import { describe, expect, it } from 'vitest';
import { openPool } from '../../support/pool-on-database.js';

describe('the query times of a pool', () => {
  it('are those of its callers: what it asks the server for itself does not count', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('SET @x = 1');
    await pool.execute('SELECT 1');
    expect(pool.stats().query.count).toBe(2);
    expect(pool.durationCounts('query', [1, 10_000]).cumulative.at(-1)).toBe(2);
  });
});
