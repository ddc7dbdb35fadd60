import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../support/servers/database.js';
import { freePort } from '../../support/network/free-port.js';
import { type Manners, startSilentTcpServer } from '../../support/network/silent-tcp-server.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { leaksIn } from '../support/refusals.js';
import { errorOf, poolOf, valueOf } from '../../support/pool-on-database.js';

/** I6: how many attempts to connect there may be in this many milliseconds: one at a time, at least 50 ms apart. */
function mostAttempts(milliseconds: number): number {
  return 2 + milliseconds / 50;
}

describe('a port that nothing listens on', () => {
  it('is reported at once, with the cause, to every caller', async () => {
    await using database = await createDatabase();
    await using pool = poolOf(database, { port: await freePort() });
    for (const work of [() => pool.query('SELECT 1'), () => pool.execute('SELECT 1'), () => pool.getConnection()]) {
      const error = await errorOf(work());
      expect(error).toMatchObject({
        code: 'POOL_CONNECT_FAILED',
        message: expect.stringContaining('ECONNREFUSED'),
        cause: { code: 'ECONNREFUSED', syscall: 'connect' },
        pool: { state: 'running', total: 0 },
      });
      expect(leaksIn(error, [database.password])).toEqual([]);
    }
  });
});

describe('a wrong password, an unknown database, an unknown user', () => {
  it.each([
    ['password', { password: 'certainly-wrong' }, 1045],
    ['user', { user: 'nobody-knows-me' }, 1045],
    ['database', { database: 'no_such_database' }, 1044],
  ])('is reported at once, with the server’s own words and number: %s', async (_, options, errno) => {
    await using database = await createDatabase();
    await using pool = poolOf(database, options);
    const startedAt = performance.now();
    for (let round = 0; round < 3; round += 1) {
      const error = await errorOf(pool.query('SELECT 1'));
      expect(error).toMatchObject({ code: 'POOL_CONNECT_FAILED', message: expect.stringContaining('ccess denied'), cause: { errno } });
      expect(leaksIn(error, [database.password, 'certainly-wrong'])).toEqual([]);
    }
    // Later callers get the error from memory: a login that is refused must not be repeated at each query.
    expect(pool.stats().connectErrors).toBeLessThanOrEqual(mostAttempts(performance.now() - startedAt));
    expect(pool.stats().connectErrorsByCode).toHaveProperty(String(errno));
    expect(leaksIn(pool.stats(), [database.password, 'certainly-wrong'])).toEqual([]);
  });

  it('an unknown database, for an account that may see all of them', async () => {
    await using database = await createDatabase();
    await database.admin(`GRANT ALL ON *.* TO '${database.user}'@'%'`);
    await using pool = poolOf(database, { database: 'no_such_database' });
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 1049 } });
  });
});

describe('a host that does not answer', () => {
  it('is given up after connectTimeout; waiters are refused then, and not later', async () => {
    await using database = await createDatabase();
    await using silent = await startSilentTcpServer();
    await using pool = poolOf(database, { port: silent.port, connectTimeout: 150, acquireTimeout: 0 });
    const startedAt = performance.now();
    const all = await Promise.all([1, 2, 3, 4].map(() => errorOf(pool.query('SELECT 1'))));
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(149);
    for (const error of all) {
      // By the attempts of that moment: the breaker that opens meanwhile keeps out only later callers.
      expect(error).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { code: 'ETIMEDOUT' } });
    }
    expect(pool.breakers.connect.snapshot()).toMatchObject({ transitions: { open: 1 }, refused: 0 });
    // A caller that comes when its time is up is the probe, and waits for it.
    await waitFor('a caller to be kept out', async () => {
      const error = await errorOf(pool.query('SELECT 1'));
      expect(error).toMatchObject({ cause: { code: 'ETIMEDOUT' } });
      return error.code === 'POOL_BREAKER_OPEN';
    });
    await waitFor('the sockets to be closed', () => silent.live <= 1);
  });

  it('is reported as unreachable by a caller with less patience', async () => {
    await using database = await createDatabase();
    await using silent = await startSilentTcpServer();
    await using pool = poolOf(database, { port: silent.port, connectTimeout: 3_000_000, acquireTimeout: 80 });
    const error = await errorOf(pool.query('SELECT 1'));
    expect(error).toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT', reason: 'unreachable' });
    expect(error.message).toMatch(/^No connection within \d+ ms: the database could not be reached; no answer yet\./u);
    // It does not wait for the attempt, which would outlast the test.
    await pool.end();
    await waitFor('the socket to be closed', () => silent.live === 0);
  });
});

describe('a server that is not a database', () => {
  it.each(['http', 'garbage', 'close'] as const satisfies readonly Manners[])('that says %s is a failure to connect', async (manners) => {
    await using database = await createDatabase();
    await using other = await startSilentTcpServer(manners);
    await using pool = poolOf(database, { port: other.port, connectTimeout: 300 });
    const error = await errorOf(pool.query('SELECT 1'));
    expect(error.code).toBe('POOL_CONNECT_FAILED');
    expect(other.received.toString('latin1')).not.toContain(database.password);
  });
});

describe('a database that goes and comes back', () => {
  it('is used again by the next attempt after it accepts connections, under any load', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    await using pool = poolOf(database, { port: proxy.port, connectionLimit: 10 });
    expect(await valueOf(pool, '1')).toBe(1);

    proxy.refuse();
    proxy.reset();
    const downSince = performance.now();
    let failures = 0;
    let served = 0;
    let stop = false;
    // 200 callers a second, none of whom waits for the others.
    const callers: Promise<unknown>[] = [];
    const timer = setInterval(() => {
      if (stop) return;
      callers.push(
        pool.query('SELECT 1').then(
          () => (served += 1),
          () => (failures += 1),
        ),
      );
    }, 5);
    await waitFor('callers to have failed for a while', () => performance.now() - downSince > 1_200 && failures > 50);
    const { connectErrors } = pool.stats();
    // I6: one attempt at a time, 50 to 750 ms apart.
    expect(connectErrors).toBeLessThanOrEqual(mostAttempts(performance.now() - downSince));
    expect(served).toBe(0);

    await proxy.accept();
    await waitFor('the first success', () => served > 0, Boolean, { intervalMs: 2 });
    stop = true;
    clearInterval(timer);
    await Promise.all(callers);

    // One may have been under way.
    expect(pool.stats().connectErrors - connectErrors).toBeLessThanOrEqual(1);
    expect(await valueOf(pool, '1')).toBe(1);
  });

  it('I6: is not stormed while it accepts and then drops every connection', async () => {
    await using database = await createDatabase();
    await using dropping = await startSilentTcpServer('close');
    await using pool = poolOf(database, { port: dropping.port, connectionLimit: 20 });
    const started = performance.now();
    let failed = 0;
    while (performance.now() - started < 1_000) {
      const burst = await Promise.allSettled(Array.from({ length: 50 }, () => pool.query('SELECT 1')));
      failed += burst.filter(({ status }) => status === 'rejected').length;
    }
    expect(failed).toBeGreaterThanOrEqual(50);
    expect(dropping.accepted).toBeLessThanOrEqual(mostAttempts(performance.now() - started));
    expect(pool.stats()).toMatchObject({ waiting: 0, total: 0 });
  });
});

describe('a server that has no connection to spare', () => {
  it('fails no caller as long as one connection works', async () => {
    await using database = await createDatabase();
    await database.admin(`ALTER USER '${database.user}'@'%' WITH MAX_USER_CONNECTIONS 2`);
    await using pool = poolOf(database, { connectionLimit: 5 });
    const answers = await Promise.all(Array.from({ length: 30 }, (_, index) => valueOf(pool, `${index} + SLEEP(0.01)`)));
    expect(answers.map(Number)).toEqual(Array.from({ length: 30 }, (_, index) => index));
    expect(pool.stats().opened).toBe(2);
    expect(pool.stats().connectErrorsByCode).toHaveProperty('1226');
  });

  it('makes the pool refuse the waiters, and is asked again', async () => {
    await using database = await createDatabase();
    await database.admin(`ALTER USER '${database.user}'@'%' WITH MAX_USER_CONNECTIONS 1`);
    await using pool = poolOf(database);
    await using other = poolOf(database);
    await other.query('SELECT 1');
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 1226 } });
    await other.end();
    expect(await waitFor('a connection', () => valueOf(pool, "'served'"))).toBe('served');
  });
});

describe('a host name', () => {
  it('that does not exist is a failure to connect, and may come to exist', async () => {
    await using database = await createDatabase();
    await using pool = poolOf(database, { host: 'no-such-host.invalid', ssl: false });
    const error = await errorOf(pool.query('SELECT 1'));
    expect(error).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { syscall: 'getaddrinfo' } });
    expect(leaksIn(error, [database.password])).toEqual([]);
  });
});
