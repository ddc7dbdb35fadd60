import { describe, expect, it } from 'vitest';
import { connectionId, errorOf, openPool } from '../../support/pool-on-database.js';

describe('errno 1792', () => {
  it('is the server’s doing again once the read-only transaction that a caller asked for is over', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await pool.getConnection();
    await connection.query('START TRANSACTION READ ONLY');
    await connection.query('COMMIT');
    connection.release();
    const before = await connectionId(pool);
    await errorOf(
      pool.query("SIGNAL SQLSTATE '25006' SET MYSQL_ERRNO = 1792, MESSAGE_TEXT = 'Cannot execute statement in a READ ONLY transaction'"),
    );
    expect(await connectionId(pool)).not.toBe(before);
  });
});
