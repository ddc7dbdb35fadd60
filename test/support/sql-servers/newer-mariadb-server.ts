import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MARIADB_SETTINGS } from '../../../src/demo/mariadb-server.js';
import { type PrivateServer, type PrivateServerOptions, type ServerProgram, startPrivateServer } from '../../../src/demo/private-server.js';
import { copyTemplate, fetchedCommand, rootOf, runToEnd } from './fetched-program.js';

/** What `mariadb-install-db` runs, in its order. It is a script for a system's own paths. */
const SYSTEM_TABLES: readonly string[] = [
  'mariadb_system_tables.sql',
  'mariadb_performance_tables.sql',
  'mariadb_system_tables_data.sql',
  'maria_add_gis_sp_bootstrap.sql',
  'mariadb_sys_schema.sql',
];

function places(): string[] {
  const root = rootOf('mariadb-11.8');
  return [
    `--basedir=${join(root, 'usr')}`,
    `--lc-messages-dir=${join(root, 'usr/share/mariadb')}`,
    `--character-sets-dir=${join(root, 'usr/share/mariadb/charsets')}`,
    `--plugin-dir=${join(root, 'usr/lib/mysql/plugin')}`,
  ];
}

const asRoot = process.geteuid?.() === 0 ? ['--user=root'] : [];

async function createDataFolder(folder: string): Promise<void> {
  await copyTemplate('mariadb-11.8', 'data-template', folder, async (made, temporary) => {
    const share = join(rootOf('mariadb-11.8'), 'usr/share/mariadb');
    const scripts = await Promise.all(SYSTEM_TABLES.map((name) => readFile(join(share, name), 'utf8')));
    const first = ['CREATE DATABASE IF NOT EXISTS mysql;', 'USE mysql;', 'SET @auth_root_socket = NULL;'];
    await mkdir(made);
    const args = [
      '--no-defaults',
      ...asRoot,
      '--bootstrap',
      `--datadir=${made}`,
      `--tmpdir=${temporary}`,
      ...places(),
      ...MARIADB_SETTINGS,
    ];
    await runToEnd(await fetchedCommand('mariadb-11.8', 'usr/sbin/mariadbd'), args, [...first, ...scripts].join('\n'));
  });
}

const NEWER_MARIADB: ServerProgram = {
  name: 'MariaDB 11.8',
  id: 'mariadb-11.8',
  command: () => fetchedCommand('mariadb-11.8', 'usr/sbin/mariadbd'),
  createDataFolder,
  get settings() {
    return [...places(), ...MARIADB_SETTINGS];
  },
  removeAccounts: ["DELETE FROM mysql.global_priv WHERE User IN ('', 'root');", 'FLUSH PRIVILEGES;'],
  startTimeoutMs: 60_000,
};

/**
 * Starts a MariaDB 11.8 of its own for this process: its own data folder, port, socket, certificate and users.
 *
 * @throws Error when it was not fetched (saying how) or does not start (with the end of its log).
 */
export function startNewerMariaDb(options: PrivateServerOptions = {}): Promise<PrivateServer> {
  return startPrivateServer(NEWER_MARIADB, options);
}
