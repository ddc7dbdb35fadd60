import { describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { borrow, internalsOf, open, sizesOf, SUBJECTS } from './support/subjects.js';

describe.each(SUBJECTS)('disposing of $name', (subject) => {
  it('of a promise connection releases it', async () => {
    await using fixture = await open(subject);
    const { pool } = fixture;
    {
      await using connection = await pool.getConnection();
      await connection.query('SELECT 1');
      expect(sizesOf(pool)).toEqual([1, 0, 0]);
    }
    expect(sizesOf(pool)).toEqual([1, 1, 0]);
  });

  it('of a callback connection releases it', async () => {
    await using fixture = await open(subject);
    const { callbacks } = fixture;
    {
      using connection = await borrow(callbacks);
      expect(sizesOf(callbacks)).toEqual([1, 0, 0]);
      expect(connection.threadId).toBeGreaterThan(0);
    }
    expect(sizesOf(callbacks)).toEqual([1, 1, 0]);
  });

  it('of a promise pool ends it', async () => {
    await using fixture = await open(subject);
    const { pool, database } = fixture;
    {
      await using disposed = pool;
      await disposed.query('SELECT 1');
    }
    expect(internalsOf(pool)._closed).toBe(true);
    await waitFor('no connection', async () => (await database.serverConnections()) === 0);
    await pool[Symbol.asyncDispose]();
  });

  it('of a callback pool ends it', async () => {
    await using fixture = await open(subject);
    const { callbacks, pool, database } = fixture;
    await pool.query('SELECT 1');
    {
      using disposed = callbacks;
      expect(internalsOf(disposed)._closed).toBe(false);
    }
    expect(internalsOf(callbacks)._closed).toBe(true);
    await waitFor('no connection', async () => (await database.serverConnections()) === 0);
  });

  it('of a connection that was released, or destroyed, before does nothing', async () => {
    await using fixture = await open(subject);
    const { pool } = fixture;
    {
      await using connection = await pool.getConnection();
      connection.release();
    }
    {
      await using connection = await pool.getConnection();
      connection.destroy();
    }
    expect(sizesOf(pool)).toEqual([0, 0, 0]);
  });
});
