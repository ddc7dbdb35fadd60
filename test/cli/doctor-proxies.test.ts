/** What the doctor says of proxies in front of a server, and of what is not a server at all. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:tls';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchedVersions } from '../../scripts/servers/fetch.mjs';
import type { PrivateServer } from '../../src/demo/private-server.js';
import { freePort } from '../support/network/free-port.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';
import { startPostgres } from '../support/servers/postgres-server.js';
import { startRedis } from '../support/servers/redis-server.js';
import { startHaProxy } from '../support/sql-servers/haproxy.js';
import { startMySqlRouter } from '../support/sql-servers/mysql-router.js';
import { differs, onlyWhere, startServer } from '../support/sql-servers/this-server.js';
import { diagnose, findingOf, troubles } from './support/diagnose.js';

/** How long a port may be silent until the doctor speaks first. Its answer must come within that time, on a busy machine, too. */
const SILENCE_MS = 3_000;

let server: PrivateServer;
let other: PrivateServer;

beforeAll(async () => {
  const takesHeaders = differs('takesProxyHeaders') ? ['--proxy-protocol-networks=127.0.0.1'] : [];
  [server, other] = await Promise.all([startServer({ arguments: takesHeaders }), startServer()]);
});

afterAll(async () => {
  await Promise.all([server.stop(), other.stop()]);
});

/** The account and the database on the other server, too. */
async function alsoOnTheOther({ database, user, password }: TestDatabase): Promise<void> {
  await using there = await createDatabase(other);
  await there.admin(`CREATE DATABASE ${database}`);
  await there.admin(`CREATE USER '${user}'@'%' IDENTIFIED BY '${password}'`);
  await there.admin(`GRANT ALL ON ${database}.* TO '${user}'@'%'`);
}

const routerIsMissing = 'MySQL Router comes with MySQL, which is not there.';
/** A route on which Router logs in itself; server and clients speak plaintext. */
const OWN_LOGIN = { client_ssl_mode: 'DISABLED', server_ssl_mode: 'PREFERRED' };

describe('of what stands in between, the doctor says', () => {
  it('that there is nothing, and that sessions have all that was tried', async () => {
    await using database = await createDatabase(server);
    const diagnosis = await diagnose(database.url());
    expect(findingOf(diagnosis, 'proxy')).toEqual({
      step: 'proxy',
      status: 'ok',
      message: 'none was seen: this connection ends at the server',
    });
    expect(findingOf(diagnosis, 'session')).toMatchObject({ status: 'ok', message: expect.stringContaining('LAST_INSERT_ID()') });
    const bySocket = await diagnose(database.url({ parameters: { socketPath: database.socketPath } }));
    expect(findingOf(bySocket, 'proxy')?.message).toBe('none: the connection is a local socket');
  });

  it('that something forwards connections (HAProxy), without a guess at its name', async () => {
    await using database = await createDatabase(server);
    await using proxy = await startHaProxy([database]);
    const diagnosis = await diagnose(database.url({ port: proxy.port }));
    expect(troubles(diagnosis)).toEqual([]);
    const { message, advice } = findingOf(diagnosis, 'proxy') ?? {};
    expect(message).toBe(
      `something forwards connections, and does not identify itself: the server sees a different connection from the one that begins here; the server listens on port ${database.port}, not ${proxy.port}`,
    );
    expect(advice).toMatch(/^HAProxy, MySQL Router in passthrough mode, .* does this/);
  });

  it('how many servers are behind it, and what that means for a KILL', async () => {
    await using database = await createDatabase(server);
    await alsoOnTheOther(database);
    await using proxy = await startHaProxy([server, other]);
    const diagnosis = await diagnose(database.url({ port: proxy.port }));
    const { message, advice } = findingOf(diagnosis, 'proxy') ?? {};
    expect(message).toContain('4 connections came to 2 servers');
    expect(message).toContain(`port ${server.port}`);
    expect(message).toContain(`port ${other.port}`);
    expect(advice).toContain('If a KILL reaches the wrong server, the pool tries it once more');
  });

  it('that a balancer passes on the address of this machine (PROXY protocol)', async (context) => {
    onlyWhere(context, 'takesProxyHeaders');
    await using database = await createDatabase(server);
    await using proxy = await startHaProxy([database], { server: 'send-proxy' });
    const { message, advice } = findingOf(await diagnose(database.url({ port: proxy.port })), 'proxy') ?? {};
    expect(message).toBe(`something forwards the port: the server listens on port ${database.port}, not ${proxy.port}`);
    expect(advice).toContain('PROXY protocol');
  });

  it('that a port is for balancers, which must send that header', async () => {
    await using database = await createDatabase(server);
    const port = await freePort();
    await using _proxy = await startHaProxy([database], { frontend: [`bind 127.0.0.1:${port} accept-proxy`] });
    expect(troubles(await diagnose(database.url({ port }), { timeoutMs: SILENCE_MS }))).toEqual([
      expect.objectContaining({
        step: 'greeting',
        message: expect.stringContaining('after a header of the PROXY protocol, a MySQL server greeted'),
      }),
    ]);
  });

  it('that the server behind a balancer is down', async () => {
    await using gone = await startServer();
    await using database = await createDatabase(gone);
    await using proxy = await startHaProxy([database], { server: 'check inter 100' });
    await gone.kill('SIGKILL');
    const [finding, ...others] = troubles(await diagnose(database.url({ port: proxy.port }), { timeoutMs: SILENCE_MS }));
    expect(finding).toMatchObject({
      step: 'greeting',
      status: 'fail',
      message: expect.stringMatching(/nothing arrived|closed without any data/),
      advice: expect.stringContaining('proxy or load balancer without a server behind it'),
    });
    expect(others).toEqual([]);
    await gone.restart();
  });
});

describe('MySQL Router is named, and what it takes away', () => {
  it('where it takes logins itself', async ({ skip }) => {
    skip(fetchedVersions('mysql') === undefined, routerIsMissing);
    await using database = await createDatabase(server);
    await using router = await startMySqlRouter([database], { route: OWN_LOGIN });
    if (differs('remembersPasswords')) {
      const { message, advice } = findingOf(await diagnose(database.url({ port: router.port })), 'login') ?? {};
      expect(message).toContain('errno 1045');
      expect(advice).toContain('Or MySQL Router cannot forward the password');
      await (await createConnection(database.connection)).end();
    }
    const diagnosis = await diagnose(database.url({ port: router.port }));
    expect(findingOf(diagnosis, 'server')?.message).toMatch(/^MySQL Router, in front of /);
    expect(findingOf(diagnosis, 'proxy')?.message).toMatch(/^MySQL Router stands in between: it greets and accepts logins itself/);
    expect(findingOf(diagnosis, 'proxy')?.advice).toContain('no KILL can stop a statement');
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({
        step: 'cancel',
        status: 'warn',
        advice: expect.stringContaining("a connection number that is not the server's"),
      }),
    ]);
    expect(findingOf(diagnosis, 'session')?.status).toBe('ok');
  });

  it('where it shares connections, by its documents', async (context) => {
    context.skip(fetchedVersions('mysql') === undefined, routerIsMissing);
    await using database = await createDatabase(server);
    await (await createConnection(database.connection)).end();
    await using router = await startMySqlRouter([database], {
      route: { ...OWN_LOGIN, connection_sharing: '1' },
      sections: { connection_pool: { max_idle_server_connections: '32' } },
    });
    const diagnosis = await diagnose(database.url({ port: router.port }));
    if (!differs('routerShares')) {
      // Which of the two comes first, the end of the connection or the first statement, is up to the machine.
      expect(findingOf(diagnosis, 'login')?.advice).toMatch(/clos\w+ (the connection )?at the (first statement|login)/);
      return;
    }
    expect(findingOf(diagnosis, 'proxy')?.advice).toMatch(
      /With connection_sharing, statements that depend on earlier ones \(LAST_INSERT_ID\(\)/,
    );
    expect(troubles(diagnosis)).toEqual([expect.objectContaining({ step: 'cancel' })]);
  });

  it('by what it does, in passthrough: it greets as the server does', async ({ skip }) => {
    skip(fetchedVersions('mysql') === undefined, routerIsMissing);
    await using database = await createDatabase(server);
    await using router = await startMySqlRouter([database]);
    const diagnosis = await diagnose(database.url({ port: router.port }));
    expect(findingOf(diagnosis, 'proxy')?.message).toMatch(/^something forwards connections, and does not identify itself/);
    expect(troubles(diagnosis)).toEqual([]);
  });

  it('where the server behind it is down', async ({ skip }) => {
    skip(fetchedVersions('mysql') === undefined, routerIsMissing);
    await using gone = await startServer();
    await using database = await createDatabase(gone);
    await using router = await startMySqlRouter([database], { route: OWN_LOGIN });
    await gone.kill('SIGKILL');
    expect(troubles(await diagnose(database.url({ port: router.port })))).toEqual([
      expect.objectContaining({
        step: 'login',
        message: expect.stringContaining('errno 2003'),
        advice: expect.stringContaining('it cannot reach a server behind it'),
      }),
    ]);
    await gone.restart();
  });
});

// They wait for what is silent: all at once.
describe.concurrent('what is no MySQL server is named', () => {
  const examine = async (port: number): Promise<string | undefined> => {
    const found = troubles(await diagnose(`mysql://app:p@127.0.0.1:${port}/shop`, { timeoutMs: SILENCE_MS }));
    expect(found).toEqual([
      expect.objectContaining({ step: 'greeting', status: 'fail', advice: expect.stringContaining('Check the host and the port') }),
    ]);
    return found[0]?.message;
  };

  it('a web server', async () => {
    const web = createHttpServer();
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    try {
      expect(await examine((web.address() as AddressInfo).port)).toBe('a web server answers, not a MySQL server');
    } finally {
      web.close();
    }
  });

  it('Redis, also one that asks for a password', async () => {
    await using redis = await startRedis();
    await using closed = await startRedis({ arguments: ['--requirepass', 'secret'] });
    expect(await examine(redis.port)).toBe('Redis answers, not a MySQL server');
    expect(await examine(closed.port)).toBe('Redis answers, not a MySQL server');
  });

  it('PostgreSQL', async () => {
    await using postgres = await startPostgres();
    expect(await examine(postgres.port)).toBe('PostgreSQL or PgBouncer answers, not a MySQL server');
  });

  it('a server that speaks TLS from the first byte', async () => {
    const secure = createTlsServer({ cert: readFileSync(server.certificatePath), key: readFileSync(server.keyPath) });
    secure.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
    await once(secure, 'listening');
    try {
      expect(await examine((secure.address() as AddressInfo).port)).toContain('speaks TLS from the first byte');
    } finally {
      secure.close();
    }
  });

  it('the other port of MySQL itself', async (context) => {
    onlyWhere(context, 'xProtocol');
    const port = await freePort();
    await using both = await startServer({
      arguments: ['--mysqlx=ON', `--mysqlx-port=${port}`, '--mysqlx-bind-address=127.0.0.1', `--mysqlx-socket=${server.socketPath}x`],
    });
    expect(both.port).not.toBe(port);
    expect(await examine(port)).toBe("MySQL's X Protocol (port 33060) answers, not a MySQL server");
  });
});
