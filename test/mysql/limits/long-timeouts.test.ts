import { describe, expect, it } from 'vitest';
import { openPool } from '../../support/pool-on-database.js';

/** Longer than Node's timers: they would fire at once. */
const LONG_MS = 3_000_000_000;

describe('a time that is longer than Node’s timers', () => {
  it.each([LONG_MS, Number.POSITIVE_INFINITY])('for a statement is that long: %d ms', async (timeout) => {
    await using fixture = await openPool();
    const [rows] = await fixture.pool.query({ sql: 'SELECT SLEEP(0.02) AS slept', timeout });
    expect(rows).toEqual([{ slept: 0 }]);
  });

  it('for a transaction is that long', async () => {
    await using fixture = await openPool();
    const [rows] = await fixture.pool.transaction((tx) => tx.query('SELECT SLEEP(0.02) AS slept'), { timeout: LONG_MS });
    expect(rows).toEqual([{ slept: 0 }]);
  });

  it('for connecting is that long', async () => {
    await using fixture = await openPool({ connectTimeout: LONG_MS, acquireTimeout: 2_000 });
    const [rows] = await fixture.pool.query('SELECT 1 AS one');
    expect(rows).toEqual([{ one: 1 }]);
  });
});
