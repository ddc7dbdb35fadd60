import { describe, expect, it } from 'vitest';
import { borrowByCallback, openPool, outcomeOf, valueOf } from '../../support/pool-on-database.js';

describe('I7: destroy() of a callback connection that is in the pool', () => {
  it('leaves no dead connection there: the next query is answered', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await borrowByCallback(pool);
    connection.release();
    connection.destroy();
    expect(await valueOf(pool, "'answered'")).toBe('answered');
  });

  it('in the same tick as its release does not hurt the statement that it was handed to', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await borrowByCallback(pool);
    const waiting = outcomeOf(valueOf(pool, "'answered'"));
    connection.release();
    connection.destroy();
    expect(await waiting).toEqual({ value: 'answered' });
  });

  it('in the same tick as its release does not hurt the promise borrower that it was handed to', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const connection = await borrowByCallback(pool);
    const waiting = pool.getConnection();
    connection.release();
    connection.destroy();
    await using next = await waiting;
    expect([next.active, await valueOf(next, "'answered'")]).toEqual([true, 'answered']);
  });

  it.each(['acquire', 'release'] as const)('by a listener of "%s" leaves no dead connection either', async (event) => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('SELECT 1');
    pool.once(event, (connection) => connection.destroy());
    await pool.query('SELECT 1').catch(() => undefined);
    expect(await valueOf(pool, "'answered'")).toBe('answered');
  });
});
