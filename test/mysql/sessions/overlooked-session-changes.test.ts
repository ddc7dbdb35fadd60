import { describe, expect, it } from 'vitest';
import { openPool, valueOf } from '../../support/pool-on-database.js';
import { onlyWhere } from '../../support/sql-servers/this-server.js';
import { type DifferenceName } from '../../support/sql-servers/differences.js';

describe('I8: statements that begin harmlessly', () => {
  it.for<readonly [string, string, DifferenceName?]>([
    ["BEGIN NOT ATOMIC SET SESSION time_zone = '+05:00'; END", "@@time_zone = '+05:00'", 'compoundStatements'],
    ['BEGIN NOT ATOMIC SET @left = 1; END', '@left IS NOT NULL', 'compoundStatements'],
    ["SELECT GET_LOCK/* quietly */(CONCAT('left-', DATABASE()), 0)", "IS_USED_LOCK(CONCAT('left-', DATABASE())) IS NOT NULL"],
    ["SELECT `GET_LOCK`(CONCAT('left-', DATABASE()), 0)", "IS_USED_LOCK(CONCAT('left-', DATABASE())) IS NOT NULL"],
    ['SELECT 1 INTO /* quietly */ @left', '@left IS NOT NULL'],
  ])('leave nothing in the session anyway: %s', async ([statement, found, needed], context) => {
    onlyWhere(context, needed);
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    await connection.query(statement);
    expect(Number(await valueOf(connection, found)), 'before the release').toBe(1);
    connection.release();
    expect(Number(await valueOf(pool, found))).toBe(0);
  });

  it.each(['FLUSH TABLES t FOR EXPORT', 'FLUSH TABLES t WITH /* quietly */ READ LOCK'])('keep no lock on tables: %s', async (statement) => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    await database.admin(`GRANT RELOAD ON *.* TO '${database.user}'@'%'`);
    await pool.query('CREATE TABLE t (id INT)');
    await pool.query(statement);
    await expect(pool.query('INSERT INTO t VALUES (1)')).resolves.toMatchObject([{ affectedRows: 1 }, undefined]);
  });
});
