import { describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.js';
import { imbalanceOf, openPool, valueOf } from '../../support/pool-on-database.js';
import { captureUncaught } from '../support/uncaught.js';

describe('I1, I11: a stream of the callback pool that is abandoned while it waits for a connection', () => {
  it('takes none when its turn comes', async () => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    const streams = Array.from({ length: 5 }, () => pool.pool.query('SELECT 1').stream());
    for (const stream of streams) stream.destroy();
    const behind = valueOf(pool, "'served'");
    held.release();
    expect(await behind).toBe('served');
    await waitFor('the connection to come back', () => pool.summary().used === 0);
    expect(pool.stats()).toMatchObject({ opened: 1, closed: 0, waiting: 0 });
    expect(imbalanceOf(pool.stats())).toEqual([]);
    expect(uncaught.errors).toEqual([]);
  });

  it('by an abort does not either, and gets the error', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    const abort = new AbortController();
    const options = { sql: 'SELECT 1', signal: abort.signal };
    const told: unknown[] = [];
    const stream = pool.pool.query(options as { sql: string }).stream();
    stream.on('error', (error: { code?: string }) => told.push(error.code));
    abort.abort();
    held.release();
    await waitFor('the connection to come back', () => told.length > 0 && pool.summary().used === 0);
    expect(told).toEqual(['POOL_ABORTED']);
    expect(await valueOf(pool, '1')).toBe(1);
  });

  it('gets no error when the wait fails: the process continues', async () => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    pool.pool.query('SELECT 1').stream().destroy();
    // Its end is reported in the next ticks.
    await new Promise((resolve) => setImmediate(resolve));
    held.release();
    const again = await pool.getConnection();
    pool.pool.query('SELECT 1').stream().destroy();
    await new Promise((resolve) => setImmediate(resolve));
    const ended = pool.end();
    again.release();
    await ended;
    await new Promise((resolve) => setImmediate(resolve));
    expect(uncaught.errors).toEqual([]);
  });
});
