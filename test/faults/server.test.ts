import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PrivateServer } from '../../src/demo/private-server.js';
import { createLedger } from '../mysql/support/ledger.js';
import { connectionId, errorOf, poolOf, valueOf } from '../support/pool-on-database.js';
import { createDatabase } from '../support/servers/database.js';
import { captureUncaught } from '../mysql/support/uncaught.js';
import { codeOf, expectServedAgain, expectWhole, openFaulty, runningOn, tally } from './support/fault.js';
import { Writers } from './support/writers.js';
import { startServer } from '../support/sql-servers/this-server.js';
import { unlessOverBefore } from '../support/before-timer.js';
import { waitFor } from '../support/wait-for.js';

let server: PrivateServer;

beforeAll(async () => {
  server = await startServer({ arguments: ['--max-connections=300'] });
});

afterAll(async () => {
  await server.stop();
});

describe('I2, I6, I7, I9, I12: a server that ends under 200 callers and is started again', () => {
  it('by SIGKILL: every call settles with an answer or a code, no write is applied twice or denied, and no storm of connects follows', async () => {
    using uncaught = captureUncaught();
    await using fault = await openFaulty({ connectionLimit: 20 }, server);
    const { pool, proxy, database } = fault;
    await createLedger(database);
    const writers = new Writers(pool, 200);
    await waitFor('writes', () => writers.countOf('ok') > 500);

    await server.kill('SIGKILL');
    const acceptedBefore = proxy.accepted;
    const downSince = performance.now();
    await waitFor('failures', () => performance.now() - downSince > 1_500 && writers.countOf('POOL_CONNECT_FAILED') > 0);
    const attempts = proxy.accepted - acceptedBefore;
    const downMs = performance.now() - downSince;
    const succeeded = writers.countOf('ok');
    await server.restart();
    const upSince = performance.now();
    await waitFor('success', () => writers.countOf('ok') > succeeded, Boolean, { intervalMs: 2 });
    console.log(`SIGKILL and restart: first success ${Math.round(performance.now() - upSince)} ms after the server was ready`);
    await waitFor('writes', () => writers.countOf('ok') > succeeded + 500);
    await writers.stop();

    console.log(`SIGKILL: ${attempts} attempts to connect in ${Math.round(downMs)} ms; outcomes:`, writers.outcomes());
    // One at a time, 50 to 750 ms apart; ten may have been on their way when the server went.
    expect(attempts).toBeLessThanOrEqual(10 + downMs / 50);
    expect(writers.unsettled).toBe(0);
    expect(await writers.lies(database)).toEqual([]);
    expect(Object.keys(writers.outcomes()).toSorted()).toEqual(
      expect.arrayContaining(['POOL_CONNECTION_LOST', 'POOL_CONNECT_FAILED', 'ok']),
    );
    expect(uncaught.errors).toEqual([]);
    await expectWhole(fault);
  });

  it('with connectPatience, callers who come while it is away are served when it is back', async () => {
    await using fault = await openFaulty({ connectionLimit: 5, acquireTimeout: 0, connectPatience: 120_000, breakers: false }, server);
    const { pool } = fault;
    await pool.query('SELECT 1');
    await server.kill('SIGKILL');
    await waitFor('the loss to be seen', () => pool.stats().total === 0);
    const asked = Promise.all(Array.from({ length: 20 }, () => valueOf(pool, '7')));
    await waitFor('failed attempts', () => pool.stats().connectErrors >= 3);
    expect(pool.stats().waiting).toBe(20);
    await server.restart();
    expect(await asked).toEqual(Array.from({ length: 20 }, () => 7));
    expect(pool.stats().refused).toBe(0);
    await expectWhole(fault);
  });

  it('I6: by SIGKILL, with nothing between: few attempts while nothing listens, and callers are served by the connection that was accepted first', async () => {
    using uncaught = captureUncaught();
    await using database = await createDatabase(server);
    await using pool = poolOf(database, { connectionLimit: 20, minIdle: 1 });
    await pool.query('SELECT 1');
    await server.kill('SIGKILL');
    const downSince = performance.now();
    await waitFor('the breaker', async () => (await codeOf(pool.query('SELECT 1'))) === 'POOL_BREAKER_OPEN');
    await waitFor('an outage', () => performance.now() - downSince > 1_500);
    const attempts = pool.stats().connectErrors;
    const downMs = performance.now() - downSince;
    let served = 0;
    const asking = waitFor('an answer', async () => (await codeOf(pool.query('SELECT 1'))) === 'ok', Boolean, { intervalMs: 5 }).then(
      () => {
        served = performance.now();
      },
    );
    await server.restart();
    const upSince = performance.now();
    await asking;
    console.log(`SIGKILL, nothing between: first answer ${(served - upSince).toFixed(1)} ms after the server was seen to be ready`);
    expect(attempts).toBeLessThanOrEqual(10 + downMs / 50);
    expect(uncaught.errors).toEqual([]);
  });

  it('by SHUTDOWN: the same', async () => {
    using uncaught = captureUncaught();
    await using fault = await openFaulty({ connectionLimit: 20 }, server);
    const { pool, database } = fault;
    await createLedger(database);
    const writers = new Writers(pool, 200);
    await waitFor('writes', () => writers.countOf('ok') > 500);
    // The server ends by itself after this; `restart` only waits for it.
    await database.admin('SHUTDOWN').catch(() => undefined);
    await waitFor('failures', () => writers.countOf('POOL_CONNECT_FAILED') > 0);
    const succeeded = writers.countOf('ok');
    await server.restart();
    const upSince = performance.now();
    await waitFor('success', () => writers.countOf('ok') > succeeded, Boolean, { intervalMs: 2 });
    console.log(`SHUTDOWN and restart: first success ${Math.round(performance.now() - upSince)} ms after the server was ready`);
    await writers.stop();
    console.log('SHUTDOWN: outcomes:', writers.outcomes());
    expect(await writers.lies(database)).toEqual([]);
    expect(uncaught.errors).toEqual([]);
    await expectWhole(fault);
  });

  it('while connections are idle: no query fails that had not been sent', async () => {
    await using fault = await openFaulty({ connectionLimit: 10 }, server);
    const { pool } = fault;
    await Promise.all(Array.from({ length: 10 }, () => pool.query('SELECT SLEEP(0.02)')));
    const lost = pool.stats().closed;
    await server.kill('SIGKILL');
    await server.restart();
    expect(await tally(Array.from({ length: 100 }, () => pool.query('SELECT 1')))).toEqual({ ok: 100 });
    expect(pool.stats().closed - lost).toBeLessThanOrEqual(10);
    await expectWhole(fault);
  });
});

describe('I2: a server that is frozen (SIGSTOP)', () => {
  it('fails callers on time, whether they wait or run, and serves again after SIGCONT without a restart', async () => {
    await using fault = await openFaulty({ connectionLimit: 4, acquireTimeout: 400, validationTimeout: 1_000 }, server);
    const { pool } = fault;
    await waitFor('a connection', () => valueOf(pool, '1'));
    await server.kill('SIGSTOP');
    const told = new Set<string>();
    const tooEarly: number[] = [];
    const tooLate: number[] = [];
    const call = async (allowedMs: number, run: () => Promise<unknown>): Promise<void> => {
      const startedAt = performance.now();
      const over = unlessOverBefore(allowedMs + 50, () => tooLate.push(allowedMs));
      told.add(await codeOf(run()));
      over();
      if (performance.now() - startedAt < allowedMs - 1) tooEarly.push(allowedMs);
    };
    const calls: Promise<void>[] = [];
    // The first four run, the others wait for them.
    for (const timeout of [150, 200, 250, 300]) calls.push(call(timeout, () => pool.query({ sql: 'SELECT 1', timeout })));
    for (let index = 0; index < 100; index += 1) {
      const timeout = 100 + index;
      calls.push(call(timeout, () => pool.query({ sql: 'SELECT 1', timeout })));
      calls.push(call(timeout, () => pool.execute({ sql: 'SELECT 1', timeout })));
      calls.push(call(timeout, () => pool.getConnection({ timeout })));
      calls.push(call(timeout, () => pool.transaction((tx) => tx.query('SELECT 1'), { timeout })));
      calls.push(call(400, () => pool.query('SELECT 1')));
    }
    try {
      await Promise.all(calls);
    } finally {
      await server.kill('SIGCONT');
    }
    expect([...told].toSorted()).toEqual(['POOL_ACQUIRE_TIMEOUT', 'POOL_QUERY_TIMEOUT']);
    expect({ tooEarly, tooLate }).toEqual({ tooEarly: [], tooLate: [] });

    await expectServedAgain(pool, 'after SIGCONT', performance.now());
    await expectWhole(fault);
  });

  it('for a moment costs nothing but time: statements that run and callers that wait are answered after SIGCONT', async () => {
    await using fault = await openFaulty({ connectionLimit: 4 }, server);
    const { pool } = fault;
    const calls = Array.from({ length: 40 }, (_, index) => valueOf(pool, `SLEEP(0.02) + ${index}`));
    await server.kill('SIGSTOP');
    await delay(300);
    await server.kill('SIGCONT');
    expect((await Promise.all(calls)).map(Number)).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect(pool.stats()).toMatchObject({ closed: 0, timedOut: 0 });
    await expectWhole(fault);
  });
});

describe('I7: a fail-over to read-only (SET GLOBAL read_only = 1)', () => {
  it('fails the writes with 1290, and retires every connection, including the borrowed ones', async () => {
    await using fault = await openFaulty({ connectionLimit: 4 }, server);
    const { pool, database } = fault;
    await createLedger(database);
    const borrowed = await pool.getConnection();
    const heldId = await connectionId(borrowed);
    await Promise.all([1, 2, 3].map(() => pool.query('SELECT SLEEP(0.02)')));
    const before = new Set((await database.processlist()).map(({ id }) => id));
    expect(before.size).toBe(4);
    await database.admin('SET GLOBAL read_only = 1');
    try {
      expect(await errorOf(pool.query('INSERT INTO ledger VALUES (1, NULL)'))).toMatchObject({ errno: 1290 });
      // Reads continue, by the borrower of a connection and by others.
      expect(await connectionId(borrowed)).toBe(heldId);
      expect(await valueOf(pool, '1')).toBe(1);
    } finally {
      await database.admin('SET GLOBAL read_only = 0');
    }
    const writableSince = performance.now();
    borrowed.release();
    await waitFor('all of them to be replaced', async () => (await database.processlist()).every(({ id }) => !before.has(id)));
    await pool.query('INSERT INTO ledger VALUES (1, NULL)');
    console.log(`read-only fail-over: written again after ${Math.round(performance.now() - writableSince)} ms`);
    expect(await errorOf(pool.query('INSERT INTO ledger VALUES (1, NULL)'))).toMatchObject({ errno: 1062 });
    await expectWhole(fault);
  });
});

describe('I6: a server whose max_connections are taken by others (1040)', () => {
  it('serves callers over the connections that the pool has, and refuses those of a pool that has none', async () => {
    await using fault = await openFaulty({ connectionLimit: 5 }, server);
    await using late = await openFaulty({ connectionLimit: 5 }, server);
    const { pool, database } = fault;
    await pool.query('SELECT 1');
    // One more is kept for the administrator.
    await using admin = await database.connectAsAdmin();
    await admin.query('SET GLOBAL max_connections = 10');
    const others = [];
    try {
      for (;;) {
        const other = await late.database
          .connectAsAdmin({ user: late.database.user, password: late.database.password })
          .catch(() => undefined);
        if (other === undefined) break;
        others.push(other);
      }
      expect(await tally(Array.from({ length: 50 }, () => pool.query('SELECT SLEEP(0.005)')))).toEqual({ ok: 50 });
      expect(pool.stats().connectErrorsByCode).toHaveProperty('1040');
      expect(await errorOf(late.pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 1040 } });
    } finally {
      await admin.query('SET GLOBAL max_connections = 300');
    }
    await Promise.all(others.map((other) => other.end()));
    const freeSince = performance.now();
    await expectServedAgain(late.pool, 'after max_connections', freeSince);
    for (const one of [fault, late]) await expectWhole(one);
  });
});

describe('I7: a server that shuts down while statements run (1053)', () => {
  it('fails them with a code, refuses the waiters, and the pool serves when the server is back', async () => {
    await using fault = await openFaulty({ connectionLimit: 3 }, server);
    const { pool, database } = fault;
    const calls = Array.from({ length: 10 }, () => pool.query('SELECT SLEEP(20)'));
    const outcome = tally(calls);
    await waitFor('three to run', async () => (await runningOn(database, 'SELECT SLEEP(20)')) === 3);
    await database.admin('SHUTDOWN').catch(() => undefined);
    const counts = await outcome;
    console.log('SHUTDOWN while statements run: outcomes:', counts);
    // MariaDB says 1053, 1927 or nothing to a connection that it ends, as it happens.
    const known = [
      'ER_SERVER_SHUTDOWN',
      'ER_CONNECTION_KILLED',
      'POOL_CONNECTION_LOST',
      'POOL_CONNECT_FAILED',
      'POOL_ENDPOINT_POISONED',
      'ok',
    ];
    expect(Object.keys(counts).filter((code) => !known.includes(code))).toEqual([]);
    await server.restart();
    await expectServedAgain(pool, 'after a shutdown', performance.now());
    await expectWhole(fault);
  });
});
