import { copyFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/cli/doctor/finding.js';
import type { PrivateServer } from '../../src/demo/private-server.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';
import { freePort } from '../support/network/free-port.js';
import { startRedis } from '../support/servers/redis-server.js';
import { type Manners, startSilentTcpServer } from '../support/network/silent-tcp-server.js';
import { openBlackHole } from './support/black-hole.js';
import { diagnose, findingOf, troubles } from './support/diagnose.js';
import { onlyWhere, reloadTls, startServer, thisServer, withoutTls } from '../support/sql-servers/this-server.js';

const DAY_MS = 86_400_000;

/** A server whose settings the tests change. */
let server: PrivateServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(() => server.stop());

/** A database on the server, with TLS parameters that are right. */
async function healthyDatabase(): Promise<TestDatabase> {
  return await createDatabase(server);
}

const verified = {
  parameters: {
    get sslca() {
      return server.caPath;
    },
  },
};

/** Runs work while a global variable has another value. */
async function whileSet<T>(database: TestDatabase, name: string, value: number | string, work: () => Promise<T>): Promise<T> {
  const [before] = await database.admin(`SELECT @@GLOBAL.${name} AS value`);
  await database.admin(`SET GLOBAL ${name} = ?`, [value]);
  try {
    return await work();
  } finally {
    await database.admin(`SET GLOBAL ${name} = ?`, [(before as { readonly value: number }).value]);
  }
}

/** Makes the server show a certificate of its own authority. */
async function show(hosts: readonly string[], dates: { readonly notBefore?: Date; readonly notAfter?: Date } = {}): Promise<void> {
  const { certificatePath, keyPath } = await server.authority.issue({ name: 'shown', commonName: 'server', hosts, ...dates });
  await copyFile(certificatePath, server.certificatePath);
  await copyFile(keyPath, server.keyPath);
  await using database = await healthyDatabase();
  await reloadTls(database);
}

function expectNoSecrets(diagnosis: Diagnosis, ...secrets: readonly string[]): void {
  const text = JSON.stringify(diagnosis);
  for (const secret of secrets) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain(encodeURIComponent(secret));
  }
}

describe('of a healthy database, the doctor', () => {
  it('says nothing wrong, in every step, over verified TLS and with a Redis', async () => {
    await using database = await healthyDatabase();
    await using redis = await startRedis();
    const diagnosis = await diagnose(database.url(verified), { redisUrl: redis.url });
    expect(troubles(diagnosis)).toEqual([]);
    expect(diagnosis).toMatchObject({ status: 'healthy', notTried: [] });
    expect(findingOf(diagnosis, 'tls')?.message).toMatch(/^TLSv1\.[23], /);
    expect(findingOf(diagnosis, 'certificate')?.message).toContain('trusted, for 127.0.0.1');
    expect(findingOf(diagnosis, 'server')?.message).toContain(thisServer().family === 'mariadb' ? 'MariaDB' : 'MySQL');
    expect(findingOf(diagnosis, 'cancel')?.message).toContain('was stopped on the server');
    expect(findingOf(diagnosis, 'latency')?.message).toMatch(/connect p50 .*ping p50 .*query p50 /);
    expect(findingOf(diagnosis, 'redis')?.message).toMatch(/Redis \d+\.\d+\S* at .* answered/);
    expectNoSecrets(diagnosis, database.password);
  });

  it('says nothing wrong over a socket, and over plaintext to this machine', async () => {
    await using database = await healthyDatabase();
    for (const url of [database.url(), database.url({ parameters: { socketPath: database.socketPath } })]) {
      expect(troubles(await diagnose(url))).toEqual([]);
    }
  });

  it('leaves no connection behind, and nothing that blocks the next one', async () => {
    await using database = await healthyDatabase();
    await diagnose(database.url());
    expect(await database.serverConnections()).toBe(0);
    expect((await diagnose(database.url())).status).toBe('healthy');
  });

  it('finds a replica that is meant to be one healthy', async () => {
    await using database = await healthyDatabase();
    const diagnosis = await whileSet(database, 'read_only', 1, () => diagnose(database.url(), { replica: true }));
    expect(troubles(diagnosis)).toEqual([]);
    expect(findingOf(diagnosis, 'read-only')?.message).toContain('as a replica should be');
  });
});

describe('the doctor finds', () => {
  it('a wrong password, and does not show it', async () => {
    await using database = await healthyDatabase();
    const diagnosis = await diagnose(database.url({ password: 'Qx7-secret-Zz' }));
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({ step: 'login', status: 'fail', message: expect.stringContaining('Access denied') }),
    ]);
    expect(findingOf(diagnosis, 'login')?.advice).toMatch(/user name or the password is wrong/);
    expect(diagnosis.notTried).toContain('privileges');
    expectNoSecrets(diagnosis, 'Qx7-secret-Zz', database.password);
  });

  it('an expired certificate', async (context) => {
    onlyWhere(context, 'showsAnyCertificate');
    await using database = await healthyDatabase();
    try {
      await show(['127.0.0.1'], { notBefore: new Date(Date.now() - 9 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) });
      const diagnosis = await diagnose(database.url(verified));
      expect(troubles(diagnosis)).toEqual([
        expect.objectContaining({ step: 'certificate', status: 'fail', message: expect.stringContaining('has expired') }),
      ]);
    } finally {
      await show(['127.0.0.1', 'localhost']);
    }
  });

  it('a certificate that will soon expire, while it still works', async () => {
    await using database = await healthyDatabase();
    try {
      await show(['127.0.0.1'], { notAfter: new Date(Date.now() + 3 * DAY_MS) });
      const diagnosis = await diagnose(database.url(verified));
      expect(troubles(diagnosis)).toEqual([
        expect.objectContaining({ step: 'certificate', status: 'warn', message: expect.stringContaining('expires in 3 days') }),
      ]);
    } finally {
      await show(['127.0.0.1', 'localhost']);
    }
  });

  it('a wrong host name, and which names the certificate has', async () => {
    await using database = await healthyDatabase();
    try {
      await show(['database.example', '192.0.2.77']);
      const diagnosis = await diagnose(database.url(verified));
      expect(troubles(diagnosis)).toEqual([
        expect.objectContaining({ step: 'certificate', status: 'fail', message: expect.stringContaining('is not valid for 127.0.0.1') }),
      ]);
      expect(findingOf(diagnosis, 'certificate')?.message).toContain('DNS:database.example, IP Address:192.0.2.77');
    } finally {
      await show(['127.0.0.1', 'localhost']);
    }
  });

  it('every fault of a certificate at once', async (context) => {
    onlyWhere(context, 'showsAnyCertificate');
    await using database = await healthyDatabase();
    try {
      await show(['database.example'], { notBefore: new Date(Date.now() - 9 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) });
      const diagnosis = await diagnose(database.url(verified));
      expect(troubles(diagnosis).map(({ step, message }) => [step, /expired|is not valid for/.exec(message)?.[0]])).toEqual([
        ['certificate', 'expired'],
        ['certificate', 'is not valid for'],
      ]);
    } finally {
      await show(['127.0.0.1', 'localhost']);
    }
  });

  it('an untrusted authority, and the chain', async () => {
    await using database = await healthyDatabase();
    const diagnosis = await diagnose(database.url({ parameters: { ssl: 'true' } }));
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({ step: 'certificate', status: 'fail', message: expect.stringContaining('is not trusted') }),
    ]);
    expect(findingOf(diagnosis, 'certificate')?.message).toContain('server ← Poolwright private authority');
  });

  it('encryption that is not verified', async () => {
    await using database = await healthyDatabase();
    const diagnosis = await diagnose(database.url({ parameters: { 'ssl-mode': 'REQUIRED' } }));
    expect(diagnosis.status).toBe('warnings');
    expect(findingOf(diagnosis, 'latency')?.status).toBe('ok');
    expect(troubles(diagnosis).map(({ step }) => step)).toEqual(['certificate', 'tls']);
  });

  it('a server that offers only plaintext', async () => {
    await using plaintext = await startServer({ arguments: [withoutTls()] });
    await using database = await createDatabase(plaintext);
    const diagnosis = await diagnose(database.url({ parameters: { ssl: 'true' } }));
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({ step: 'tls', status: 'fail', message: expect.stringContaining('only plaintext') }),
    ]);
    expectNoSecrets(diagnosis, database.password);
  });

  it('a wait_timeout below the lifetime', async () => {
    await using database = await healthyDatabase();
    const diagnosis = await whileSet(database, 'wait_timeout', 600, () => diagnose(database.url()));
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({
        step: 'wait-timeout',
        status: 'warn',
        message: expect.stringContaining('600 s is below maxLifetime (1800 s)'),
      }),
    ]);
    expect(diagnosis.recommendations).toContainEqual(expect.objectContaining({ option: 'maxLifetime', value: 540_000 }));
  });

  it('a wait_timeout below the keepalive: idle connections are lost', async () => {
    await using database = await healthyDatabase();
    const diagnosis = await whileSet(database, 'wait_timeout', 60, () => diagnose(database.url()));
    expect(troubles(diagnosis)).toEqual([expect.objectContaining({ step: 'wait-timeout', status: 'fail' })]);
    const { option, value } = diagnosis.recommendations[0] ?? {};
    expect([option, Number(value) < 60_000]).toEqual(['keepaliveInterval', true]);
    // What is recommended is enough.
    const options = Object.fromEntries(diagnosis.recommendations.map((one) => [one.option, one.value]));
    expect(troubles(await whileSet(database, 'wait_timeout', 60, () => diagnose(database.url(), { options })))).toEqual([]);
  });

  it('limit × processes above max_connections, and a limit that fits', async () => {
    await using database = await healthyDatabase();
    const settings = { processes: 8 };
    const diagnosis = await diagnose(database.url(), settings);
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({
        step: 'max-connections',
        status: 'fail',
        message: expect.stringContaining('20 × 8 processes = 160 is above max_connections = 151'),
      }),
    ]);
    expect(diagnosis.recommendations[0]).toMatchObject({ option: 'connectionLimit', value: 15 });
    expect(troubles(await diagnose(database.url(), { ...settings, options: { connectionLimit: 15 } }))).toEqual([]);
    expect(troubles(await diagnose(database.url(), { ...settings, options: { connectionLimit: { min: 2, max: 20 } } }))).toEqual([
      expect.objectContaining({ message: expect.stringContaining('connectionLimit 2-20: 20 × 8 processes = 160 is above') }),
    ]);
  });

  it("an account's own limit of connections", async () => {
    await using database = await healthyDatabase();
    await database.admin(`ALTER USER '${database.user}'@'%' WITH MAX_USER_CONNECTIONS 10`);
    const diagnosis = await diagnose(database.url());
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({ step: 'max-connections', message: expect.stringContaining('max_user_connections = 10') }),
    ]);
  });

  it('too few prepared statements', async () => {
    await using database = await healthyDatabase();
    const diagnosis = await whileSet(database, 'max_prepared_stmt_count', 500, () => diagnose(database.url()));
    expect(troubles(diagnosis)).toEqual([expect.objectContaining({ step: 'prepared-statements', status: 'warn' })]);
    expect(diagnosis.recommendations).toContainEqual(expect.objectContaining({ option: 'maxPreparedStatements', value: 25 }));
  });

  it('a read-only server', async () => {
    await using database = await healthyDatabase();
    const diagnosis = await whileSet(database, 'read_only', 1, () => diagnose(database.url()));
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({ step: 'read-only', status: 'fail', message: expect.stringContaining('read_only = ON') }),
    ]);
  });

  it("an administrator's account", async () => {
    await using database = await healthyDatabase();
    const url = database.url({ user: server.adminUser, password: server.adminPassword });
    expect(troubles(await diagnose(url))).toEqual([expect.objectContaining({ step: 'privileges', status: 'warn' })]);
  });

  it('a database that is not there, or that the account may not use', async () => {
    await using database = await healthyDatabase();
    const diagnosis = await diagnose(database.url({ database: 'no_such_database' }));
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({ step: 'login', advice: expect.stringContaining('There is no database of this name, or') }),
    ]);
  });

  it('a server whose connections are all taken', async () => {
    await using full = await startServer({ arguments: ['--max-connections=10'] });
    await using database = await createDatabase(full);
    const taken = await Promise.all(Array.from({ length: 10 }, () => database.connectAsAdmin()));
    try {
      // The eleventh is for an administrator: it takes that one, too.
      const last = await database.connectAsAdmin();
      taken.push(last);
      const diagnosis = await diagnose(database.url());
      expect(troubles(diagnosis)).toEqual([
        expect.objectContaining({
          status: 'fail',
          message: expect.stringMatching(/Too many connections/),
          advice: expect.stringContaining('max_connections'),
        }),
      ]);
    } finally {
      await Promise.all(taken.map((connection) => connection.end()));
    }
  });

  it('a closed port', async () => {
    const diagnosis = await diagnose(`mysql://u:Qx7-secret-Zz@127.0.0.1:${await freePort()}/x`);
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({
        step: 'tcp',
        status: 'fail',
        message: expect.stringContaining('refused'),
        advice: expect.stringContaining('nothing listens'),
      }),
    ]);
    expectNoSecrets(diagnosis, 'Qx7-secret-Zz');
  });

  it('a black-holed port, within its timeout', async () => {
    await using hole = await openBlackHole();
    const diagnosis = await diagnose(`mysql://u:p@${hole.host}:${hole.port}/x`, { timeoutMs: 500 });
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({
        step: 'tcp',
        status: 'fail',
        message: expect.stringContaining('no answer within 500 ms'),
        advice: expect.stringContaining('firewall'),
      }),
    ]);
  });

  it.each<[Manners, RegExp]>([
    ['silent', /nothing arrived for 3000 ms/],
    ['close', /closed without any data/],
    ['http', /not a MySQL server|closed without any data/],
    ['garbage', /not a MySQL server/],
  ])('something else that listens: %s', async (manners, message) => {
    await using stranger = await startSilentTcpServer(manners);
    // HTTP servers speak when they are spoken to; this one at once.
    const diagnosis = await diagnose(`mysql://u:p@127.0.0.1:${stranger.port}/x`, { timeoutMs: manners === 'silent' ? 3_000 : 60_000 });
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({ step: 'greeting', status: 'fail', message: expect.stringMatching(message) }),
    ]);
  });

  it('a name that does not exist', async () => {
    const diagnosis = await diagnose('mysql://u:p@nohost.invalid/x?ssl=false');
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({ step: 'name', status: 'fail', message: expect.stringContaining('nohost.invalid') }),
    ]);
  });

  it('a socket that is not there', async () => {
    const diagnosis = await diagnose('mysql://u:p@localhost/x?socketPath=/nowhere/mysqld.sock');
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({ step: 'name', status: 'fail', message: expect.stringContaining('/nowhere/mysqld.sock') }),
    ]);
  });

  it('an option that is wrong, without the password', async () => {
    const diagnosis = await diagnose('mysql://u:Qx7-secret-Zz@127.0.0.1/x?conectionLimit=3');
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({ step: 'url', status: 'fail', message: expect.stringContaining('Did you mean connectionLimit?') }),
    ]);
    expectNoSecrets(diagnosis, 'Qx7-secret-Zz');
  });

  it('no Redis where one is named', async () => {
    await using database = await healthyDatabase();
    const diagnosis = await diagnose(database.url(), { redisUrl: `redis://:Qx7-secret-Zz@127.0.0.1:${await freePort()}` });
    expect(troubles(diagnosis)).toEqual([
      expect.objectContaining({ step: 'redis', status: 'fail', message: expect.stringContaining('nothing listens') }),
    ]);
    expectNoSecrets(diagnosis, 'Qx7-secret-Zz');
  });

  it('a Redis with another password, and a server that is not Redis', async () => {
    await using database = await healthyDatabase();
    await using redis = await startRedis({ arguments: ['--requirepass', 'right'] });
    const wrong = await diagnose(database.url(), { redisUrl: `redis://:wrong-one@127.0.0.1:${redis.port}` });
    expect(findingOf(wrong, 'redis')).toMatchObject({ status: 'fail', message: expect.stringContaining('WRONGPASS') });
    const right = await diagnose(database.url(), { redisUrl: `redis://:right@127.0.0.1:${redis.port}` });
    expect(findingOf(right, 'redis')?.status).toBe('ok');
    await using stranger = await startSilentTcpServer('http');
    const none = await diagnose(database.url(), { redisUrl: `redis://127.0.0.1:${stranger.port}` });
    expect(findingOf(none, 'redis')).toMatchObject({ status: 'fail', message: expect.stringContaining('is not Redis') });
  });

  it('a PgBouncer that is not there', async () => {
    await using database = await healthyDatabase();
    const diagnosis = await diagnose(database.url(), { pgbouncerUrl: `postgresql://u:Qx7-secret-Zz@127.0.0.1:${await freePort()}` });
    expect(troubles(diagnosis)).toEqual([expect.objectContaining({ step: 'pgbouncer', status: 'fail' })]);
    expectNoSecrets(diagnosis, 'Qx7-secret-Zz');
  });
});
