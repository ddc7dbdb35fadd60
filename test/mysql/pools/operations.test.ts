import { describe, expect, it } from 'vitest';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { createDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';
import { connectionId, errorOf, openPool, poolOf, untilServed, valueOf } from '../../support/pool-on-database.js';
import { startServer } from '../../support/sql-servers/this-server.js';

describe('ready()', () => {
  it('resolves when the minimum of connections is open', async () => {
    await using fixture = await openPool({ connectionLimit: 5, minIdle: 3 });
    await fixture.pool.ready();
    expect(fixture.pool.summary()).toMatchObject({ idle: 3, total: 3 });
    expect(await fixture.database.serverConnections()).toBe(3);
  });

  it('opens one when no minimum is asked for', async () => {
    await using fixture = await openPool();
    await fixture.pool.ready();
    expect(fixture.pool.summary()).toMatchObject({ idle: 1 });
  });

  it('throws the reason at once when it will not change by itself', async () => {
    await using fixture = await openPool({ password: 'wrong' });
    const error = await errorOf(fixture.pool.ready());
    expect(error).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 1045 } });
    expect(error.message).toMatch(/^Could not connect: 0 of 1 connections are open; Access denied for user/u);
  });

  it('throws at its timeout when the database is not reachable, and at once when the pool is closed', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    proxy.refuse();
    await using pool = poolOf(database, { port: proxy.port });
    expect(await errorOf(pool.ready({ timeout: 80 }))).toMatchObject({
      code: 'POOL_CONNECT_FAILED',
      message: expect.stringContaining('Not ready within 80 ms: 0 of 1 connections are open; '),
      cause: { code: 'ECONNREFUSED' },
    });
    const ready = pool.ready();
    await proxy.accept();
    await ready;
    await pool.end();
    expect(await errorOf(pool.ready())).toMatchObject({ code: 'POOL_CLOSED' });
  });
});

describe('resize()', () => {
  it('raises the limit for the waiters, and lowers it by closing what is idle now and what is lent later', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const first = await pool.getConnection();
    const waiting = [pool.getConnection(), pool.getConnection()];
    pool.resize({ connectionLimit: 3 });
    const others = await Promise.all(waiting);
    expect(pool.summary()).toMatchObject({ used: 3, limit: 3 });

    first.release();
    pool.resize({ connectionLimit: 1 });
    expect(pool.summary()).toMatchObject({ limit: 1, idle: 0 });
    for (const connection of others) connection.release();
    await waitFor('one connection to be left', async () => (await database.serverConnections()) === 1);
    expect(pool.stats().closedByReason.surplus).toBe(2);
    expect(() => pool.resize({ connectionLimit: 0 })).toThrow(expect.objectContaining({ code: 'POOL_OPTION_INVALID' }));
    expect(pool.options.connectionLimit).toBe(1);
  });
});

describe('evict()', () => {
  it('replaces every connection without disturbing any caller', async () => {
    await using fixture = await openPool({ connectionLimit: 3, minIdle: 2 });
    const { pool, database } = fixture;
    await pool.ready();
    const held = await pool.getConnection();
    await waitFor('two idle', () => pool.summary().idle === 2);
    const before = (await database.processlist()).map(({ id }) => id);
    pool.evict();
    expect(before).toContain(await connectionId(held));
    expect(held.active).toBe(true);
    held.release();
    await waitFor('new ones only', async () => {
      const now = (await database.processlist()).map(({ id }) => id);
      return now.length === 2 && now.every((id) => !before.includes(id));
    });
    expect(pool.stats().closedByReason.evicted).toBe(3);
  });
});

describe('suspend() and resume()', () => {
  it('let acquires wait, with their deadlines running, and leave borrowers alone', async () => {
    await using fixture = await openPool({ connectionLimit: 2 });
    const { pool } = fixture;
    await using held = await pool.getConnection();
    pool.suspend();
    expect(await errorOf(pool.getConnection({ timeout: 30 }))).toMatchObject({ code: 'POOL_SUSPENDED' });
    await expect(valueOf(held, '1')).resolves.toBe(1);
    const waiting = valueOf(pool, "'served'");
    expect(pool.summary()).toMatchObject({ state: 'suspended', waiting: 1 });
    pool.resume();
    expect(await waiting).toBe('served');
  });

  it('can be ended while it is suspended: the waiters are refused', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    pool.suspend();
    const waiting = errorOf(pool.query('SELECT 1'));
    await pool.end();
    expect(await waiting).toMatchObject({ code: 'POOL_CLOSED' });
  });
});

describe('I10: drain()', () => {
  it('serves the waiters, lets borrowers finish, refuses new work, and says goodbye to the server', async () => {
    // A server of its own: it counts the goodbyes that it misses for all its clients.
    await using server = await startServer();
    await using database = await createDatabase(server);
    await using pool = poolOf(database, { connectionLimit: 2 });
    await using admin = await database.connectAsAdmin();
    const aborted = async (): Promise<number> => {
      const [rows] = await admin.query("SHOW GLOBAL STATUS LIKE 'Aborted_clients'");
      return Number((rows as { Value: string }[])[0]?.Value);
    };
    const abortedBefore = await aborted();
    const held = await pool.getConnection();
    const running = pool.query('SELECT SLEEP(0.05) AS slept');
    const waiting = pool.query('SELECT 1 AS one');
    const drained = pool.drain({ timeout: 5_000 });

    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_DRAINING' });
    expect((await running)[0]).toEqual([{ slept: 0 }]);
    expect((await waiting)[0]).toEqual([{ one: 1 }]);
    await expect(valueOf(held, "'still mine'")).resolves.toBe('still mine');
    held.release();
    expect(await drained).toMatchObject({ complete: true, cutOff: [], refused: 0 });
    await waitFor('no connection', async () => (await database.serverConnections()) === 0);
    expect(await aborted()).toBe(abortedBefore);
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CLOSED' });
    await pool.end();
  });

  it('keeps its deadline, and reports whom it cut off', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    const running = errorOf(held.query('SELECT SLEEP(1000)'));
    const waiting = errorOf(pool.query('SELECT 1'));
    const report = await pool.drain({ timeout: 80 });
    expect(report).toMatchObject({ complete: false, refused: 1 });
    expect(report.cutOff.map(({ description }) => description)).toEqual([
      expect.stringMatching(new RegExp(`^connection ${held.threadId} \\(a statement running for \\d+ ms: SELECT SLEEP\\(\\?\\)\\)$`, 'u')),
    ]);
    expect(await running).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
    expect(await waiting).toMatchObject({ code: 'POOL_DRAINING' });
  });
});

describe('end()', () => {
  it('refuses the waiters, lets what was sent finish, and leaves nothing on the server', async () => {
    await using fixture = await openPool({ connectionLimit: 2 });
    const { pool, database } = fixture;
    const running = pool.query('SELECT SLEEP(0.05) AS slept');
    const alsoRunning = pool.execute('SELECT SLEEP(0.05) AS slept');
    await waitFor('both to run', () => pool.summary().used === 2);
    const waiting = errorOf(pool.query('SELECT 1'));
    const ended = pool.end();
    expect(await waiting).toMatchObject({ code: 'POOL_CLOSED', message: 'Pool is closed.' });
    expect((await running)[0]).toEqual([{ slept: 0 }]);
    expect((await alsoRunning)[0]).toEqual([{ slept: 0 }]);
    await ended;
    await pool.end();
    await pool[Symbol.asyncDispose]();
    await waitFor('no connection', async () => (await database.serverConnections()) === 0);
  });

  it('may be called while connections are being opened, or nothing was ever opened', async () => {
    await using database = await createDatabase();
    const opening = poolOf(database, { minIdle: 5, connectionLimit: 5 });
    const waiting = errorOf(opening.query('SELECT 1'));
    await opening.end();
    expect(await waiting).toMatchObject({ code: 'POOL_CLOSED' });
    await poolOf(database).end();
    await waitFor('no connection', async () => (await database.serverConnections()) === 0);
  });
});

describe('drain() and end()', () => {
  it('may be called together, in any form: all of them resolve when nothing is left', async () => {
    await using fixture = await openPool({ connectionLimit: 2 });
    const { pool, database } = fixture;
    const running = pool.query('SELECT SLEEP(0.05) AS slept');
    await pool.ready();
    const byCallback = (): Promise<unknown> => new Promise((resolve) => pool.pool.end(resolve));
    await Promise.all([pool.drain(), pool.end(), byCallback(), pool.end(), pool.drain({ queue: 'refuse' }), pool[Symbol.asyncDispose]()]);
    expect((await running)[0]).toEqual([{ slept: 0 }]);
    expect(pool.stats()).toMatchObject({ state: 'closed', total: 0, waiting: 0 });
    await waitFor('no connection', async () => (await database.serverConnections()) === 0);
  });

  it('refuse the waiters of a suspended pool, which cannot serve them', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    pool.suspend();
    const waiting = errorOf(pool.query('SELECT 1'));
    expect(await pool.drain()).toMatchObject({ complete: true });
    expect(await waiting).toMatchObject({ code: 'POOL_DRAINING' });
  });
});

describe('health()', () => {
  it('is healthy when all is well, deep or not', async () => {
    await using fixture = await openPool({ connectionLimit: 4 });
    const { pool } = fixture;
    expect(await pool.health()).toMatchObject({ status: 'healthy', healthy: true, message: '0 of 4 connections are in use' });
    const deep = await pool.health({ deep: true });
    expect(deep).toMatchObject({ status: 'healthy', healthy: true });
    expect(deep.checks.map(({ name, status }) => `${name}: ${status}`)).toEqual(
      expect.arrayContaining(['state: pass', 'connections: pass', 'utilization: pass', 'waiting: pass', 'query: pass']),
    );
    expect(Object.isFrozen(deep)).toBe(true);
  });

  it('is unhealthy when the database cannot be reached, with the reason', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    proxy.refuse();
    await using pool = poolOf(database, { port: proxy.port, connectTimeout: 200, acquireTimeout: 200 });
    const health = await pool.health({ deep: true });
    expect(health).toMatchObject({ status: 'unhealthy', healthy: false });
    expect(health.message).toContain('ECONNREFUSED');
    await proxy.accept();
    await waitFor('health', async () => (await pool.health({ deep: true })).status !== 'unhealthy');
  });

  it('is unhealthy when the server does not answer, and says so in time', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    await using pool = poolOf(database, { port: proxy.port, validationTimeout: 150, connectTimeout: 150, validateAfterIdle: 500 });
    await untilServed(pool);
    proxy.pause();
    const health = await pool.health({ deep: true });
    expect(health).toMatchObject({
      status: 'unhealthy',
      checks: expect.arrayContaining([expect.objectContaining({ name: 'query', status: 'fail' })]),
    });
    proxy.resume();
  });

  it('is unhealthy while the pool lends nothing: suspended, draining, closed', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    pool.suspend();
    expect((await pool.health()).status).toBe('unhealthy');
    pool.resume();
    await pool.end();
    expect(await pool.health({ deep: true })).toMatchObject({ status: 'unhealthy', message: expect.stringContaining('closed') });
  });

  it('is degraded when too many wait', async () => {
    await using fixture = await openPool({ connectionLimit: 1, health: { waiting: 2 } });
    const { pool } = fixture;
    const held = await pool.getConnection();
    const waiting = [pool.query('SELECT 1'), pool.query('SELECT 1')];
    expect(await pool.health()).toMatchObject({ status: 'degraded', healthy: false, message: expect.stringContaining('2 callers wait') });
    held.release();
    await Promise.all(waiting);
    expect((await pool.health()).status).toBe('healthy');
  });
});

describe('what the pool shows', () => {
  it('is frozen, and shows options without secrets', async () => {
    await using fixture = await openPool({ connectionLimit: 3 });
    const { pool, database } = fixture;
    await pool.query('SELECT 1');
    expect(pool.options).toMatchObject({
      connectionLimit: 3,
      hygiene: 'auto',
      tls: 'off',
      user: database.user,
      endpoint: { host: database.host, port: database.port, database: database.database, socketPath: undefined },
    });
    expect(JSON.stringify(pool.options)).not.toContain(database.password);
    for (const value of [pool.options, pool.stats(), pool.summary(), pool.stats().closedByReason])
      expect(Object.isFrozen(value)).toBe(true);
    expect(pool.stats()).toMatchObject({
      acquired: 1,
      released: 1,
      opened: 1,
      use: { count: 1 },
      connect: { count: 1 },
    });
    expect(pool.durationCounts('use', [1, 10_000]).cumulative.at(-1)).toBe(1);
  });

  it('names who holds connections, and where they were borrowed when leaks are looked for', async () => {
    await using fixture = await openPool({ connectionLimit: 2, leakDetectionThreshold: 40 });
    const { pool } = fixture;
    const leaked = new Promise((resolve) => {
      pool.watch('leak', resolve);
    });
    await using held = await pool.getConnection();
    expect(await leaked).toMatchObject({
      description: `connection ${held.threadId} (no statement running)`,
      place: expect.stringMatching(/^pools\/operations\.test\.ts:\d+$/),
      stack: expect.not.stringMatching(/node_modules|src\/(?:engine|mysql)/),
    });
    expect(pool.borrowed()).toHaveLength(1);
    expect(pool.stats().leaks).toBe(1);
  });

  it('takes a running statement for a long use, not for a leak', async () => {
    await using fixture = await openPool({ connectionLimit: 1, leakDetectionThreshold: 100 });
    const { pool } = fixture;
    const leaks: unknown[] = [];
    pool.watch('leak', (leak) => void leaks.push(leak));
    const usedLong = new Promise((resolve) => {
      pool.watch('longUse', resolve);
    });
    const stop = new AbortController();
    await using held = await pool.getConnection();
    const running = errorOf(held.query({ sql: 'SELECT SLEEP(60)', signal: stop.signal } as { sql: string }));
    expect(await usedLong).toMatchObject({ quietMs: 0, statement: 'SELECT SLEEP(?)' });
    expect([leaks, pool.stats().leaks]).toEqual([[], 0]);
    stop.abort();
    await running;
    await waitFor('the leak', () => leaks.length === 1);
    expect(pool.borrowed()).toMatchObject([{ leaked: true }]);
  });
});
