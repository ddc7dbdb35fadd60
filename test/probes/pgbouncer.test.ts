import { chmod, copyFile, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { createCertificateAuthority } from '../../src/demo/certificates.js';
import { createTemporaryFolder } from '../../src/demo/temporary-folder.js';
import { type PgBouncerOptions, type PgBouncerReport, probePgBouncer } from '../../src/probes/pgbouncer.js';
import { freePort } from '../support/network/free-port.js';
import { startPgBouncer } from '../support/servers/pgbouncer.js';
import { type PostgresServer, startPostgres } from '../support/servers/postgres-server.js';
import { startSilentTcpServer } from '../support/network/silent-tcp-server.js';
import { startTcpProxy } from '../support/network/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { errorResponse, message, oneValue, startScriptedServer, WELCOME } from './support/scripted-server.js';

const NOTHING = { available: false, version: null, pools: [], databases: [], stats: [] };

/** An error with what a client has said in its PasswordMessage. */
function repeatThePassword(told: Buffer): Buffer {
  return errorResponse({ S: 'FATAL', M: `what is ${told.subarray(5).toString('latin1').replace(/\0.*/s, '')}` });
}

function socketsAndTimers(): number {
  return process.getActiveResourcesInfo().filter((type) => /Socket|TLS|Timeout/.test(type)).length;
}

/** Where an answer is expected, it may come late on a busy machine. */
function patientProbe(target: string | PgBouncerOptions): Promise<PgBouncerReport> {
  return probePgBouncer({ timeout: 60_000, ...(typeof target === 'string' ? { url: target } : target) });
}

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a PgBouncer', () => {
  it.each(['scram-sha-256', 'md5', 'plain'] as const)('shows an administrator everything, with %s', async (authType) => {
    await using bouncer = await startPgBouncer(postgres, { authType });

    const report = await patientProbe(bouncer.url());

    expect(report).toMatchObject({ available: true, reason: 'ok', version: expect.stringMatching(/^\d+\.\d+/) as string });
    expect(report.message).toBe(`PgBouncer ${report.version} answered.`);
    expect(report.latencyMs).toBeGreaterThan(0);
    expect(report.pools).toContainEqual(expect.objectContaining({ database: 'pgbouncer', cl_active: 1, cl_waiting: 0, maxwait: 0 }));
    expect(report.databases).toContainEqual(
      expect.objectContaining({ name: bouncer.database, host: postgres.host, port: postgres.port, force_user: null }),
    );
    expect(report.stats).toContainEqual(expect.objectContaining({ database: 'pgbouncer', total_xact_count: expect.any(Number) as number }));
  });

  it('shows the same to a user that may only look', async () => {
    await using bouncer = await startPgBouncer(postgres);
    const report = await patientProbe(bouncer.url('stats'));
    expect(report).toMatchObject({ available: true, reason: 'ok' });
    expect(report.databases.map((row) => row['name'])).toContain(bouncer.database);
  });

  it('is asked on its console, no matter which database the URL and the environment name', async () => {
    await using bouncer = await startPgBouncer(postgres);
    for (const [name, value] of Object.entries({
      PGOPTIONS: '-c search_path=x',
      PGREPLICATION: 'database',
      PGSSLMODE: 'require',
      PGSSLNEGOTIATION: 'direct',
      PGPASSWORD: 'wrong',
      PGUSER: 'nobody',
    })) {
      vi.stubEnv(name, value);
    }
    expect(await patientProbe(bouncer.url('admin', { database: bouncer.database }))).toMatchObject({ reason: 'ok' });
  });

  it.each(['scram-sha-256', 'plain'] as const)('is given no password that was not meant for it, with %s', async (authType) => {
    await using bouncer = await startPgBouncer(postgres, { authType });
    const { host, port, users } = bouncer;
    vi.stubEnv('PGPASSWORD', users.admin.password);
    expect(await patientProbe({ host, port, user: users.admin.user })).toMatchObject({ ...NOTHING, reason: 'auth' });
  });

  it.each(['scram-sha-256', 'md5', 'plain'] as const)('lets in no other user, with %s', async (authType) => {
    await using bouncer = await startPgBouncer(postgres, { authType });
    const { host, port, users } = bouncer;

    expect(await patientProbe(bouncer.url('plain'))).toMatchObject({
      ...NOTHING,
      reason: 'auth',
      message: expect.stringMatching(/admin_users or stats_users/) as string,
    });
    for (const wrong of [
      bouncer.url('admin', { password: 'wrong' }),
      bouncer.url('admin', { user: 'nobody' }),
      { host, port, user: users.admin.user },
      { host, port },
    ]) {
      const report = await probePgBouncer(wrong);
      expect(report).toMatchObject({ ...NOTHING, reason: 'auth' });
      expect(JSON.stringify(report)).not.toContain(users.admin.password);
    }
  });

  it('answers many at the same time', async () => {
    await using bouncer = await startPgBouncer(postgres);
    const reports = await Promise.all(Array.from({ length: 40 }, () => patientProbe(bouncer.url())));
    expect(new Set(reports.map((report) => report.reason))).toEqual(new Set(['ok']));
    // Each has said goodbye: only the one that asks is there.
    const alone = await patientProbe(bouncer.url());
    expect(alone.pools).toContainEqual(expect.objectContaining({ database: 'pgbouncer', cl_active: 1 }));
  });

  it('that is frozen runs into the deadline, and is there again afterwards', async () => {
    await using bouncer = await startPgBouncer(postgres);
    await bouncer.kill('SIGSTOP');
    expect(await patientProbe({ url: bouncer.url(), timeout: 200 })).toMatchObject({
      ...NOTHING,
      reason: 'timeout',
      message: expect.stringMatching(/within 200 ms/) as string,
    });
    await bouncer.kill('SIGCONT');
    expect(await patientProbe(bouncer.url())).toMatchObject({ reason: 'ok' });
  });

  it('that answers every question in time but not all of them runs into the deadline', async () => {
    await using bouncer = await startPgBouncer(postgres);
    await using proxy = await startTcpProxy({ port: bouncer.port });
    proxy.delay(60);
    const report = await patientProbe({ url: bouncer.url('admin', { port: proxy.port }), timeout: 400 });
    expect(report).toMatchObject({ ...NOTHING, reason: 'timeout' });
    await waitFor('the connection to end', () => proxy.live === 0);
  });

  it('is not waited for when it has answered everything', async () => {
    const empty = Buffer.concat([message('C', 'SHOW\0'), message('Z', 'I')]);
    await using server = await startScriptedServer(WELCOME, oneValue('version', 'PgBouncer 1.24.1'), empty, empty, empty);
    const report = await patientProbe({ host: server.host, port: server.port, timeout: 20_000 });
    expect(report).toMatchObject({ available: true, version: '1.24.1', pools: [], databases: [], stats: [] });
    expect(report.latencyMs).toBeLessThan(10_000);
  });

  it('that is killed meanwhile has refused', async () => {
    await using bouncer = await startPgBouncer(postgres);
    await using proxy = await startTcpProxy({ port: bouncer.port });
    proxy.delay(50);
    const report = probePgBouncer(bouncer.url('admin', { port: proxy.port }));
    await waitFor('the connection to begin', () => proxy.bytes.toClient > 0);
    proxy.reset();
    expect(await report).toMatchObject({ ...NOTHING, reason: 'refused' });
  });
});

describe('TLS', () => {
  it('is verified as sslmode says', async () => {
    const folder = createTemporaryFolder('poolwright-probe-tls');
    try {
      const authority = await createCertificateAuthority(join(folder.path, 'authority'));
      const issued = await authority.issue({ name: 'pgbouncer', commonName: 'localhost', hosts: ['localhost'] });
      const [cert, key] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')];
      await copyFile(issued.certificatePath, cert);
      await copyFile(issued.keyPath, key);
      // PgBouncer runs under an account of its own.
      await Promise.all([chmod(folder.path, 0o755), chmod(cert, 0o644), chmod(key, 0o644)]);
      await using bouncer = await startPgBouncer(postgres, {
        settings: { client_tls_sslmode: 'require', client_tls_cert_file: cert, client_tls_key_file: key },
      });
      const ca = authority.certificatePath;
      const reasonOf = async (parameters: Record<string, string>, host = 'localhost'): Promise<string> =>
        (await patientProbe(bouncer.url('admin', { host, parameters }))).reason;

      expect(await reasonOf({ sslmode: 'verify-full', sslrootcert: ca })).toBe('ok');
      expect(await reasonOf({ sslmode: 'require' })).toBe('ok');
      expect(await reasonOf({ sslmode: 'require', sslrootcert: ca }, '127.0.0.1')).toBe('ok');
      expect(await reasonOf({ sslmode: 'verify-ca', sslrootcert: ca }, '127.0.0.1')).toBe('ok');
      expect(await reasonOf({ sslmode: 'verify-full', sslrootcert: ca }, '127.0.0.1')).toBe('auth');
      expect(await reasonOf({ sslmode: 'verify-full' })).toBe('auth');
      expect(await reasonOf({ sslmode: 'disable' })).toBe('refused');
    } finally {
      await folder.remove();
    }
  });

  it('does not make a stranger behind it any better', async () => {
    const folder = createTemporaryFolder('poolwright-probe-tls');
    try {
      const authority = await createCertificateAuthority(folder.path);
      const { certificatePath, keyPath } = await authority.issue({ name: 'stranger', commonName: 'localhost', hosts: ['localhost'] });
      const [cert, key] = await Promise.all([readFile(certificatePath), readFile(keyPath)]);
      const port = await freePort();
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => {
          socket.write('S');
          const secured = new TLSSocket(socket, { isServer: true, cert, key });
          secured.on('error', () => undefined);
          secured.once('data', () => secured.write(message('R', 99)));
        });
      });
      await new Promise<void>((resolve) => {
        server.listen(port, '127.0.0.1', resolve);
      });
      const report = await patientProbe({ host: '127.0.0.1', port, ssl: { rejectUnauthorized: false } });
      expect(report).toMatchObject({ ...NOTHING, reason: 'not-pgbouncer' });
      await new Promise((resolve) => {
        server.close(resolve);
      });
    } finally {
      await folder.remove();
    }
  });

  it('that is wanted and not offered is refused: the password is not sent', async () => {
    await using bouncer = await startPgBouncer(postgres, { authType: 'plain' });
    expect(await patientProbe(bouncer.url('admin', { parameters: { sslmode: 'require' } }))).toMatchObject({
      ...NOTHING,
      reason: 'refused',
      message: expect.stringMatching(/does not offer TLS/) as string,
    });
  });
});

describe('no PgBouncer', () => {
  it('is not configured when no address is given', async () => {
    vi.stubEnv('PGBOUNCER_URL', postgres.url());
    for (const nothing of [undefined, {}]) {
      expect(await probePgBouncer(nothing)).toEqual({
        ...NOTHING,
        reason: 'not-configured',
        message: 'No PgBouncer is configured.',
        latencyMs: null,
      });
    }
  });

  it.each(['127.0.0.1', 'localhost'])('is refused on a closed port of %s', async (host) => {
    expect(await patientProbe({ host, port: await freePort(), password: 'sesame' })).toMatchObject({
      ...NOTHING,
      reason: 'refused',
      message: expect.stringMatching(/Nothing listens/) as string,
    });
  });

  it('is unreachable under a name that does not exist, and behind a socket that does not', async () => {
    for (const host of ['no-such-host.invalid', '/no/such/folder']) {
      expect(await patientProbe({ host })).toMatchObject({ ...NOTHING, reason: 'unreachable' });
    }
  });

  it('is a PostgreSQL, whether the login succeeds or not', async () => {
    for (const url of [postgres.url(), postgres.url({ password: 'wrong' }), postgres.url({ user: 'nobody' })]) {
      const report = await probePgBouncer(url);
      expect(report).toMatchObject({ ...NOTHING, reason: 'not-pgbouncer', message: expect.stringMatching(/is a PostgreSQL/) as string });
      expect(JSON.stringify(report)).not.toContain(postgres.password);
    }
  });

  it('is a PostgreSQL that has a database of that name', async () => {
    await using own = await startPostgres();
    const { Client } = await import('pg');
    const client = new Client({ connectionString: own.url() });
    await client.connect();
    await client.query('CREATE DATABASE pgbouncer');
    await client.end();
    expect(await patientProbe(own.url())).toMatchObject({ ...NOTHING, reason: 'not-pgbouncer' });
  });

  it.each(['disable', 'require'])('is a MySQL server, with sslmode=%s', async (sslmode) => {
    const { host, port } = inject('server');
    expect(await patientProbe(`postgresql://user:sesame@${host}:${port}?sslmode=${sslmode}`)).toMatchObject({
      ...NOTHING,
      reason: 'not-pgbouncer',
      message: expect.stringMatching(/like a MySQL server/) as string,
    });
  });

  it.each([
    ['silent', 'timeout', /did not answer within 150 ms/],
    ['http', 'not-pgbouncer', /like an HTTP server/],
    ['garbage', 'not-pgbouncer', /does not speak/],
    ['close', 'refused', /closed the connection/],
  ] as const)('is a server that is %s: %s', async (manners, reason, words) => {
    await using server = await startSilentTcpServer(manners);
    const { host, port } = server;
    for (const ssl of [false, true]) {
      const report = await patientProbe({
        host,
        port,
        user: 'stats',
        password: 'sesame',
        ssl,
        timeout: manners === 'silent' ? 150 : 60_000,
      });
      expect(report).toMatchObject({ ...NOTHING, reason, message: expect.stringMatching(words) as string });
      expect(JSON.stringify(report)).not.toContain('sesame');
    }
    await waitFor('the connections to end', () => server.live === 0);
  });

  it('is another pooler that has such a console', async () => {
    await using server = await startScriptedServer(WELCOME, oneValue('version', 'PgCat 1.1.1'));
    expect(await patientProbe({ host: server.host, port: server.port })).toMatchObject({
      ...NOTHING,
      reason: 'not-pgbouncer',
      message: expect.stringMatching(/calls itself PgCat 1\.1\.1/) as string,
    });
  });

  it.each<[string, Buffer, Buffer?]>([
    ['asks for a login of an unknown kind', message('R', 99)],
    ['sends an error message without an end', message('E', 'SFATAL')],
    ['sends an error message without a text', message('E', 'SFATAL\0\0')],
    ['sends rows that were not asked for', Buffer.concat([message('R', 0), message('D', Buffer.alloc(2))])],
    ['describes rows that end too early', WELCOME, message('T', Buffer.from([0, 9]))],
    ['sends messages of unknown kinds', Buffer.concat([message('R', 0), message('?', 'abc')])],
    ['sends a greeting that is cut off', message('R', 5)],
  ])('is a server that %s', async (_, first, second = Buffer.alloc(0)) => {
    await using server = await startScriptedServer(first, second);
    const report = await patientProbe({ host: server.host, port: server.port, password: 'sesame', timeout: 300 });
    expect(report.available).toBe(false);
    expect(['not-pgbouncer', 'refused', 'timeout']).toContain(report.reason);
  });

  it('is reported without the password when a server repeats it', async () => {
    await using server = await startScriptedServer(message('R', 3), repeatThePassword);
    const report = await patientProbe({ host: server.host, port: server.port, password: 'sesame' });
    expect(report.message).toContain('what is ***');
    expect(JSON.stringify(report)).not.toContain('sesame');
  });
});

it('leaves no socket and no timer behind', async () => {
  await using bouncer = await startPgBouncer(postgres);
  await using silent = await startSilentTcpServer();
  await using http = await startSilentTcpServer('http');
  const before = socketsAndTimers();

  await patientProbe(bouncer.url());
  await patientProbe(bouncer.url('plain'));
  await patientProbe({ host: silent.host, port: silent.port, timeout: 50 });
  await patientProbe({ host: silent.host, port: silent.port, timeout: 50, ssl: true });
  await patientProbe({ host: http.host, port: http.port });
  await patientProbe({ host: '127.0.0.1', port: await freePort() });
  await waitFor('the other sides to notice', () => silent.live + http.live === 0);

  const after = await waitFor('as many as before', socketsAndTimers, (now) => now <= before);
  expect(after).toBeLessThanOrEqual(before);
});
