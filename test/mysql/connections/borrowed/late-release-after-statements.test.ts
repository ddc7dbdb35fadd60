import { describe, expect, it } from 'vitest';
import { borrowByCallback, openPool, valueOf } from '../../../support/pool-on-database.js';

describe('I1: a late release() of a callback borrower', () => {
  it('does not end the lease of a promise borrower who has run statements since', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const first = await borrowByCallback(pool);
    first.release();
    const second = await pool.getConnection();
    await second.query('SELECT 1');
    first.release();
    expect([second.active, pool.summary().used]).toEqual([true, 1]);
    const running = valueOf(second, "CONCAT('mine', SLEEP(0.02))").catch((error: Error) => error.message);
    first.destroy();
    expect(await running).toBe('mine0');
    second.release();
  });
});
