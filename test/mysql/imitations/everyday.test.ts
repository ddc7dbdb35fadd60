/** The pool's everyday work on each imitated product. */
import { once } from 'node:events';
import type { RowDataPacket } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { errorOf, imbalanceOf, valueOf } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';
import { INSERT } from '../support/ledger.js';
import { openImitated, PRODUCTS } from './imitated.js';

describe.for(Object.entries(PRODUCTS))('on %s', ([, product]) => {
  it('queries, prepared statements, callbacks, streams, transactions and many callers are served, and the counters add up', async () => {
    await using imitated = await openImitated(product, { connectionLimit: 4 });
    const { pool } = imitated;
    await pool.transaction(async (tx) => {
      await tx.execute(INSERT, [1, 'prepared']);
      await tx.transaction((nested) => nested.query(INSERT, [2, 'in a savepoint']));
    });
    await errorOf(
      pool.transaction(async (tx) => {
        await tx.query(INSERT, [3, 'rolled back']);
        throw new Error('not this');
      }),
    );
    expect(await imitated.ids()).toEqual([1, 2]);

    const [prepared] = await pool.execute<RowDataPacket[]>('SELECT note FROM ledger WHERE id = ?', [1]);
    expect(prepared).toEqual([{ note: 'prepared' }]);
    const called = await new Promise((resolve, reject) => {
      pool.pool.query('SELECT note FROM ledger WHERE id = 2', (error: Error | null, rows: unknown) =>
        error === null ? resolve(rows) : reject(error),
      );
    });
    expect(called).toEqual([{ note: 'in a savepoint' }]);
    const stream = pool.pool.query('SELECT id FROM ledger ORDER BY id').stream();
    const rows: unknown[] = [];
    stream.on('data', (row) => rows.push(row));
    await once(stream, 'end');
    expect(rows).toEqual([{ id: 1 }, { id: 2 }]);

    const values = await Promise.all(Array.from({ length: 40 }, (_, caller) => valueOf(pool, `${caller}`)));
    expect(values).toEqual(values.map((_, caller) => caller));
    expect(imbalanceOf(pool.stats())).toEqual([]);
  });

  it('what a borrower leaves behind does not reach the next one under hygiene `auto`, nor does an open transaction', async () => {
    await using imitated = await openImitated(product);
    const { pool } = imitated;
    const connection = await pool.getConnection();
    await connection.query("SET @left = 'behind', time_zone = '+05:00'");
    await connection.query('START TRANSACTION');
    await connection.query(INSERT, [1, 'left open']);
    connection.release();
    expect(String(await valueOf(pool, "CONCAT_WS(' ', @left, @@time_zone)"))).not.toMatch(/behind|05:00/u);
    expect(await imitated.ids()).toEqual([]);
  });

  it('a statement that takes too long, or is aborted, ends in time for its caller', async () => {
    await using imitated = await openImitated(product);
    const { pool } = imitated;
    await pool.query('SELECT 1');
    expect(await errorOf(pool.query({ sql: 'SELECT SLEEP(60)', timeout: 300 }))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    const aborting = new AbortController();
    const aborted = errorOf(pool.query({ sql: 'SELECT SLEEP(59)', signal: aborting.signal }));
    await waitFor('the statement to be sent', () => imitated.imitation.received.some((text) => text.includes('SLEEP(59)')));
    aborting.abort();
    expect(await aborted).toMatchObject({ code: 'POOL_ABORTED' });
    expect(await valueOf(pool, '1')).toBe(1);
  });

  it('idle connections are pinged, and a drain ends them with a goodbye', async () => {
    await using imitated = await openImitated(product, { keepaliveInterval: 1_000, connectionLimit: 2 });
    const { pool, imitation } = imitated;
    await pool.query('SELECT 1');
    await waitFor('a ping', () => imitation.received.includes('PING'), Boolean);
    await pool.drain({ timeout: 30_000 });
    expect(imitation.received).toContain('QUIT');
    await waitFor('the connections to be gone', () => imitation.links.length === 0);
  });

  it('while nothing can be reached, callers are refused at once by the breaker, and served when it is back', async () => {
    let away = true;
    await using imitated = await openImitated({
      ...product,
      refuse: () => (away ? { errno: 1040, state: '08004', message: 'Too many connections' } : undefined),
    });
    const { pool } = imitated;
    await waitFor('the breaker to open', async () => {
      await errorOf(pool.query('SELECT 1'));
      return pool.breakers.connect.state === 'open';
    });
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: expect.stringMatching(/^POOL_(?:BREAKER_OPEN|CONNECT_FAILED)$/u) });
    away = false;
    await waitFor('the pool to serve', async () => (await pool.query('SELECT 1').catch(() => undefined)) !== undefined, Boolean);
  });
});
