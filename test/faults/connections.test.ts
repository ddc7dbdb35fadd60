import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { errorOf, imbalanceOf, openPool, untilServed, valueOf } from '../support/pool-on-database.js';
import { captureUncaught } from '../mysql/support/uncaught.js';
import { codeOf, expectServedAgain, expectWhole, runningOn, tally } from './support/fault.js';
import { sequence } from '../support/sql-servers/sequence.js';
import { waitFor } from '../support/wait-for.js';

const SLEEP = 'SELECT SLEEP(10)';

describe('I7: connections that are killed while they are idle', () => {
  it('all at once: no query fails', async () => {
    await using fixture = await openPool({ connectionLimit: 20 });
    const { pool, database } = fixture;
    await Promise.all(Array.from({ length: 20 }, () => pool.query('SELECT SLEEP(0.05)')));
    for (let round = 0; round < 5; round += 1) {
      const ids = (await database.processlist()).map(({ id }) => id);
      expect(ids.length).toBeGreaterThan(0);
      await database.killConnections(ids);
      const killedAt = performance.now();
      expect(await tally(Array.from({ length: 200 }, () => pool.query('SELECT SLEEP(0.002)')))).toEqual({ ok: 200 });
      console.log(`${ids.length} idle connections killed: 200 queries served ${Math.round(performance.now() - killedAt)} ms later`);
    }
    await expectWhole(fixture);
  });

  it('one by one: no query fails that comes when the first of them is known to be gone', async () => {
    await using fixture = await openPool({ connectionLimit: 8 });
    const { pool, database } = fixture;
    await Promise.all(Array.from({ length: 8 }, () => pool.query('SELECT SLEEP(0.05)')));
    const killed = new Set<number>();
    for (let round = 0; round < 20; round += 1) {
      // One that is being opened would be lost by a failure to connect; one that was killed before may be listed still.
      await waitFor('all to be open', () => pool.summary().opening === 0);
      const { lost } = pool.stats().closedByReason;
      const victim = (await database.processlist()).find(({ id }) => !killed.has(id))?.id ?? 0;
      killed.add(victim);
      await database.killConnections([victim]);
      await waitFor('the loss to be noticed', () => pool.stats().closedByReason.lost > lost, Boolean, { intervalMs: 1 });
      expect(await tally(Array.from({ length: 16 }, () => pool.query('SELECT 1')))).toEqual({ ok: 16 });
    }
    await expectWhole(fixture);
  });
});

describe('I7: connections that are killed in the middle of a statement', () => {
  it('fail exactly those statements; the statements beside them and the waiters are answered', async () => {
    await using fixture = await openPool({ connectionLimit: 10 });
    const { pool, database } = fixture;
    const doomed = Array.from({ length: 6 }, () => pool.query(SLEEP));
    const outcomes = tally(doomed);
    await waitFor('six to run', async () => (await runningOn(database, SLEEP)) === 6);
    const beside = Array.from({ length: 4 }, (_, index) => valueOf(pool, `SLEEP(3) + ${index}`));
    const behind = Array.from({ length: 50 }, (_, index) => valueOf(pool, String(index)));
    await waitFor(
      'four more to run',
      async () => (await database.processlist()).filter(({ info }) => info?.includes('SLEEP(3)')).length === 4,
    );
    const victims = (await database.processlist()).filter(({ info }) => info === SLEEP).map(({ id }) => id);
    const killedAt = performance.now();
    await database.killConnections(victims);
    expect(await outcomes).toEqual({ POOL_CONNECTION_LOST: 6 });
    expect((await Promise.all(beside)).map(Number)).toEqual([0, 1, 2, 3]);
    expect(await Promise.all(behind)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(pool.stats().closedByReason.lost).toBe(6);
    await expectServedAgain(pool, 'after six kills', killedAt);
    await expectWhole(fixture);
  });

  it('however they were borrowed: manually, in a transaction, as a prepared statement, as a stream', async () => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 5 });
    const { pool, database } = fixture;
    const connection = await pool.getConnection();
    const calls = [
      codeOf(connection.query(SLEEP)),
      codeOf(pool.transaction((tx) => tx.query(SLEEP))),
      codeOf(pool.execute(SLEEP)),
      codeOf(pool.query(SLEEP)),
      // mysql2's own error, for mysql2's own stream.
      codeOf(pool.pool.query(SLEEP).stream().toArray()),
    ];
    await waitFor('five to run', async () => (await runningOn(database, SLEEP)) === 5);
    await database.killConnections();
    const killedAt = performance.now();
    const lost = 'POOL_CONNECTION_LOST';
    expect((await Promise.all(calls)).slice(0, 4)).toEqual([lost, lost, lost, lost]);
    expect(await calls[4]).toMatch(/^(PROTOCOL_CONNECTION_LOST|ER_CONNECTION_KILLED|ECONNRESET)$/u);
    connection.release();
    await expectServedAgain(pool, 'after all were killed', killedAt);
    await expectWhole(fixture);
    expect(uncaught.errors).toEqual([]);
  });
});

describe('I7: a wait_timeout shorter than the idle time', () => {
  it('costs no query, however many connections the server closes', async () => {
    await using fixture = await openPool({
      connectionLimit: 10,
      onConnect: async (connection) => void (await connection.query('SET SESSION wait_timeout = 1')),
    });
    const { pool } = fixture;
    for (let round = 0; round < 2; round += 1) {
      await Promise.all(Array.from({ length: 10 }, () => pool.query('SELECT SLEEP(0.05)')));
      // Not all of them have gone when the next queries come: those are the ones that could fail.
      await waitFor('the server to begin to close them', () => pool.stats().closedByReason.lost > round * 10, Boolean, { intervalMs: 1 });
      const outcomes = await tally(Array.from({ length: 100 }, () => pool.query('SELECT 1')));
      expect(outcomes).toEqual({ ok: 100 });
      await waitFor('the server to close the rest', () => pool.summary().total === 0);
    }
    await expectWhole(fixture);
  });
});

describe('a borrower that never releases', () => {
  it('is reported with the place where it borrowed, and the errors of others name it; it may come back', async () => {
    await using fixture = await openPool({ connectionLimit: 1, acquireTimeout: 150, leakDetectionThreshold: 60 });
    const { pool } = fixture;
    const leaks: { readonly id: number; readonly stack?: string }[] = [];
    pool.watch('leak', (leak) => void leaks.push(leak));
    const returned: number[] = [];
    pool.watch('leakReturned', ({ id }) => void returned.push(id));
    await untilServed(pool);
    const held = await pool.getConnection();
    const error = await errorOf(pool.query('SELECT 1'));
    expect(error).toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT', reason: 'exhausted' });
    expect(error.message).toContain(`connection ${held.threadId}`);
    await waitFor('the report', () => leaks.length === 1);
    expect(leaks[0]?.stack).toContain('connections.test.ts');
    await errorOf(pool.query('SELECT 1'));
    expect([leaks.length, pool.stats().leaks]).toEqual([1, 1]);
    held.release();
    const releasedAt = performance.now();
    await expectServedAgain(pool, 'after a leak came back', releasedAt);
    expect(returned).toEqual([leaks[0]?.id]);
    await expectWhole(fixture);
  });
});

describe('a result stream', () => {
  it('that is abandoned stops its statement and frees its connection', async () => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 2 });
    const { pool, database } = fixture;
    // Few rows, and wide ones: the client must read all that is on its way before the statement has ended, row by row.
    const sql = `SELECT REPEAT('x', 60000) AS wide FROM ${sequence(1_000, 'a')}, ${sequence(1_000, 'b')}`;
    for (let round = 0; round < 3; round += 1) {
      const streams = [pool.pool.query(sql).stream(), pool.pool.query(sql).stream()];
      await Promise.all(streams.map((stream) => once(stream, 'data')));
      for (const stream of streams) stream.destroy();
      const abandonedAt = performance.now();
      await expectServedAgain(pool, 'after two streams were abandoned', abandonedAt);
      await waitFor('both to be stopped', async () => (await runningOn(database, sql)) === 0);
    }
    await expectWhole(fixture);
    expect(imbalanceOf(pool.stats())).toEqual([]);
    expect(uncaught.errors).toEqual([]);
  });
});
