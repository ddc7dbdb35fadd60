import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { databaseUrl, type UrlOverrides } from '../../../src/demo/database-url.js';
import { requireExecutable } from '../../../src/demo/find-executable.js';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { freePort } from '../network/free-port.js';
import type { PostgresServer } from './postgres-server.js';
import { type RestartableServer, startRestartableServer } from './restartable-server.js';
import { giveTo, unprivilegedAccount } from './unprivileged-account.js';

/** Whom PgBouncer knows: an administrator, one who may only look, and one who may neither. */
export type Role = 'admin' | 'stats' | 'plain';

/** A private PgBouncer in front of a PostgreSQL. */
export interface PgBouncer extends RestartableServer {
  readonly host: string;
  readonly port: number;
  /** The name under which clients reach the database behind it. */
  readonly database: string;
  readonly users: Readonly<Record<Role, { readonly user: string; readonly password: string }>>;
  /** Default: the administrator, and PgBouncer's own console (the database `pgbouncer`). */
  url(role?: Role, overrides?: UrlOverrides): string;
}

/** How to start a private PgBouncer. */
export interface PgBouncerOptions {
  /** Default `scram-sha-256`. */
  readonly authType?: 'scram-sha-256' | 'md5' | 'plain' | 'any' | 'trust';
  /** More lines of the section `[pgbouncer]`; they win over the ones made here. */
  readonly settings?: Readonly<Record<string, string>>;
}

const HOST = '127.0.0.1';
const ATTEMPT_TIMEOUT_MS = 1_000;
const CONSOLE = 'pgbouncer';
const DATABASE = 'app';

/** https://www.postgresql.org/docs/current/protocol-message-formats.html, SSLRequest */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** Asks for TLS, which needs no user: the answer is one letter, yes or no. */
async function answersSslRequest(port: number): Promise<boolean> {
  const socket = connect({ host: HOST, port });
  try {
    socket.write(SSL_REQUEST);
    const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS) })) as [Buffer];
    return /^[NS]$/u.test(answer.toString('latin1'));
  } finally {
    socket.destroy();
  }
}

async function createRole(postgres: PostgresServer, user: string, password: string): Promise<void> {
  const client = new Client({ connectionString: postgres.url() });
  await client.connect();
  try {
    await client.query(`CREATE ROLE ${client.escapeIdentifier(user)} LOGIN PASSWORD ${client.escapeLiteral(password)}`);
  } finally {
    await client.end();
  }
}

function iniFile(sections: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  return Object.entries(sections)
    .flatMap(([section, lines]) => [`[${section}]`, ...Object.entries(lines).map(([name, value]) => `${name} = ${value}`), ''])
    .join('\n');
}

/**
 * Starts a PgBouncer of its own on a free loopback port. As root, it runs as another account.
 * The plain user exists in PostgreSQL too, so that it can query through PgBouncer; the other two are for the console.
 *
 * @throws Error when it is not installed (naming the package) or does not start (with the end of its log).
 */
export async function startPgBouncer(postgres: PostgresServer, options: PgBouncerOptions = {}): Promise<PgBouncer> {
  const command = await requireExecutable('pgbouncer', ['pgbouncer']);
  const account = await unprivilegedAccount();
  const suffix = randomBytes(4).toString('hex');
  const newUser = (name: string) => ({ user: `${name}_${suffix}`, password: `${randomBytes(9).toString('base64url')}@:/?#%&+ =` });
  const users = { admin: newUser('admin'), stats: newUser('stats'), plain: newUser('plain') };
  await createRole(postgres, users.plain.user, users.plain.password);

  const folder = createTemporaryFolder('poolwright-pgbouncer');
  const port = await freePort(HOST);
  const iniPath = join(folder.path, 'pgbouncer.ini');
  const usersPath = join(folder.path, 'users.txt');
  await writeFile(
    usersPath,
    Object.values(users).map(({ user, password }) => `"${user}" "${password}"\n`),
    { mode: 0o600 },
  );
  await writeFile(
    iniPath,
    iniFile({
      databases: { [DATABASE]: `host=${postgres.host} port=${postgres.port} dbname=${postgres.database}` },
      pgbouncer: {
        listen_addr: HOST,
        listen_port: String(port),
        unix_socket_dir: folder.path,
        auth_type: options.authType ?? 'scram-sha-256',
        auth_file: usersPath,
        admin_users: users.admin.user,
        stats_users: users.stats.user,
        pool_mode: 'transaction',
        ...options.settings,
      },
    }),
    { mode: 0o600 },
  );
  await giveTo(account, folder.path, iniPath, usersPath);

  const server = await startRestartableServer({
    name: 'PgBouncer',
    folder,
    process: {
      command,
      arguments: [iniPath],
      logPath: join(folder.path, 'pgbouncer.log'),
      cwd: folder.path,
      ...(account === undefined ? {} : { account }),
    },
    // It has nothing to save. SIGTERM waits for the clients since version 1.23.
    stopSignal: 'SIGQUIT',
    isReady: () => answersSslRequest(port),
  });
  const url = (role: Role = 'admin', overrides: UrlOverrides = {}): string =>
    databaseUrl({ host: HOST, port, ...users[role], database: CONSOLE }, overrides, 'postgresql');
  return Object.assign(server, { host: HOST, port, database: DATABASE, users, url });
}
