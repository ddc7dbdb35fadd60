import { randomBytes } from 'node:crypto';
import dns from 'node:dns';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { connectionId, errorOf, poolOf, untilServed, valueOf } from '../support/pool-on-database.js';
import { captureUncaught } from '../mysql/support/uncaught.js';
import { createDatabase } from '../support/servers/database.js';
import { startTcpProxy } from '../support/network/tcp-proxy.js';
import { expectServedAgain, expectWhole, openFaulty, runningOn, tally } from './support/fault.js';
import { sequence } from '../support/sql-servers/sequence.js';
import { waitFor } from '../support/wait-for.js';

const SLEEP = 'SELECT SLEEP(3)';

describe('I7: a network that resets all connections (RST)', () => {
  it('fails what is under way, and nothing else: waiters are served', async () => {
    await using fault = await openFaulty({ connectionLimit: 5 });
    const { pool, proxy, database } = fault;
    for (let round = 0; round < 3; round += 1) {
      const running = tally(Array.from({ length: 5 }, () => pool.query(SLEEP)));
      const waiting = tally(Array.from({ length: 50 }, () => pool.query('SELECT 1')));
      await waitFor('five to run', async () => (await runningOn(database, SLEEP)) === 5);
      proxy.reset();
      const resetAt = performance.now();
      expect(await running).toEqual({ POOL_CONNECTION_LOST: 5 });
      expect(await waiting).toEqual({ ok: 50 });
      await expectServedAgain(pool, 'after RST', resetAt);
      await waitFor('the server to have ended them', async () => (await runningOn(database, SLEEP)) === 0);
    }
    await expectWhole(fault);
  });

  it('while they are idle costs no query', async () => {
    await using fault = await openFaulty({ connectionLimit: 5 });
    const { pool, proxy } = fault;
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(Array.from({ length: 5 }, () => pool.query('SELECT SLEEP(0.01)')));
      const { lost } = pool.stats().closedByReason;
      proxy.reset();
      await waitFor('the first to be noticed', () => pool.stats().closedByReason.lost > lost, Boolean, { intervalMs: 1 });
      expect(await tally(Array.from({ length: 20 }, () => pool.query('SELECT 1')))).toEqual({ ok: 20 });
    }
    await expectWhole(fault);
  });
});

describe('I2: a black hole', () => {
  it('answers every caller in time, and leaves no trace when it ends', async () => {
    await using fault = await openFaulty({ connectionLimit: 4, acquireTimeout: 500, validationTimeout: 300, connectTimeout: 400 });
    const { pool, proxy } = fault;
    // Those that are idle are given up after three tenths of a second, those that are opened after four.
    await untilServed(pool);
    proxy.pause();
    const calls = [
      ...Array.from({ length: 10 }, () => pool.query({ sql: 'SELECT 1', timeout: 250 })),
      ...Array.from({ length: 10 }, () => pool.execute({ sql: 'SELECT 1', timeout: 250 })),
      ...Array.from({ length: 10 }, () => pool.transaction((tx) => tx.query('SELECT 1'), { timeout: 250 })),
      ...Array.from({ length: 10 }, () => pool.query('SELECT 1')),
    ];
    const counts = await tally(calls);
    console.log('black hole: outcomes:', counts);
    const codes = ['POOL_ACQUIRE_TIMEOUT', 'POOL_CONNECT_FAILED', 'POOL_QUERY_TIMEOUT'];
    expect(Object.keys(counts).filter((code) => !codes.includes(code))).toEqual([]);
    // Killing goes through the same hole: what cannot be stopped is cut off, and its place is free.
    await waitFor('nothing to be lent', () => pool.summary().used === 0);
    proxy.resume();
    await expectServedAgain(pool, 'after a black hole', performance.now());
    await expectWhole(fault);
  });

  it('that swallows idle connections is found by the ping before they are lent', async () => {
    await using fault = await openFaulty({ connectionLimit: 4, validateAfterIdle: 0, validationTimeout: 1_000 });
    const { pool, proxy } = fault;
    await Promise.all(Array.from({ length: 4 }, () => pool.query('SELECT SLEEP(0.02)')));
    const idle = pool.summary().total;
    // One that is lent again in the moment in which it came back has not idled at all.
    await delay(2);
    proxy.drop('toClient');
    const served = tally(Array.from({ length: 20 }, () => pool.query('SELECT 1')));
    // In the same turn of the event loop: the greeting of what is opened instead must come through.
    while (pool.stats().closedByReason.validation === 0) await new Promise((resolve) => setImmediate(resolve));
    proxy.drop(undefined);
    expect(await served).toEqual({ ok: 20 });
    expect(pool.stats().closedByReason.validation).toBeLessThanOrEqual(idle);
    await expectWhole(fault);
  });
});

describe('I7: half-open connections', () => {
  it.each(['toClient', 'toServer'] as const)('are found by the keepalive ping, not by a caller: nothing goes %s', async (direction) => {
    await using fault = await openFaulty({ connectionLimit: 4, keepaliveInterval: 60, validationTimeout: 100, validateAfterIdle: 600_000 });
    const { pool, proxy, database } = fault;
    await Promise.all(Array.from({ length: 4 }, () => pool.query('SELECT SLEEP(0.02)')));
    const before = (await database.processlist()).map(({ id }) => id);
    proxy.drop(direction);
    const droppedAt = performance.now();
    // On a busy machine one may have been given up before.
    await waitFor('all to be given up', () => pool.stats().closedByReason.validation >= before.length);
    console.log(`half-open ${direction}: found out ${Math.round(performance.now() - droppedAt)} ms later, by pings every 60 ms`);
    proxy.drop(undefined);
    expect(await tally(Array.from({ length: 20 }, () => pool.query('SELECT 1')))).toEqual({ ok: 20 });
    // The server never learned of their end.
    if (direction === 'toServer') await database.killConnections(before);
    await expectWhole(fault);
  });
});

describe('a slow network', () => {
  it('that drips has big results whole, and a deadline kept', async () => {
    await using fault = await openFaulty({ connectionLimit: 3 });
    const { pool, proxy } = fault;
    await Promise.all(Array.from({ length: 3 }, () => pool.query('SELECT SLEEP(0.02)')));
    proxy.drip(100_000);
    const text = randomBytes(10_000).toString('hex');
    expect(await Promise.all([1, 2, 3].map(() => valueOf(pool, `'${text}'`)))).toEqual([text, text, text]);
    proxy.drip(1_000);
    expect(await errorOf(pool.query({ sql: "SELECT REPEAT('x', 100000)", timeout: 200 }))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    proxy.drip(undefined);
    await expectServedAgain(pool, 'after a slow drip', performance.now());
    await expectWhole(fault);
  });

  it('in which connecting takes too long is a failure to connect, in time', async () => {
    await using fault = await openFaulty({ connectionLimit: 3, connectTimeout: 200 });
    const { pool, proxy } = fault;
    proxy.drip(50);
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { code: 'ETIMEDOUT' } });
    proxy.drip(undefined);
    await expectServedAgain(pool, 'after a drip too slow to connect', performance.now());
    await expectWhole(fault);
  });

  it('with latency loses and mixes up nothing', async () => {
    await using fault = await openFaulty({ connectionLimit: 5 });
    const { pool, proxy } = fault;
    proxy.delay(20);
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => valueOf(pool, String(index))));
    expect(answers).toEqual(Array.from({ length: 100 }, (_, index) => index));
    await expectWhole(fault);
  });
});

describe('I7, I11: a connection that ends in the middle of a packet', () => {
  it('fails that statement, wherever the cut is, with nothing uncaught', async () => {
    using uncaught = captureUncaught();
    await using fault = await openFaulty({ connectionLimit: 2 });
    const { pool, proxy } = fault;
    const sql = `SELECT seq, REPEAT('x', 200) AS filling FROM ${sequence(50)}`;
    let runAgain = 0;
    // Header, columns, rows: the whole answer has some 11 000 bytes. The pool notes the end before the next statement.
    for (const bytes of [1, 3, 4, 5, 9, 40, 63, 100, 150, 400, 1_000, 5_001, 9_999]) {
      for (const run of [() => pool.query(sql), () => pool.execute(sql)]) {
        await pool.query('SELECT 1');
        await waitFor('rest', () => pool.summary().idle > 0);
        proxy.cutAfter(bytes);
        const outcome = await run().then(
          ([rows]) => (rows as unknown[]).length,
          ({ code }: { readonly code?: unknown }) => code,
        );
        // A statement that was only being prepared was not run yet, and is run again.
        if (outcome === 50) runAgain += 1;
        else expect(`cut after ${bytes} bytes: ${String(outcome)}`).toBe(`cut after ${bytes} bytes: POOL_CONNECTION_LOST`);
      }
    }
    // The answer to a PREPARE has some 100 bytes.
    expect(runAgain).toBeGreaterThan(0);
    expect(runAgain).toBeLessThanOrEqual(9);
    await expectServedAgain(pool, 'after 26 cuts', performance.now());
    await expectWhole(fault);
    expect(uncaught.errors).toEqual([]);
  });

  it('during the handshake is a failure to connect, wherever the cut is', async () => {
    using uncaught = captureUncaught();
    for (const bytes of [1, 4, 20, 77, 90, 110]) {
      await using fault = await openFaulty({ connectionLimit: 2 });
      const { pool, proxy } = fault;
      proxy.cutAfter(bytes);
      const failed = await tally([pool.query('SELECT 1'), pool.query('SELECT 1')]);
      expect(Object.keys(failed).filter((code) => code !== 'POOL_CONNECT_FAILED' && code !== 'ok')).toEqual([]);
      await expectServedAgain(pool, `after a cut ${bytes} bytes into the handshake`, performance.now());
      await expectWhole(fault);
    }
    expect(uncaught.errors).toEqual([]);
  });
});

describe('a host name whose address changes', () => {
  it('is resolved again for each connection: evict() moves the pool, and so does a loss', async () => {
    await using database = await createDatabase();
    await using first = await startTcpProxy(database);
    await using second = await startTcpProxy({ port: database.port, listen: { host: '127.0.0.2', port: first.port } });
    let address = first.host;
    const lookup = vi.spyOn(dns, 'lookup').mockImplementation((...parameters: unknown[]) => {
      const callback = parameters.at(-1) as (error: null, result: unknown, family?: number) => void;
      const { all } = (typeof parameters[1] === 'object' ? parameters[1] : {}) as { all?: boolean };
      process.nextTick(() => (all === true ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4)));
    });
    try {
      await using pool = poolOf(database, { host: 'database.test', port: first.port, ssl: false, connectionLimit: 3 });
      const before = await connectionId(pool);
      expect([first.live, second.live]).toEqual([1, 0]);
      address = second.host;
      // Nothing has reported the change yet.
      expect(await connectionId(pool)).toBe(before);
      pool.evict();
      const movedAt = performance.now();
      await expectServedAgain(pool, 'after a change of address', movedAt);
      await waitFor('the pool to have moved', () => first.live === 0 && second.live > 0);

      address = first.host;
      second.refuse();
      second.reset();
      const lostAt = performance.now();
      await expectServedAgain(pool, 'after the old address was lost', lostAt);
      expect(second.live).toBe(0);
      await expectWhole({ pool, database });
    } finally {
      lookup.mockRestore();
    }
  });
});

describe('a network that comes and goes', () => {
  it('in every way, at random, for a while: every call settles with a code, and the pool is whole afterwards', async () => {
    using uncaught = captureUncaught();
    await using fault = await openFaulty({ connectionLimit: 5, acquireTimeout: 3_000, validationTimeout: 1_000, connectTimeout: 2_000 });
    const { pool, proxy } = fault;
    const over = new AbortController();
    const counts: Record<string, number> = {};
    const caller = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const all = await tally([
          pool.query({ sql: 'SELECT SLEEP(0.002)', timeout: 2_000 }),
          pool.execute({ sql: 'SELECT ?', values: [1], timeout: 2_000 }),
          pool.transaction((tx) => tx.query('SELECT 1'), { timeout: 2_000 }),
        ]);
        for (const [code, count] of Object.entries(all)) counts[code] = (counts[code] ?? 0) + count;
        await delay(2);
      }
    };
    const callers = Array.from({ length: 20 }, caller);
    for (let round = 0; round < 30; round += 1) {
      switch (round % 6) {
        case 0:
          proxy.reset();
          break;
        case 1:
          proxy.pause();
          await delay(100);
          proxy.resume();
          break;
        case 2:
          proxy.drop(round % 4 === 0 ? 'toClient' : 'toServer');
          await delay(100);
          proxy.drop(undefined);
          break;
        case 3:
          proxy.cutAfter(1 + ((round * 37) % 300));
          break;
        case 4:
          proxy.drip(2_000);
          await delay(100);
          proxy.drip(undefined);
          break;
        case 5:
          proxy.refuse();
          proxy.close();
          await delay(100);
          await proxy.accept();
      }
      const { ok = 0 } = counts;
      await waitFor('service between two faults', () => (counts['ok'] ?? 0) > ok);
    }
    over.abort();
    await Promise.all(callers);
    console.log('a network that comes and goes: outcomes:', counts);
    expect(counts['ok']).toBeGreaterThanOrEqual(30);
    await expectServedAgain(pool, 'after 30 faults', performance.now());
    await expectWhole(fault);
    expect(uncaught.errors).toEqual([]);
  });
});
