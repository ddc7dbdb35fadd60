import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { borrowByCallback, openPool, valueOf } from '../../../support/pool-on-database.js';
import { sequence } from '../../../support/sql-servers/sequence.js';

const MANY_ROWS = `SELECT seq, REPEAT('x', 1000) AS text FROM ${sequence(200_000)}`;

describe('I2: a stream that its reader has paused and left, whose connection is given back', () => {
  it('is stopped on the server; the next borrower does not wait for rows that are not read', async () => {
    await using fixture = await openPool({ connectionLimit: 1, validationTimeout: 60_000 });
    const { pool } = fixture;
    const connection = await borrowByCallback(pool);
    const stream = connection.query(MANY_ROWS).stream();
    await once(stream, 'data');
    stream.pause();
    connection.release();
    expect(await valueOf(pool, "'answered'")).toBe('answered');
    expect(pool.stats()).toMatchObject({ kills: 1, opened: 1 });
  });

  it('or has destroyed, costs no connection either', async () => {
    await using fixture = await openPool({ connectionLimit: 1, validationTimeout: 60_000 });
    const { pool } = fixture;
    const stream = pool.pool.query(MANY_ROWS).stream();
    await once(stream, 'data');
    stream.destroy();
    expect(await valueOf(pool, "'answered'")).toBe('answered');
    expect(pool.stats()).toMatchObject({ kills: 1, opened: 1 });
  });

  it('is left alone while it has a listener', async () => {
    await using fixture = await openPool({ connectionLimit: 1, validationTimeout: 60_000 });
    const { pool } = fixture;
    const connection = await borrowByCallback(pool);
    const stream = connection.query(`SELECT seq FROM ${sequence(5_000)}`).stream();
    let rows = 0;
    stream.on('data', () => {
      rows += 1;
      stream.pause();
      setImmediate(() => stream.resume());
    });
    await once(stream, 'data');
    connection.release();
    await once(stream, 'end');
    expect([rows, pool.stats().kills]).toEqual([5_000, 0]);
  });
});
