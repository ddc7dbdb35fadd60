import mysql from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../support/servers/database.js';
import { borrowByCallback, errorOf, openPool, poolOf } from '../../support/pool-on-database.js';

/** How often the pool reports three callers that have to wait. */
async function countEnqueued(pool: mysql.Pool): Promise<number> {
  let enqueued = 0;
  pool.on('enqueue', () => (enqueued += 1));
  const held = await pool.getConnection();
  const waiting = [pool.query('SELECT 1'), pool.execute('SELECT 1'), pool.getConnection().then((connection) => connection.release())];
  held.release();
  await Promise.all(waiting);
  return enqueued;
}

describe('the event "enqueue"', () => {
  it('is emitted once for each promise caller who has to wait, as by mysql2', async () => {
    await using database = await createDatabase();
    await using original = mysql.createPool({ ...database.connection, connectionLimit: 1 });
    await using ours = poolOf(database, { connectionLimit: 1 });
    expect(await countEnqueued(original)).toBe(3);
    expect(await countEnqueued(ours)).toBe(3);
  });

  it('is not emitted for a caller for whom a connection is opened', async () => {
    await using fixture = await openPool({ connectionLimit: 5 });
    const { pool } = fixture;
    let enqueued = 0;
    pool.on('enqueue', () => (enqueued += 1));
    (await borrowByCallback(pool)).release();
    expect(enqueued).toBe(0);
  });

  it('is not emitted for a caller who is refused', async () => {
    await using fixture = await openPool({ connectionLimit: 1, queueLimit: 1 });
    const { pool } = fixture;
    const held = await borrowByCallback(pool);
    let enqueued = 0;
    pool.on('enqueue', () => (enqueued += 1));
    const waiting = borrowByCallback(pool);
    await errorOf(borrowByCallback(pool));
    held.release();
    (await waiting).release();
    expect(enqueued).toBe(1);
  });
});
