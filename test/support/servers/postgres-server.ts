import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { databaseUrl, type UrlOverrides } from '../../../src/demo/database-url.js';
import { requireExecutable } from '../../../src/demo/find-executable.js';
import { createTemporaryFolder, type TemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { freePort } from '../network/free-port.js';
import { type RestartableServer, startRestartableServer } from './restartable-server.js';
import { type Account, giveTo, unprivilegedAccount } from './unprivileged-account.js';

const run = promisify(execFile);

/** A private PostgreSQL. `user` is its superuser. */
export interface PostgresServer extends RestartableServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  url(overrides?: UrlOverrides): string;
}

/** How to start a private PostgreSQL. */
export interface PostgresOptions {
  /** More settings, as in postgresql.conf; they win over the ones given here. */
  readonly settings?: Readonly<Record<string, string>>;
}

const HOST = '127.0.0.1';
const ATTEMPT_TIMEOUT_MS = 1_000;
const USER = 'postgres';
const DATABASE = 'postgres';
const PACKAGES: readonly string[] = ['postgresql'];

/** For a server that lives for a minute; its shared memory is in its folder, so that SIGKILL leaves none in the system. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: HOST,
  fsync: 'off',
  shared_buffers: '16MB',
  dynamic_shared_memory_type: 'mmap',
  password_encryption: 'scram-sha-256',
};

async function initialise(folder: TemporaryFolder, password: string, account: Account | undefined): Promise<string> {
  const initdb = await requireExecutable('initdb', PACKAGES);
  const passwordFile = join(folder.path, 'password');
  const data = join(folder.path, 'data');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await giveTo(account, folder.path, passwordFile);
  const options = [`--pgdata=${data}`, `--username=${USER}`, `--pwfile=${passwordFile}`];
  await run(initdb, [...options, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'], { cwd: folder.path, ...account });
  return data;
}

async function answersQuery(connectionString: string): Promise<boolean> {
  const client = new Client({ connectionString, connectionTimeoutMillis: ATTEMPT_TIMEOUT_MS });
  // Emitted when the server ends during the attempt; the attempt itself fails too.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } finally {
    await client.end();
  }
}

/**
 * Starts a PostgreSQL of its own on a free loopback port, with scram-sha-256 passwords. As root, it runs as another account.
 *
 * @throws Error when it is not installed (naming the package) or does not start (with the end of its log).
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const command = await requireExecutable('postgres', PACKAGES);
  const account = await unprivilegedAccount();
  const folder = createTemporaryFolder('poolwright-postgres');
  const password = `${randomBytes(9).toString('base64url')}@:/?#%&+ =`;
  const data = await initialise(folder, password, account).catch(async (error: unknown) => {
    await folder.remove();
    throw error;
  });
  const port = await freePort(HOST);
  const settings = Object.entries({ ...SETTINGS, port: String(port), unix_socket_directories: folder.path, ...options.settings });
  const address = { host: HOST, port, user: USER, password, database: DATABASE };
  const url = (overrides?: UrlOverrides): string => databaseUrl(address, overrides, 'postgresql');
  const server = await startRestartableServer({
    name: 'PostgreSQL',
    folder,
    process: {
      command,
      arguments: ['-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      logPath: join(folder.path, 'postgres.log'),
      cwd: folder.path,
      ...(account === undefined ? {} : { account }),
    },
    // "Fast shutdown": it ends the sessions. SIGTERM would wait for them.
    stopSignal: 'SIGINT',
    isReady: () => answersQuery(url()),
  });
  return Object.assign(server, { ...address, url });
}
