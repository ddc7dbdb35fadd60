import { describe, expect, it } from 'vitest';
import { openPool, valueOf } from '../../../support/pool-on-database.js';

describe('I2: a connection that its borrower has paused', () => {
  it('is resumed before it is lent to the next borrower, which would wait forever otherwise', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    connection.pause();
    connection.release();
    expect(await valueOf(pool, "'answered'")).toBe('answered');
  });
});
