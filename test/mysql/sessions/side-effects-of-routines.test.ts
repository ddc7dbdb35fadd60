import { describe, expect, it } from 'vitest';
import { openPool, type PoolOnDatabase, valueOf } from '../../support/pool-on-database.js';

const LOCK = "CONCAT('left-', DATABASE())";

/** A pool of one connection, with a function that does something beside answering. */
async function openWithFunction(statement: string): Promise<PoolOnDatabase> {
  const fixture = await openPool({ connectionLimit: 1 });
  await fixture.pool.query('CREATE TABLE t (id INT)');
  await fixture.pool.query(`CREATE FUNCTION leave_behind() RETURNS INT BEGIN ${statement}; RETURN 1; END`);
  return fixture;
}

describe("I8: under hygiene 'auto', what statements change without saying so", () => {
  it.each([
    ['SET @left = 1', '@left'],
    ["SET time_zone = '+05:00'", "NULLIF(@@time_zone, '+05:00') IS NULL OR NULL"],
    [`DO GET_LOCK(${LOCK}, 0)`, `IS_USED_LOCK(${LOCK})`],
  ])('by a stored function is not seen by the next borrower: %s', async (statement, found) => {
    await using fixture = await openWithFunction(statement);
    const { pool } = fixture;
    for (const call of ['SELECT leave_behind()', 'SELECT * FROM (SELECT leave_behind()) AS d', 'INSERT INTO t VALUES (leave_behind())']) {
      await pool.query(call);
      expect([call, await valueOf(pool, found)]).toEqual([call, null]);
      await pool.execute(call);
      expect([call, await valueOf(pool, found)]).toEqual([call, null]);
      await pool.transaction((tx) => tx.query(call));
      expect([call, await valueOf(pool, found)]).toEqual([call, null]);
    }
    expect(pool.stats().opened).toBe(1);
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

describe('a stored function that leaves nothing behind', () => {
  it('costs no reset, and no prepared statement', async () => {
    await using fixture = await openWithFunction('DO 0');
    const { pool } = fixture;
    await pool.query('SELECT 1');
    const { resets } = pool.stats();
    for (let call = 0; call < 5; call += 1) {
      await pool.execute('SELECT leave_behind()');
      await pool.query('SELECT leave_behind()');
      await pool.transaction((tx) => tx.query('SELECT leave_behind()'));
    }
    await using connection = await pool.getConnection();
    const [[row]] = (await connection.query("SHOW SESSION STATUS LIKE 'Com_stmt_prepare'")) as unknown as [{ Value: string }[]];
    expect([pool.stats().resets, Number(row?.Value)]).toEqual([resets, 1]);
  });
});
