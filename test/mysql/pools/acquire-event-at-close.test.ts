import { describe, expect, it } from 'vitest';
import { openPool } from '../../support/pool-on-database.js';

describe('the event "acquire"', () => {
  it('is not emitted when a connection is closed: no caller has acquired it', async () => {
    await using fixture = await openPool({ connectionLimit: 3, minIdle: 3 });
    const { pool } = fixture;
    await pool.ready();
    let acquired = 0;
    pool.on('acquire', () => (acquired += 1));
    pool.evict();
    pool.resize({ connectionLimit: 1, minIdle: 0 });
    await pool.end();
    expect(acquired).toBe(0);
  });
});
