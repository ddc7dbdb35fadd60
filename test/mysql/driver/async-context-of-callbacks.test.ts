import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { openPool } from '../../support/pool-on-database.js';

describe('AsyncLocalStorage in a callback that had to wait', () => {
  it('is that of the caller, not that of the borrower that released the connection', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const storage = new AsyncLocalStorage<string>();
    const held = await pool.getConnection();
    const seen = new Promise((resolve) => {
      storage.run('the caller', () => {
        pool.pool.getConnection((_, connection) => {
          resolve(storage.getStore());
          connection.release();
        });
      });
    });
    storage.run('somebody else', () => held.release());
    expect(await seen).toBe('the caller');
  });
});
