/** What the doctor makes of refused logins: each is done to the server, and what it advises is tried. */
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PrivateServer } from '../../src/demo/private-server.js';
import { createPool } from '../../src/mysql/index.js';
import { errorOf } from '../support/pool-on-database.js';
import { createDatabase } from '../support/servers/database.js';
import { differs, onlyWhere, startServer } from '../support/sql-servers/this-server.js';
import { diagnose, findingOf, troubles } from './support/diagnose.js';
import { startImpostor } from './support/impostor.js';
import { type Patient, TROUBLES } from './support/login-troubles.js';

let server: PrivateServer;
/** Where what is done with expired passwords is the opposite of the default. */
let stricter: PrivateServer;

beforeAll(async () => {
  [server, stricter] = await Promise.all([
    startServer(),
    startServer({ arguments: [`--disconnect-on-expired-password=${differs('refusesExpiredPasswords') ? 0 : 1}`] }),
  ]);
});

afterAll(async () => {
  await Promise.all([server.stop(), stricter.stop()]);
});

/** A statement of the advice, with what stands in angle brackets filled in. */
function filledIn(statement: string, { database }: Patient): string {
  return statement
    .replaceAll('<host>', '%')
    .replaceAll(/<(new )?password>/g, database.password)
    .replaceAll('<n>', '0');
}

/** How long the doctor waits for an answer that never comes. Those before it must come within that time, on a busy machine, too. */
const NEVER_ANSWERED_MS = 3_000;

describe('of a refused login, the doctor says what is wrong, and what helps', () => {
  it.for(TROUBLES.map((one) => [one.name, one] as const))(
    '%s',
    async ([, { only, make, errno, says, cure, clear, passes, onStricter }], context) => {
      onlyWhere(context, only);
      const patientsServer = onStricter === true ? stricter : server;
      await using database = await createDatabase(patientsServer);
      const admin = await database.connectAsAdmin();
      const patient = { database, admin, account: `'${database.user}'@'%'` };
      const number = typeof errno === 'number' ? errno : errno();
      try {
        await make(patient);
        const diagnosis = await diagnose(database.url());
        const { status, message, advice } = findingOf(diagnosis, 'login') ?? {};
        expect(status).toBe('fail');
        expect(message).toMatch(new RegExp(`errno ${number}\\)$`));
        expect(advice).toMatch(says);
        expect(troubles(diagnosis)).toHaveLength(1);
        expect(JSON.stringify(diagnosis)).not.toContain(database.password);

        // The pool says the same, at once where it will come again.
        await using pool = createPool(database.url(), { acquireTimeout: 5_000, connectionLimit: 1 });
        const error = (await errorOf(pool.query('SELECT 1'))) as { errno?: number; cause?: { errno?: number } };
        expect(error.cause?.errno ?? error.errno).toBe(number);
        if (passes !== true) expect(pool.stats().connectErrors).toBeLessThanOrEqual(1);

        if (cure !== undefined) {
          const [statement] = cure.exec(advice ?? '') ?? [];
          expect(statement).toBeDefined();
          await admin.query(filledIn(statement as string, patient));
          expect(troubles(await diagnose(database.url()))).toEqual([]);
        }
      } finally {
        await clear?.(patient);
        await admin.end();
      }
    },
  );
});

describe('of other refusals, the doctor knows', () => {
  it('a certificate that the account asks for (REQUIRE X509), over TLS and with one', async () => {
    await using database = await createDatabase(server);
    await database.admin(`ALTER USER '${database.user}'@'%' REQUIRE X509`);
    const encrypted = database.url({ parameters: { sslca: server.caPath } });
    const { advice } = findingOf(await diagnose(encrypted), 'login') ?? {};
    expect(advice).toMatch(/REQUIRE X509\): \?sslcert=path&sslkey=path/);
    expect(advice).not.toContain('REQUIRE SSL');
    const { certificatePath, keyPath } = await server.authority.issue({ name: 'client', commonName: 'client', hosts: ['client.example'] });
    const certified = database.url({ parameters: { sslca: server.caPath, sslcert: certificatePath, sslkey: keyPath } });
    expect(troubles(await diagnose(certified))).toEqual([]);
  });

  it('a role that is not active, where the login works anyway', async () => {
    await using database = await createDatabase(server);
    const role = `role_${database.user}`;
    await database.admin(`CREATE ROLE ${role}`);
    try {
      await database.admin(`GRANT ${role} TO '${database.user}'@'%'`);
      const diagnosis = await diagnose(database.url());
      expect(troubles(diagnosis)).toEqual([
        expect.objectContaining({
          step: 'privileges',
          status: 'warn',
          message: expect.stringContaining(`not active at login: \`${role}\``),
        }),
      ]);
      const [statement] = /SET DEFAULT ROLE .+? (TO|FOR) '\w+'@'%'/.exec(findingOf(diagnosis, 'privileges')?.advice ?? '') ?? [];
      await database.admin(statement ?? 'no statement');
      expect(troubles(await diagnose(database.url()))).toEqual([]);
    } finally {
      await database.admin(`DROP ROLE ${role}`);
    }
  });

  it('a database whose name is written otherwise', async () => {
    await using database = await createDatabase(server);
    const { advice } = findingOf(await diagnose(database.url({ database: database.database.toUpperCase() })), 'login') ?? {};
    expect(advice).toBe(`The database is called ${database.database}: on this server, names are case-sensitive.`);
  });

  it('logins that the server delays after failed ones', async (context) => {
    onlyWhere(context, 'delaysLogins');
    await using database = await createDatabase(stricter);
    await using admin = await database.connectAsAdmin();
    await admin.query("INSTALL PLUGIN connection_control SONAME 'connection_control.so'");
    try {
      await admin.query('SET GLOBAL connection_control_failed_connections_threshold = 1');
      await admin.query('SET GLOBAL connection_control_min_connection_delay = 60000');
      for (let count = 0; count < 2; count += 1) {
        await createConnection({ ...database.connection, password: 'of yesterday', connectTimeout: 500 }).catch(() => undefined);
      }
      expect(troubles(await diagnose(database.url(), { timeoutMs: NEVER_ANSWERED_MS }))).toEqual([
        expect.objectContaining({
          step: 'login',
          message: `no answer to the login within ${NEVER_ANSWERED_MS} ms`,
          advice: expect.stringContaining('connection_control'),
        }),
      ]);
    } finally {
      await admin.query('SET GLOBAL connection_control_failed_connections_threshold = 0');
      await admin.query('UNINSTALL PLUGIN connection_control');
    }
  });

  it('a server without an account for this host', async () => {
    await using strict = await startServer();
    const { socketPath, adminUser: user, adminPassword: password } = strict;
    await using inside = await createConnection({ socketPath, user, password });
    await inside.query(`RENAME USER '${user}'@'%' TO '${user}'@'localhost'`);
    await inside.query(`DROP USER '${strict.user}'@'%'`);
    await inside.query('FLUSH PRIVILEGES');
    const refused = await diagnose(strict.url());
    expect(troubles(refused)).toEqual([
      expect.objectContaining({
        step: 'greeting',
        message: expect.stringContaining('errno 1130'),
        advice: expect.stringContaining("('127.0.0.1')"),
      }),
    ]);
    const [statement] =
      /CREATE USER '\w+'@'<this address, or %>' IDENTIFIED BY '<password>'/.exec(findingOf(refused, 'greeting')?.advice ?? '') ?? [];
    await inside.query((statement ?? 'no statement').replace('<this address, or %>', '127.0.0.1').replace('<password>', strict.password));
    await inside.query(`GRANT ALL ON ${strict.database}.* TO '${strict.user}'@'127.0.0.1'`);
    expect(troubles(await diagnose(strict.url()))).toEqual([]);
  });

  it.each<[number, string, RegExp]>([
    [1040, 'Too many connections', /All of max_connections are in use/],
    [1129, "Host '192.0.2.7' is blocked because of many connection errors", /TRUNCATE TABLE performance_schema\.host_cache.*FLUSH HOSTS/],
    [1156, 'Got packets out of order', /PROXY protocol/],
    [2003, "Can't connect to remote MySQL server", /A proxy answers, but it cannot reach a server behind it/],
    [1053, 'Server shutdown in progress', /shutting down/],
  ])('what comes in place of a greeting: %i', async (errno, message, advice) => {
    await using impostor = await startImpostor({ refuses: [errno, message] });
    expect(troubles(await diagnose(`mysql://app:p@127.0.0.1:${impostor.port}/shop`))).toEqual([
      expect.objectContaining({
        step: 'greeting',
        message: expect.stringContaining(`errno ${errno}`),
        advice: expect.stringMatching(advice),
      }),
    ]);
  });

  it.each<[number, string, RegExp]>([
    [1049, "Unknown database 'shop'", /no database of this name/],
    [1203, 'User app already has more than max_user_connections active connections', /SET GLOBAL max_user_connections = <n>/],
    [1251, 'Client does not support authentication protocol requested by server', /IDENTIFIED WITH caching_sha2_password BY/],
    [6400, 'The server is currently in offline mode since 2026-11-29, reason: repairs', /SET GLOBAL offline_mode = OFF/],
    [1045, "ProxySQL Error: Access denied for user 'app'@'127.0.0.1' (using password: YES)", /mysql_users/],
    [9001, 'Max connect timeout reached while reaching hostgroup 10 after 10000ms', /A proxy answers/],
    [2013, 'Lost connection to backend server', /A proxy answers/],
  ])('what a login is answered: %i, %s', async (errno, message, advice) => {
    await using impostor = await startImpostor({ greets: '8.0.30', refuses: [errno, message] });
    expect(troubles(await diagnose(`mysql://app:p@127.0.0.1:${impostor.port}/shop`))).toEqual([
      expect.objectContaining({ step: 'login', message: expect.stringContaining(message), advice: expect.stringMatching(advice) }),
    ]);
  });

  it.each<[string, RegExp]>([
    ['client_ed25519', /logs in with client_ed25519, which mysql2 does not know/],
    ['mysql_clear_password', /enableCleartextPlugin: true/],
  ])('a way to log in that is not known here: %s', async (asksFor, advice) => {
    await using impostor = await startImpostor({ greets: '5.5.5-10.11.6-MariaDB', asksFor });
    expect(troubles(await diagnose(`mysql://app:p@127.0.0.1:${impostor.port}/shop`))).toEqual([
      expect.objectContaining({ step: 'login', advice: expect.stringMatching(advice) }),
    ]);
  });

  it('a server that greets and never answers the login', async () => {
    await using impostor = await startImpostor({ greets: '9.7.4-router' });
    expect(troubles(await diagnose(`mysql://app:p@127.0.0.1:${impostor.port}/shop`, { timeoutMs: NEVER_ANSWERED_MS }))).toEqual([
      expect.objectContaining({
        step: 'login',
        message: `no answer to the login within ${NEVER_ANSWERED_MS} ms`,
        advice: expect.stringContaining('frozen'),
      }),
    ]);
  });
});
