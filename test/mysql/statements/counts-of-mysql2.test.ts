import { describe, expect, it } from 'vitest';
import { openPool } from '../../support/pool-on-database.js';

describe('the lists of mysql2’s pool, which instrumentation and data layers read', () => {
  it('are as long as there are connections and waiters', async () => {
    await using fixture = await openPool({ connectionLimit: 2 });
    const { pool } = fixture;
    const lists = pool.pool as unknown as Record<'_allConnections' | '_freeConnections' | '_connectionQueue', { readonly length: number }>;
    const lengths = (): number[] => [lists._allConnections.length, lists._freeConnections.length, lists._connectionQueue.length];
    const first = await pool.getConnection();
    const second = await pool.getConnection();
    const waiting = pool.query('SELECT 1');
    const whileTaken = lengths();
    first.release();
    await waiting;
    const whenFree = lengths();
    second.release();
    expect([whileTaken, whenFree]).toEqual([
      [2, 0, 1],
      [2, 1, 0],
    ]);
  });
});
