import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type PrivateServer, type PrivateServerOptions, type ServerProgram, startPrivateServer } from '../../../src/demo/private-server.js';
import { copyTemplate, fetchedCommand, rootOf, runToEnd } from './fetched-program.js';

/** Where it finds what came with it. */
function places(): string[] {
  const root = rootOf('mysql');
  return [
    `--basedir=${join(root, 'usr')}`,
    `--lc-messages-dir=${join(root, 'usr/share/mysql')}`,
    `--plugin-dir=${join(root, 'usr/lib/mysql/plugin')}`,
    // The folder that it is built with belongs to the system.
    '--secure-file-priv=',
  ];
}

const asRoot = process.geteuid?.() === 0 ? ['--user=root'] : [];

/** Small, quick to start, and safe against SIGKILL but not against a power cut. */
const SETTINGS: readonly string[] = [
  '--skip-name-resolve',
  '--mysqlx=OFF',
  '--innodb-buffer-pool-size=32M',
  '--innodb-redo-log-capacity=8M',
  // Its default, 64 MiB, is cleared at each start.
  '--innodb-log-buffer-size=1M',
  '--innodb-flush-log-at-trx-commit=2',
  // It is refused in many containers.
  '--innodb-use-native-aio=0',
  '--skip-log-bin',
];

/** Its template takes five seconds to make. */
async function createDataFolder(folder: string): Promise<void> {
  await copyTemplate('mysql', 'data-template', folder, async (made, temporary) => {
    const args = ['--no-defaults', ...asRoot, `--datadir=${made}`, `--tmpdir=${temporary}`, ...places(), ...SETTINGS];
    await runToEnd(await fetchedCommand('mysql', 'usr/sbin/mysqld'), [...args, '--initialize-insecure']);
    // Each server must make a number of its own, by which replication knows it.
    await rm(join(made, 'auto.cnf'), { force: true });
  });
}

const MYSQL: ServerProgram = {
  name: 'MySQL',
  id: 'mysql',
  command: () => fetchedCommand('mysql', 'usr/sbin/mysqld'),
  createDataFolder,
  get settings() {
    return [...places(), ...SETTINGS];
  },
  removeAccounts: ["DROP USER 'root'@'localhost';"],
  startTimeoutMs: 60_000,
};

/**
 * Starts a MySQL 9 of its own for this process: its own data folder, port, socket, certificate and users.
 *
 * @throws Error when it was not fetched (saying how) or does not start (with the end of its log).
 */
export function startMySql(options: PrivateServerOptions = {}): Promise<PrivateServer> {
  return startPrivateServer(MYSQL, options);
}
