import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase } from '../../support/servers/database.js';
import { freePort } from '../../support/network/free-port.js';
import { startSilentTcpServer } from '../../support/network/silent-tcp-server.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { type BuiltPackage, buildPackage, type Ending } from '../support/built-package.js';

/** A process that ends this soon ends at once: in rounds of 10 ms. */
const AT_ONCE = 10;
/** For a process that does not end its pool: the pool looks now and then whether it is still needed. */
const SOON = 40;

let built: BuiltPackage;

beforeAll(async () => {
  built = await buildPackage();
});

afterAll(async () => {
  await built[Symbol.asyncDispose]();
});

/** Runs a program on a database of its own; afterwards none of its connections is left. */
async function run(program: string, parameters: Record<string, string> = {}): Promise<Ending> {
  await using database = await createDatabase();
  const ending = await built.run(program, { DATABASE_URL: database.url({ parameters }), CA: database.caPath });
  await waitFor('no connection', async () => (await database.serverConnections()) === 0);
  return ending;
}

describe('I11: a process', () => {
  it.each(['false', '{"rejectUnauthorized":false}'])('that ends its pool goes at once after that: ssl=%s', async (ssl) => {
    const ending = await run(
      `const pool = poolwright.createPool();
       const [rows] = await pool.query('SELECT 40 + 2 AS answer');
       print(rows[0].answer);
       await pool.end();
       print('ended');`,
      { ssl },
    );
    expect(ending).toMatchObject({ code: 0, signal: null, lines: ['42', 'ended'], stderr: '' });
    expect(ending.lingeredRounds).toBeLessThan(AT_ONCE);
  });

  it.each(['false', '{"rejectUnauthorized":false}'])('that forgets to end its pool goes soon: ssl=%s', async (ssl) => {
    const ending = await run(
      `const pool = poolwright.createPool(process.env.DATABASE_URL, { minIdle: 3 });
       await Promise.all(Array.from({ length: 50 }, () => pool.query('SELECT 1')));
       const connection = await pool.getConnection();
       await connection.query('SET @x = 1');
       connection.release();
       await pool.transaction(async (tx) => { await tx.query('SELECT 1'); });
       await pool.health({ deep: true });
       print('done');`,
      { ssl },
    );
    expect(ending).toMatchObject({ code: 0, signal: null, lines: ['done'], stderr: '' });
    expect(ending.lingeredRounds).toBeLessThan(SOON);
  });

  it('that borrows is named by its own file, wherever the package lies', async () => {
    const ending = await run(
      `const pool = poolwright.createPool({ leakDetectionThreshold: 60_000 });
       const report = () => pool.getConnection();
       const borrowed = await report();
       print(pool.borrowed()[0].place.replace(/-[0-9]+\\.mjs:[0-9]+$/, ''));
       borrowed.release();`,
    );
    expect(ending.lines).toEqual([expect.stringMatching(/\/program$/)]);
  });

  it('that only makes a pool, or asks how it is, goes soon', async () => {
    const ending = await run(
      `const pool = poolwright.createPool();
       pool.stats();
       print((await pool.health()).status);`,
    );
    expect(ending).toMatchObject({ code: 0, signal: null, lines: ['healthy'], stderr: '' });
    expect(ending.lingeredRounds).toBeLessThan(SOON);
  });

  it.each([
    ['query', "await pool.query('SELECT SLEEP(0.3)')"],
    ['execute', "await pool.execute('SELECT SLEEP(0.3)')"],
    ['query on a borrowed connection', "const c = await pool.getConnection(); await c.query('SELECT SLEEP(0.3)'); c.release()"],
    ['query by callback', "await new Promise((resolve) => pool.pool.query('SELECT SLEEP(0.3)', resolve))"],
    ['stream', "for await (const row of pool.pool.query('SELECT SLEEP(0.3)').stream());"],
    ['transaction', "await pool.transaction((tx) => tx.query('SELECT SLEEP(0.3)'))"],
    [
      'wait for a connection of others',
      "const c = await pool.getConnection(); setTimeout(() => c.release(), 300).unref(); await pool.query('SELECT 1')",
    ],
    [
      'wait without a deadline',
      "await pool.getConnection({ timeout: 0 }).then((c) => c.query('SELECT SLEEP(0.3)').then(() => c.release()))",
    ],
    ['ready()', 'await pool.ready()'],
    ['drain()', 'const c = await pool.getConnection(); setTimeout(() => c.release(), 300).unref(); await pool.drain()'],
    ['end() while a statement is running', "const q = pool.query('SELECT SLEEP(0.3)'); await pool.ready(); await pool.end(); await q"],
    ['a listener’s statement', "pool.on('connection', (c) => c.query('SELECT SLEEP(0.3)')); await pool.query('SELECT 1')"],
    [
      'onConnect',
      "const p = poolwright.createPool(process.env.DATABASE_URL, { minIdle: 0, onConnect: (c) => c.query('SELECT SLEEP(0.3)') }); await p.query('SELECT 1'); await p.end()",
    ],
  ])('stays while a caller waits for a result: %s', async (_, work) => {
    const ending = await run(
      `const pool = poolwright.createPool(process.env.DATABASE_URL, { minIdle: 0, connectionLimit: 1 });
       ${work};
       print('answered');
       await pool.end();
       print('ended');`,
    );
    expect(ending).toMatchObject({ code: 0, signal: null, lines: ['answered', 'ended'], stderr: '' });
    expect(ending.lingeredRounds).toBeLessThan(AT_ONCE);
  });

  it('that waits for a host that does not answer stays until the wait is over, and no longer', async () => {
    await using silent = await startSilentTcpServer();
    const ending = await built.run(
      `const pool = poolwright.createPool(process.env.DATABASE_URL, { connectTimeout: 60_000, acquireTimeout: 500, minIdle: 0 });
       const started = performance.now();
       const error = await pool.query('SELECT 1').catch((error) => error);
       print(error.code + ' ' + (performance.now() - started >= 499));
       await pool.end();
       print('ended');`,
      { DATABASE_URL: `mysql://app:secret@127.0.0.1:${silent.port}/shop` },
    );
    expect(ending).toMatchObject({ code: 0, signal: null, lines: ['POOL_ACQUIRE_TIMEOUT true', 'ended'], stderr: '' });
    expect(ending.lingeredRounds).toBeLessThan(AT_ONCE);
  });

  it('stays for the goodbye of a connection whose borrower waits for it (gracefulEnd)', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    proxy.delay(100);
    const ending = await built.run(
      `const pool = poolwright.createPool(process.env.DATABASE_URL, { gracefulEnd: true, minIdle: 0 });
       const connection = await pool.getConnection();
       await connection.end();
       print('gone');`,
      { DATABASE_URL: database.url({ port: proxy.port }) },
    );
    expect(ending).toMatchObject({ code: 0, signal: null, lines: ['gone'], stderr: '' });
  });

  it.each(['before', 'while'] as const)('stays for a borrower who came %s the connection was cleaned, without a deadline', async (when) => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    // Cleaning takes longer than the pool waits before it looks whether the process is still needed.
    proxy.delay(60);
    const ending = await built.run(
      `const options = { connectionLimit: 1, minIdle: 0, acquireTimeout: 0, hygiene: 'always' };
       const pool = poolwright.createPool(process.env.DATABASE_URL, options);
       const first = await pool.getConnection();
       const early = ${when === 'before' ? 'pool.getConnection()' : 'undefined'};
       first.release();
       if (early === undefined) await new Promise((resolve) => setTimeout(resolve, 100));
       const second = await (early ?? pool.getConnection());
       const [rows] = await second.query('SELECT SLEEP(0.3) AS slept');
       print(rows[0].slept);
       second.release();
       await pool.end();`,
      { DATABASE_URL: database.url({ port: proxy.port }) },
    );
    expect(ending).toMatchObject({ code: 0, signal: null, lines: ['0'], stderr: '' });
  });

  it('that ends its pool goes at once, even when nothing is listening on the other side', async () => {
    const port = await freePort();
    const ending = await built.run(
      `const pool = poolwright.createPool();
       print((await pool.query('SELECT 1').catch((error) => error)).code);
       await pool.end();
       print('ended');`,
      { DATABASE_URL: `mysql://app:secret@127.0.0.1:${port}/shop` },
    );
    expect(ending).toMatchObject({ code: 0, signal: null, lines: ['POOL_CONNECT_FAILED', 'ended'], stderr: '' });
    expect(ending.lingeredRounds).toBeLessThan(AT_ONCE);
  });

  it('drains its pool in time when the server no longer answers', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    const running = built.run(
      `const pool = poolwright.createPool();
       const connections = await Promise.all([pool.getConnection(), pool.getConnection()]);
       for (const connection of connections) connection.release();
       print('open');
       pool.query('CREATE TABLE open (id INT)').catch(() => {});
       await new Promise((resolve) => setTimeout(resolve, 500));
       await pool.drain({ timeout: 500 });
       print('ended');`,
      { DATABASE_URL: database.url({ port: proxy.port, parameters: { minIdle: '0' } }) },
    );
    await waitFor('two connections', async () => (await database.admin('SHOW TABLES')).length === 1);
    // The sockets stay open, and nothing comes or goes.
    proxy.pause();
    const ending = await running;
    expect(ending).toMatchObject({ code: 0, signal: null, lines: ['open', 'ended'], stderr: '' });
    expect(ending.lingeredRounds).toBeLessThan(AT_ONCE);
  });

  it('without a handler for the failures of the pool’s own work has no unhandled rejection', async () => {
    const port = await freePort();
    const ending = await built.run(
      `const pool = poolwright.createPool(process.env.DATABASE_URL, { minIdle: 5 });
       pool.pool.end();
       const other = poolwright.createPool(process.env.DATABASE_URL, { minIdle: 5, credentials: () => Promise.reject(new Error('sealed')) });
       const third = poolwright.createPool(process.env.DATABASE_URL, { minIdle: 5, onConnect: () => Promise.reject(new Error('no')) });
       await new Promise((resolve) => setTimeout(resolve, 300));
       other.pool.end();
       await third.drain();
       print('ended');`,
      { DATABASE_URL: `mysql://app@127.0.0.1:${port}/shop` },
    );
    expect(ending).toMatchObject({ code: 0, signal: null, lines: ['ended'], stderr: '' });
    expect(ending.lingeredRounds).toBeLessThan(AT_ONCE);
  });

  it('whose server goes away while connections are idle lives on, and its next query connects again', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    const ending = await built.run(
      `const pool = poolwright.createPool();
       const first = await pool.getConnection();
       const second = await pool.getConnection();
       first.release();
       second.release();
       print('idle');
       while (pool.stats().closedByReason.lost < 2) await new Promise((resolve) => setTimeout(resolve, 10));
       const [rows] = await pool.query('SELECT 1 AS one');
       print(rows[0].one);
       await pool.end();
       print('ended');`,
      { DATABASE_URL: database.url({ port: proxy.port, parameters: { minIdle: '0' } }) },
      // The server cannot say it: it is done before its answer has reached the process.
      (printed) => {
        if (printed === 'idle\n') proxy.reset();
      },
    );
    expect(ending).toMatchObject({ code: 0, signal: null, lines: ['idle', '1', 'ended'], stderr: '' });
  });
});
