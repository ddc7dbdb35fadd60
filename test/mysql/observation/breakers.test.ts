import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import type { BreakerChange } from '../../../src/resilience/breaker/breaker-types.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { freePort } from '../../support/network/free-port.js';
import { startStatementProxy } from '../../support/network/statement-proxy.js';
import { startTcpProxy, type TcpProxy } from '../../support/network/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { connectionId, errorOf, imbalanceOf, openPool, outcomeOf, poolOf, valueOf } from '../../support/pool-on-database.js';

function changesOf(pool: Pool): BreakerChange[] {
  const changes: BreakerChange[] = [];
  pool.watch('breakerChanged', (change) => changes.push(change));
  return changes;
}

/** The states that a breaker went into. */
function pathOf(changes: readonly BreakerChange[], breaker: string): string[] {
  return changes.filter((change) => change.breaker === breaker).map(({ to }) => to);
}

/** Asks again and again, until an answer comes. */
async function firstAnswer(pool: Pool): Promise<unknown> {
  return await waitFor(
    'the pool to serve',
    () => valueOf(pool, '7'),
    () => true,
  );
}

describe('the breaker for connecting', () => {
  it('refuses callers at once, with the cause, while nothing can be opened, and lets them in when it can', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    await using pool = poolOf(database, { port: proxy.port });
    const changes = changesOf(pool);
    proxy.refuse();
    await waitFor('the breaker to open', async () => {
      await errorOf(pool.query('SELECT 1'));
      return !pool.breakers.connect.closed;
    });

    const errors = await Promise.all(Array.from({ length: 20 }, () => errorOf(pool.query('SELECT 1'))));
    const refused = errors.find(({ code }) => code === 'POOL_BREAKER_OPEN');
    expect(refused).toMatchObject({
      message: expect.stringMatching(/^Breaker 'connect' is (open|half-open): 3 calls in a row failed; .*ECONNREFUSED/) as string,
      cause: { code: expect.stringMatching(/^ECONN/) as string },
      pool: { total: 0 },
    });
    expect(await pool.health()).toMatchObject({
      status: 'unhealthy',
      checks: expect.arrayContaining([expect.objectContaining({ name: 'breakers', status: 'fail' })]) as unknown,
    });

    await proxy.accept();
    expect(await firstAnswer(pool)).toBe(7);
    expect(pool.stats().breakers.connect).toMatchObject({ state: 'closed', reason: null });
    expect(pathOf(changes, 'connect')[0]).toBe('open');
    expect(pathOf(changes, 'connect').at(-1)).toBe('closed');
    expect(imbalanceOf(pool.stats())).toEqual([]);
  });

  it('comes back by itself when minIdle asks for a connection, though no caller asks', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    await using pool = poolOf(database, { port: proxy.port, minIdle: 1 });
    await pool.ready();
    proxy.refuse();
    proxy.reset();
    await waitFor('the breaker to open', () => !pool.breakers.connect.closed);
    await proxy.accept();
    await waitFor('the breaker to close', () => pool.breakers.connect.closed);
    expect(await valueOf(pool, '7')).toBe(7);
  });

  it('keeps no caller from connections that are open', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    await using pool = poolOf(database, { port: proxy.port, connectionLimit: 2 });
    const held = await pool.getConnection();
    proxy.refuse();
    pool.breakers.connect.open('by the test');
    const waiting = valueOf(pool, '7');
    held.release();
    expect(await waiting).toBe(7);
    expect(pool.stats().breakers.connect).toMatchObject({ refused: 0 });
  });

  it('does not open for a wrong password: the server answers', async () => {
    await using database = await createDatabase();
    await using pool = poolOf(database, { password: 'certainly-wrong' });
    for (let round = 0; round < 6; round += 1) {
      pool.evict();
      expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 1045 } });
    }
    expect(pool.stats().breakers.connect).toMatchObject({ state: 'closed', failures: 0 });
  });

  it('is held open manually: no connection is opened until it is let go', async () => {
    await using fixture = await openPool();
    const { pool, database } = fixture;
    const letGo = pool.breakers.connect.isolate('the network is worked on');
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_BREAKER_OPEN' });
    await errorOf(pool.ready({ timeout: 200 }));
    expect(await database.serverConnections()).toBe(0);
    letGo();
    expect(await firstAnswer(pool)).toBe(7);
  });

  it('is off when the option says so', async () => {
    await using database = await createDatabase();
    await using pool = poolOf(database, { port: await freePort(), breakers: { connect: false } });
    for (let round = 0; round < 6; round += 1) expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED' });
  });
});

/** Opens after few failures, so that tests are short. */
const SENSITIVE: PoolOptions = { breakers: { statement: { minimumCalls: 4 } } };

/** @returns whether the breaker has opened: all that follows from it was seen then */
async function opensForSlowStatements(database: TestDatabase, proxy: TcpProxy): Promise<boolean> {
  await using pool = poolOf(database, { port: proxy.port, connectionLimit: 4, acquireTimeout: 0, ...SENSITIVE });
  const changes = changesOf(pool);
  // Opened before: a server that opens slowly would have the first of them time out before the last one runs.
  const opened = await Promise.all(Array.from({ length: 4 }, () => pool.getConnection()));
  for (const connection of opened) connection.release();
  const slow = Array.from({ length: 4 }, () => errorOf(pool.query({ sql: 'SELECT SLEEP(20)', timeout: 150 })));
  await waitFor('all connections to be taken', () => pool.summary().used === 4);
  // No kill is acknowledged, so that no connection comes free before the last of them has failed.
  proxy.pause();
  const waiting = Array.from({ length: 5 }, () => outcomeOf(pool.query('SELECT 1')));

  expect((await Promise.all(slow)).map(({ code }) => code)).toEqual(Array.from({ length: 4 }, () => 'POOL_QUERY_TIMEOUT'));
  const hasOpened = pathOf(changes, 'statement').includes('open');
  if (!hasOpened) proxy.resume();
  for (const outcome of await Promise.all(waiting)) {
    if (!hasOpened) return false;
    expect(outcome).toMatchObject({
      error: {
        code: 'POOL_BREAKER_OPEN',
        message: expect.stringMatching(
          /^Breaker 'statement' is open: 4 of 4 calls failed; the last error: The statement took longer than 150 ms/,
        ) as string,
      },
    });
  }
  proxy.resume();
  expect(await firstAnswer(pool)).toBe(7);
  expect(pathOf(changes, 'statement').slice(0, 2)).toEqual(['open', 'half-open']);
  expect(pathOf(changes, 'statement').at(-1)).toBe('closed');
  expect(imbalanceOf(pool.stats())).toEqual([]);
  return true;
}

describe('the breaker for statements', () => {
  it('opens when statements take too long, refuses the waiters, and closes when one is answered', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    // A time that is up while this process itself stands still counts against no server: a busy machine needs another round.
    let hasOpened = false;
    for (let round = 0; round < 100 && !hasOpened; round += 1) hasOpened = await opensForSlowStatements(database, proxy);
    expect(hasOpened).toBe(true);
  });

  it('opens when connections break under statements', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    await using pool = poolOf(database, { port: proxy.port, connectionLimit: 4, ...SENSITIVE });
    const lost = Array.from({ length: 4 }, () => errorOf(pool.query('SELECT SLEEP(20)')));
    await waitFor('all to run', async () => (await database.processlist()).filter(({ info }) => info?.includes('SLEEP')).length === 4);
    proxy.reset();
    expect((await Promise.all(lost)).map(({ code }) => code)).toEqual(Array.from({ length: 4 }, () => 'POOL_CONNECTION_LOST'));
    expect(pool.breakers.statement.state).toBe('open');
    expect(await firstAnswer(pool)).toBe(7);
  });

  it('opens when statements are slow, where that was asked for', async () => {
    await using fixture = await openPool({ breakers: { statement: { slowCallTime: 50, slowCallRate: 100, minimumCalls: 3 } } });
    const { pool } = fixture;
    for (let round = 0; round < 3; round += 1) await pool.query('SELECT SLEEP(0.06)');
    expect(pool.breakers.statement.snapshot()).toMatchObject({ state: 'open', reason: '3 of 3 calls were slow', failures: 0 });
  });

  it('does not open for errors of SQL, for statements that their callers gave up, or for connections that we close', async () => {
    await using fixture = await openPool({ connectionLimit: 4, ...SENSITIVE });
    const { pool } = fixture;
    for (let round = 0; round < 10; round += 1) {
      expect(await errorOf(pool.query('SELECT * FROM no_such_table'))).toMatchObject({ errno: 1146 });
      const controller = new AbortController();
      const given = errorOf(pool.query({ sql: 'SELECT SLEEP(20)', signal: controller.signal }));
      await waitFor('it to run', () => pool.summary().used > 0);
      controller.abort();
      expect(await given).toMatchObject({ code: 'POOL_ABORTED' });
      const connection = await pool.getConnection();
      const cut = outcomeOf(connection.query('SELECT SLEEP(20)'));
      connection.destroy();
      await cut;
    }
    expect(pool.stats().breakers.statement).toMatchObject({ state: 'closed', failures: 0 });
  });

  it('counts a transaction whose time was up, and a signal that is a timeout', async () => {
    await using fixture = await openPool({ connectionLimit: 4 });
    const { pool } = fixture;
    await pool.query('SELECT 1');
    await errorOf(pool.transaction((tx) => tx.query('SELECT SLEEP(20)'), { timeout: 1_000 }));
    await errorOf(pool.query({ sql: 'SELECT SLEEP(20)', signal: AbortSignal.timeout(1_000) }));
    expect(pool.stats().breakers.statement).toMatchObject({ state: 'closed', failures: 2 });
  });

  it('does not open when all connections are killed once under a load that otherwise does well', async () => {
    await using fixture = await openPool({ connectionLimit: 10 });
    const { pool, database } = fixture;
    for (let round = 0; round < 30; round += 1) await pool.query('SELECT 1');
    const sleeping = Array.from({ length: 10 }, () => errorOf(pool.query('SELECT SLEEP(20)')));
    await waitFor('all to run', () => pool.summary().used === 10);
    await database.killConnections();
    await Promise.all(sleeping);
    expect(pool.stats().breakers.statement).toMatchObject({ state: 'closed', failures: 10 });
    expect(await valueOf(pool, '7')).toBe(7);
  });

  it('lets this many callers through as probes, and refuses the others at once', async () => {
    await using database = await createDatabase();
    await using counting = await startStatementProxy({ port: database.port });
    await using pool = poolOf(database, { port: counting.port, connectionLimit: 10 });
    await Promise.all(Array.from({ length: 10 }, () => pool.query('SELECT SLEEP(0.05)')));
    pool.breakers.statement.open('by the test');
    await waitFor('its time to be up', () => pool.breakers.statement.snapshot().nextProbeInMs === 0);
    const before = counting.statements.length;
    const answers = await Promise.all(Array.from({ length: 50 }, () => outcomeOf(pool.query('SELECT 1'))));
    expect(answers.filter((answer) => 'value' in answer)).toHaveLength(1);
    expect(counting.statements.length - before).toBe(1);
    expect(await valueOf(pool, '7')).toBe(7);
  });

  it('replaces a probe whose caller has given it up, or never runs anything', async () => {
    await using fixture = await openPool({ breakers: { statement: { probeTimeout: 100, shortestOpen: 10, longestOpen: 10 } } });
    const { pool } = fixture;
    await pool.query('SELECT 1');
    const { statement } = pool.breakers;
    const admitted = async (probe: () => Promise<unknown>): Promise<void> => {
      statement.open('by the test');
      await waitFor('its time to be up', () => statement.snapshot().nextProbeInMs === 0);
      await probe();
      expect(statement.state).toBe('half-open');
      // Without an outcome, it takes the next one for the probe, and closes.
      expect(await firstAnswer(pool)).toBe(7);
      expect(statement.state).toBe('closed');
    };
    await admitted(async () => {
      const controller = new AbortController();
      const given = errorOf(pool.query({ sql: 'SELECT SLEEP(20)', signal: controller.signal }));
      await waitFor('it to run', () => pool.summary().used > 0);
      controller.abort();
      expect(await given).toMatchObject({ code: 'POOL_ABORTED' });
    });
    const held: { release(): void }[] = [];
    await admitted(async () => void held.push(await pool.getConnection()));
    held[0]?.release();
    expect(statement.snapshot()).toMatchObject({ failures: 0 });
  });

  it('lets borrowers continue with the connections that they have', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    await using connection = await pool.getConnection();
    const letGo = pool.breakers.statement.isolate();
    expect(await connectionId(connection)).toBe(connection.threadId);
    expect(await errorOf(pool.getConnection())).toMatchObject({ code: 'POOL_BREAKER_OPEN', message: /isolated manually/ });
    expect(await errorOf(new Promise((_, reject) => pool.pool.query('SELECT 1', reject)))).toMatchObject({ code: 'POOL_BREAKER_OPEN' });
    letGo();
    expect(await valueOf(pool, '7')).toBe(7);
  });

  it('does not hide that the pool is suspended or closed', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    pool.breakers.statement.isolate();
    pool.suspend();
    expect(await errorOf(pool.getConnection({ timeout: 30 }))).toMatchObject({ code: 'POOL_SUSPENDED' });
    await pool.end();
    expect(await errorOf(pool.getConnection())).toMatchObject({ code: 'POOL_CLOSED' });
  });
});

describe('a database that falls silent under 200 callers', () => {
  it('costs each refused call next to nothing, and is not stormed when it is back', async () => {
    await using database = await createDatabase();
    await using counting = await startStatementProxy({ port: database.port });
    await using proxy = await startTcpProxy(counting);
    const impatient = { connectTimeout: 1_500, validationTimeout: 1_000 };
    await using pool = poolOf(database, { port: proxy.port, connectionLimit: 10, minIdle: 1, ...impatient });
    const changes = changesOf(pool);
    /** Of each refused call, whether it had its error in the next turn of the event loop. */
    const refusedAtOnce: boolean[] = [];
    let served = 0;
    let turns = 0;
    const countTurns = (): void => {
      turns += 1;
      if (!stop.signal.aborted) setImmediate(countTurns);
    };
    // A caller without patience would break connections on a busy machine.
    let timeout = 10_000;
    const stop = new AbortController();
    const caller = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        const turn = turns;
        const outcome = await outcomeOf(pool.query({ sql: 'SELECT 1', timeout }));
        if ('value' in outcome) served += 1;
        else if ((outcome.error as { code?: string }).code === 'POOL_BREAKER_OPEN') refusedAtOnce.push(turns - turn <= 1);
        await delay(20);
      }
    };
    countTurns();
    const callers = Array.from({ length: 200 }, caller);
    // Ends them no matter what happens below.
    await using _ = { [Symbol.asyncDispose]: async () => void (stop.abort(), await Promise.all(callers)) };
    await waitFor('every caller to be served', () => served > 400);

    timeout = 300;
    proxy.pause();
    await waitFor('no connection to be left', () => pool.summary().total === 0 && !pool.breakers.connect.closed);
    refusedAtOnce.length = 0;
    const heapBefore = process.memoryUsage().heapUsed;
    await waitFor('many to be refused', () => refusedAtOnce.length > 4_000);
    // The others are the probes, and those that were sent before.
    expect(refusedAtOnce.filter((atOnce) => !atOnce).length).toBeLessThan(400);
    // 4 000 errors of a few KiB each come and go.
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(64 * 2 ** 20);
    expect(pool.summary().waiting).toBeLessThanOrEqual(1);

    // What was sent into the dark is lost, as after a restart.
    proxy.reset();
    const openedBefore = pool.stats().opened;
    let mostAtOnce = 0;
    // A busy server may be later than a probe waits.
    let failedProbes = 0;
    pool.watch('connectFailed', () => {
      if (openedAtClose !== undefined) return;
      mostAtOnce = Math.max(mostAtOnce, pool.summary().opening);
      failedProbes += 1;
    });
    const statementsBefore = counting.statements.length;
    let acceptedAtClose: number | undefined;
    let openedAtClose: number | undefined;
    let statementsAtClose: number | undefined;
    pool.watch('breakerChanged', ({ to }) => {
      if (to !== 'closed' || !pool.breakers.connect.closed || !pool.breakers.statement.closed) return;
      openedAtClose ??= pool.stats().opened - openedBefore;
      acceptedAtClose ??= counting.accepted;
      statementsAtClose ??= counting.statements.length - statementsBefore;
    });
    served = 0;
    timeout = 10_000;
    // In the same turn of the event loop: the next attempt, not one that is under way, is to find the server.
    while (pool.breakers.connect.state !== 'open') await nextTurn();
    // What was sent into the dark meanwhile is lost, too: the server must not get it when the breaker already tries.
    proxy.reset();
    proxy.resume();
    await waitFor('every caller to be served again', () => served > 400);
    stop.abort();
    await Promise.all(callers);

    // Of connecting: one at a time. Of statements: one probe, and what sets a session up.
    expect(mostAtOnce).toBeLessThanOrEqual(1);
    expect(openedAtClose).toBeLessThanOrEqual(2);
    // And so the server saw it: then as many connections as there may be. Before, it also accepts connections that were opened into the dark and given up.
    expect(acceptedAtClose).toBeDefined();
    expect(counting.accepted - (acceptedAtClose ?? 0)).toBeLessThanOrEqual(10 + 3);
    expect(statementsAtClose).toBeLessThanOrEqual(4 + failedProbes);
    expect(await database.serverConnections()).toBeLessThanOrEqual(11);
    expect(pathOf(changes, 'connect')).toContain('open');
    expect(pool.breakers.connect.closed && pool.breakers.statement.closed).toBe(true);
    expect(imbalanceOf(pool.stats())).toEqual([]);
  });
});

describe('the option breakers', () => {
  it.each([
    [{ breakers: { connect: { failureRate: -1 } } }, /failureRate must be a whole number from 0 to 100/],
    [{ breakers: { statements: {} } as never }, /Unknown option statements. Did you mean statement\?/],
    [{ breakers: true as never }, /breakers must be false, or an object of breakers/],
    [{ breakers: { statement: 5 as never } }, /breakers.statement must be false, or an object of options/],
  ])('%o is refused', (options, message) => {
    expect(() => poolOf({ connection: {} } as never, { host: 'localhost', ...options })).toThrow(message);
  });

  it('false switches both off, except for opening manually', async () => {
    await using database = await createDatabase();
    await using pool = poolOf(database, { breakers: false });
    await Promise.all(Array.from({ length: 30 }, () => outcomeOf(pool.query({ sql: 'SELECT SLEEP(20)', timeout: 50 }))));
    expect(await valueOf(pool, '7')).toBe(7);
    const letGo = pool.breakers.statement.isolate();
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_BREAKER_OPEN' });
    letGo();
  });
});
