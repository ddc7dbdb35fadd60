import { copyFile, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PrivateServer } from '../../src/demo/private-server.js';
import { connectionId, errorOf, poolOf, valueOf } from '../support/pool-on-database.js';
import { createDatabase } from '../support/servers/database.js';
import { expectServedAgain, expectWhole } from './support/fault.js';
import { differs, onlyWhere, reloadTls, startServer } from '../support/sql-servers/this-server.js';
import { waitFor } from '../support/wait-for.js';

let server: PrivateServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  await server.stop();
});

describe('a password that is wrong', () => {
  it('is not tried in a storm; when the server is given it, the pool serves without a restart', async () => {
    await using database = await createDatabase(server);
    await using pool = poolOf(database, { password: 'of tomorrow', connectionLimit: 5 });
    const startedAt = performance.now();
    let failures = 0;
    while (performance.now() - startedAt < 500) {
      expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 1045 } });
      failures += 1;
    }
    console.log(`a wrong password: ${failures} callers refused, ${pool.stats().connectErrors} logins tried`);
    // One at a time, at least 50 ms apart.
    expect(pool.stats().connectErrors).toBeLessThanOrEqual(2 + (performance.now() - startedAt) / 50);
    await database.admin(`ALTER USER '${database.user}'@'%' IDENTIFIED BY 'of tomorrow'`);
    await expectServedAgain(pool, 'after the password was set', performance.now());
    await expectWhole({ pool, database });
  });

  it('affects new connections only: open ones continue', async () => {
    await using database = await createDatabase(server);
    await using pool = poolOf(database, { connectionLimit: 2 });
    const held = await pool.getConnection();
    await database.admin(`ALTER USER '${database.user}'@'%' IDENTIFIED BY 'rotated'`);
    const [first, second] = [valueOf(pool, '1'), valueOf(pool, '2')];
    await waitFor('a login to be refused', () => pool.stats().connectErrorsByCode['1045'] !== undefined);
    held.release();
    expect(await Promise.all([first, second])).toEqual([1, 2]);
    await expectWhole({ pool, database });
  });
});

describe('an account that is locked', () => {
  it('is a failure that comes again by itself: callers are refused at once; when it is unlocked, the pool serves', async () => {
    await using database = await createDatabase(server);
    await database.admin(`ALTER USER '${database.user}'@'%' ACCOUNT LOCK`);
    await using pool = poolOf(database, { connectionLimit: 2 });
    const startedAt = performance.now();
    for (let round = 0; round < 20; round += 1) {
      expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({
        code: 'POOL_CONNECT_FAILED',
        cause: { errno: differs('lockedAccountIs4151') ? 4151 : 3118 },
      });
    }
    expect(pool.stats().connectErrors).toBeLessThanOrEqual(2 + (performance.now() - startedAt) / 50);
    await database.admin(`ALTER USER '${database.user}'@'%' ACCOUNT UNLOCK`);
    await expectServedAgain(pool, 'after the account was unlocked', performance.now());
    await expectWhole({ pool, database });
  });
});

describe('a certificate that is rotated', () => {
  it('to one that is not trusted is refused to new connections; to one that is, evict() moves the pool to it', async (context) => {
    onlyWhere(context, 'showsAnyCertificate');
    await using database = await createDatabase(server);
    await using pool = poolOf(database, { ssl: { ca: server.caCertificate, verifyIdentity: true }, connectionLimit: 2 });
    const before = await connectionId(pool);
    const install = async (certificate: { certificatePath: string; keyPath: string }): Promise<void> => {
      await copyFile(certificate.certificatePath, server.certificatePath);
      await copyFile(certificate.keyPath, server.keyPath);
      await reloadTls(database);
    };
    const names = { commonName: 'localhost', hosts: ['localhost', '127.0.0.1'] };
    const expired = await server.authority.issue({
      name: 'expired',
      ...names,
      notBefore: new Date(Date.now() - 2 * 86_400_000),
      notAfter: new Date(Date.now() - 86_400_000),
    });
    const renewed = await server.authority.issue({ name: 'renewed', ...names });
    expect(await readFile(renewed.certificatePath, 'utf8')).not.toBe(await readFile(server.certificatePath, 'utf8'));

    await install(expired);
    // What is open is not asked for its certificate again.
    expect(await connectionId(pool)).toBe(before);
    pool.evict();
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { code: 'HANDSHAKE_SSL_ERROR' } });
    await install(renewed);
    await expectServedAgain(pool, 'after the certificate was renewed', performance.now());
    expect(await connectionId(pool)).not.toBe(before);
    await expectWhole({ pool, database });
  });
});

describe('a server that refuses plaintext (require_secure_transport)', () => {
  it('makes the pool refuse callers at once, with the server’s own words; callers over TLS are served, and all when plaintext is allowed again', async () => {
    await using database = await createDatabase(server);
    await using pool = poolOf(database, { ssl: false, connectionLimit: 2 });
    await using secure = poolOf(database, { ssl: { ca: server.caCertificate }, connectionLimit: 2 });
    await using admin = await database.connectAsAdmin();
    await admin.query('SET GLOBAL require_secure_transport = 1');
    try {
      const error = await errorOf(pool.query('SELECT 1'));
      expect(error).toMatchObject({ code: 'POOL_CONNECT_FAILED' });
      // MySQL says that insecure transport is prohibited, MariaDB that access is denied.
      expect(error.message).toMatch(/insecure transport|access denied/iu);
      expect(await valueOf(secure, '1')).toBe(1);
    } finally {
      await admin.query('SET GLOBAL require_secure_transport = 0');
    }
    await expectServedAgain(pool, 'after plaintext was allowed', performance.now());
    for (const one of [pool, secure]) expect(one.summary()).toMatchObject({ used: 0, waiting: 0 });
  });
});
