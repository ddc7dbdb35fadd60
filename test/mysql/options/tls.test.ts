import { copyFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateFiles, createCertificateAuthority, createSelfSignedCertificate } from '../../../src/demo/certificates.js';
import type { PrivateServer } from '../../../src/demo/private-server.js';
import { createTemporaryFolder, type TemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { createPool } from '../../../src/mysql/create-pool.js';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { createDatabase } from '../../support/servers/database.js';
import { leaksIn } from '../support/refusals.js';
import { borrowByCallback, errorOf, firstRow, valueOf } from '../../support/pool-on-database.js';
import { onlyWhere, reloadTls, startServer, withoutTls } from '../../support/sql-servers/this-server.js';

const DAY_MS = 86_400_000;

/** An address of this machine that is not loopback: to the pool it is a network. */
const networkAddress = Object.values(networkInterfaces())
  .flat()
  .find((address) => address !== undefined && !address.internal && address.family === 'IPv4')?.address;

/** A server that shows the certificate that the test wants. */
let server: PrivateServer;
let folder: TemporaryFolder;

beforeAll(async () => {
  folder = createTemporaryFolder('poolwright-test');
  server = await startServer({ arguments: ['--bind-address=0.0.0.0'] });
});

afterAll(async () => {
  await server.stop();
  await folder.remove();
});

/** Makes the server show another certificate from now on. */
async function show({ certificatePath, keyPath }: CertificateFiles): Promise<void> {
  await copyFile(certificatePath, server.certificatePath);
  await copyFile(keyPath, server.keyPath);
  await using database = await createDatabase(server);
  await reloadTls(database);
}

/** Makes the server show a certificate of its own authority for these hosts. */
async function showFor(hosts: readonly string[], dates: { readonly notBefore?: Date; readonly notAfter?: Date } = {}): Promise<void> {
  await show(await server.authority.issue({ name: 'shown', commonName: 'server', hosts, ...dates }));
}

/** A pool as the application's user. */
function poolTo(host: string, options: PoolOptions = {}): Pool {
  const { port, user, password, database } = server;
  return createPool({ host, port, user, password, database, minIdle: 0, ...options });
}

async function cipherOf(pool: Pool): Promise<unknown> {
  return (await firstRow(pool, "SHOW SESSION STATUS LIKE 'Ssl_cipher'"))['Value'];
}

/** The reason for which a pool cannot connect, in the words of TLS. */
async function refusalBy(host: string, options: PoolOptions): Promise<string> {
  await using pool = poolTo(host, options);
  const error = await errorOf(pool.query('SELECT 1'));
  expect(error.code).toBe('POOL_CONNECT_FAILED');
  expect(leaksIn(error, [server.password])).toEqual([]);
  return error.message;
}

describe('verified TLS', () => {
  it('is what a pool uses over a network by default', async () => {
    const host = networkAddress ?? '127.0.0.1';
    await showFor([host]);
    const told: PoolOptions = networkAddress === undefined ? { ssl: true } : {};
    // An authority that is not trusted by default: the refusal shows that the certificate is checked.
    expect(await refusalBy(host, told)).toMatch(/certificate/iu);
    await using pool = poolTo(host, { ssl: { ca: server.caCertificate } });
    expect(pool.options.tls).toBe('verified');
    expect(await cipherOf(pool)).toMatch(/TLS|AES|CHACHA/u);
  });

  it('is not used to this machine, unless an option asks for it', async () => {
    await showFor(['127.0.0.1', 'localhost']);
    await using plain = poolTo('127.0.0.1');
    expect([plain.options.tls, await cipherOf(plain)]).toEqual(['off', '']);
    for (const host of ['127.0.0.1', 'localhost']) {
      await using asked = poolTo(host, { ssl: { ca: server.caCertificate } });
      expect(await cipherOf(asked)).not.toBe('');
    }
    await using byUrl = createPool(server.url({ parameters: { sslca: server.caPath, 'ssl-mode': 'VERIFY_IDENTITY' } }), { minIdle: 0 });
    expect([byUrl.options.tls, (await cipherOf(byUrl)) === '']).toEqual(['verified', false]);
  });

  it('checks an IP host against the IP, where mysql2 alone would check "localhost"', async () => {
    const ssl = { ca: server.caCertificate };
    await showFor(['127.0.0.1']);
    await using pool = poolTo('127.0.0.1', { ssl });
    expect(await valueOf(pool, '1')).toBe(1);
    expect(await refusalBy('localhost', { ssl })).toContain('does not match certificate');

    await showFor(['localhost']);
    expect(await refusalBy('127.0.0.1', { ssl })).toContain("IP: 127.0.0.1 is not in the cert's list");
    await using byName = poolTo('localhost', { ssl });
    expect(await valueOf(byName, '1')).toBe(1);
  });

  it('refuses a certificate for another host', async () => {
    await showFor(['database.example', '192.0.2.77']);
    expect(await refusalBy('localhost', { ssl: { ca: server.caCertificate } })).toContain("Host: localhost. is not in the cert's altnames");
    expect(await refusalBy('127.0.0.1', { ssl: { ca: server.caCertificate } })).toContain('192.0.2.77');
  });

  it('refuses a certificate that is self-signed, of an unknown authority, expired, or not valid yet', async (context) => {
    onlyWhere(context, 'showsAnyCertificate');
    const hosts = ['127.0.0.1'];
    const ssl = { ca: server.caCertificate };
    await show(await createSelfSignedCertificate(folder.path, { name: 'self', commonName: 'localhost', hosts }));
    expect(await refusalBy('127.0.0.1', { ssl })).toMatch(/self.signed certificate/u);

    const stranger = await createCertificateAuthority(join(folder.path, 'stranger'));
    await show(await stranger.issue({ name: 'strange', commonName: 'localhost', hosts }));
    expect(await refusalBy('127.0.0.1', { ssl })).toMatch(/unable to (?:verify|get)/u);

    const now = Date.now();
    await showFor(hosts, { notBefore: new Date(now - 9 * DAY_MS), notAfter: new Date(now - DAY_MS) });
    expect(await refusalBy('127.0.0.1', { ssl })).toContain('certificate has expired');

    await showFor(hosts, { notBefore: new Date(now + DAY_MS) });
    expect(await refusalBy('127.0.0.1', { ssl })).toContain('certificate is not yet valid');
  });

  it('fails the waiters at once: a bad certificate does not become good by waiting', async () => {
    await showFor(['database.example']);
    await using pool = poolTo('127.0.0.1', { ssl: { ca: server.caCertificate }, acquireTimeout: 0 });
    const errors = await Promise.all([1, 2, 3].map(() => errorOf(pool.query('SELECT 1'))));
    expect(errors.map(({ code }) => code)).toEqual(['POOL_CONNECT_FAILED', 'POOL_CONNECT_FAILED', 'POOL_CONNECT_FAILED']);
    expect(errors[0]?.cause).toMatchObject({ code: 'HANDSHAKE_SSL_ERROR' });
  });

  it('shows a client certificate when it is given one', async () => {
    await showFor(['127.0.0.1']);
    const client = await server.authority.issue({ name: 'client', commonName: 'app' });
    await using database = await createDatabase(server);
    await database.admin(`ALTER USER '${database.user}'@'%' REQUIRE SUBJECT '/CN=app'`);
    const parameters = { sslca: server.caPath, sslcert: client.certificatePath, sslkey: client.keyPath };
    await using pool = createPool(database.url({ parameters }), { minIdle: 0 });
    expect(await valueOf(pool, '1')).toBe(1);
    await using without = createPool(database.url({ parameters: { sslca: server.caPath } }), { minIdle: 0 });
    expect(await errorOf(without.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 1045 } });
  });
});

describe('unverified TLS', () => {
  it.each([
    ['ssl-mode', 'REQUIRED'],
    ['sslmode', 'require'],
    ['sslaccept', 'accept_invalid_certs'],
    ['ssl', '{"rejectUnauthorized":false}'],
  ])('encrypts without looking at the certificate: ?%s=%s', async (name, value) => {
    await show(await createSelfSignedCertificate(folder.path, { name: 'self', commonName: 'nobody', hosts: ['nobody.example'] }));
    await using pool = createPool(server.url({ parameters: { [name]: value } }), { minIdle: 0 });
    expect(pool.options.tls).toBe('unverified');
    expect(await cipherOf(pool)).not.toBe('');
  });

  it('VERIFY_CA looks at the chain, not at the name', async () => {
    await showFor(['database.example']);
    const parameters = { 'ssl-mode': 'VERIFY_CA', sslca: server.caPath };
    await using pool = createPool(server.url({ parameters }), { minIdle: 0 });
    expect(await cipherOf(pool)).not.toBe('');
    await using trustsNobody = createPool(server.url({ parameters: { 'ssl-mode': 'VERIFY_CA' } }), { minIdle: 0 });
    expect(await errorOf(trustsNobody.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED' });
  });
});

describe('a server without TLS', () => {
  it('is refused with POOL_TLS_REQUIRED and the ways out, before any credentials are sent', async () => {
    await using plain = await startServer({ arguments: [withoutTls()] });
    const { port, user, password, database } = plain;
    await using pool = createPool({ host: '127.0.0.1', port, user, password, database, ssl: true, minIdle: 0 });
    const failed = await errorOf(pool.query('SELECT 1'));
    const error = failed.code === 'POOL_TLS_REQUIRED' ? failed : (failed.cause as Error);
    expect(error).toMatchObject({ code: 'POOL_TLS_REQUIRED' });
    for (const hint of ['127.0.0.1 does not offer TLS', 'ssl: { ca }', '?sslca=path', 'ssl: false', '?ssl=false'])
      expect(failed.message).toContain(hint);
    expect(leaksIn(failed, [password])).toEqual([]);
    expect(await errorOf(pool.ready())).toMatchObject({ message: expect.stringContaining('does not offer TLS') });

    await using allowed = createPool(plain.url({ parameters: { ssl: 'false' } }), { minIdle: 0 });
    expect(await cipherOf(allowed)).toBe('');
  });
});

describe('TLS versions', () => {
  it('before 1.2 are refused', async (context) => {
    onlyWhere(context, 'oldTlsVersions');
    const old = ['--tls-version=TLSv1.1', '--ssl-cipher=ALL:@SECLEVEL=0'];
    await using ancient = await startServer({ arguments: old });
    const { port, user, password, database } = ancient;
    const to = (ssl: PoolOptions['ssl']): Pool =>
      createPool({ host: '127.0.0.1', port, user, password, database, minIdle: 0, ...(ssl === undefined ? {} : { ssl }) });

    // The server does speak 1.1 to a client that allows it.
    await using lax = to({ ca: ancient.caCertificate, minVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' });
    expect((await firstRow(lax, "SHOW SESSION STATUS LIKE 'Ssl_version'"))['Value']).toBe('TLSv1.1');
    await using strict = to({ ca: ancient.caCertificate, ciphers: 'DEFAULT:@SECLEVEL=0' });
    expect(await errorOf(strict.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { code: 'HANDSHAKE_SSL_ERROR' } });
  });
});

describe('the cost of TLS', () => {
  it('is one full handshake for a pool: later connections resume its session and share its context', async () => {
    await showFor(['127.0.0.1']);
    const ssl = Object.freeze({ ca: server.caCertificate });
    await using pool = poolTo('127.0.0.1', { ssl, connectionLimit: 5 });
    // The first one alone, so that its ticket is there for the others.
    await pool.query('SELECT 1');
    const connections = await Promise.all([1, 2, 3, 4, 5].map(() => borrowByCallback(pool)));
    const streams = connections.map((connection) => (connection as unknown as { stream: unknown }).stream);
    expect(streams.every((stream) => stream instanceof TLSSocket)).toBe(true);
    const reused = (streams as TLSSocket[]).filter((stream) => stream.isSessionReused());
    expect(reused).toHaveLength(4);
    const configs = new Set(connections.map((connection) => connection.config.ssl));
    expect(configs.size).toBe(1);
    expect([...configs][0]).not.toBe(ssl);
    for (const connection of connections) connection.release();
  });

  it('a session that was resumed is verified TLS still: another pool with other demands does not share it', async () => {
    await showFor(['database.example']);
    await using lax = poolTo('127.0.0.1', { ssl: { ca: server.caCertificate, verifyIdentity: false } });
    expect(await valueOf(lax, '1')).toBe(1);
    expect(await refusalBy('127.0.0.1', { ssl: { ca: server.caCertificate } })).toContain('does not match certificate');
  });
});
