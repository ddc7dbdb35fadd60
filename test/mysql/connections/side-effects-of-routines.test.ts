import { describe, expect, it } from 'vitest';
import { openPool, valueOf } from '../../support/pool-on-database.js';

describe("I8: under hygiene 'auto', what statements change without saying so", () => {
  it('by a stored function is not seen by the next borrower', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('CREATE FUNCTION leave_behind() RETURNS INT BEGIN SET @left = 1; RETURN 1; END');
    await pool.query('SELECT leave_behind()');
    expect(await valueOf(pool, '@left')).toBeNull();
  });

  it('by a trigger is not seen by the next borrower', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('CREATE TABLE t (id INT)');
    await pool.query('CREATE TRIGGER leave_behind BEFORE INSERT ON t FOR EACH ROW SET @left = 1');
    await pool.query('INSERT INTO t VALUES (1)');
    expect(await valueOf(pool, '@left')).toBeNull();
  });
});
