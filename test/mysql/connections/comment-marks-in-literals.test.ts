import { describe, expect, it } from 'vitest';
import { openPool, valueOf } from '../../support/pool-on-database.js';

describe('I8: what looks like a comment inside of a literal', () => {
  it.each([
    "SELECT '-- not a comment', @left := 1",
    "SELECT '# nor this', @left := 1",
    "SELECT '/*', @left := 1, '*/'",
    "SELECT 'a' -- 'a comment\n, @left := 1",
  ])('does not hide what the statement does: %s', async (statement) => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    await connection.query(statement);
    expect(Number(await valueOf(connection, '@left'))).toBe(1);
    connection.release();
    expect(await valueOf(pool, '@left')).toBeNull();
  });
});
