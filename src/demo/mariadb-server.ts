/** A private MariaDB server for tests and the demo. */
import { requireExecutable } from './find-executable.js';
import { createDataFolder, INNODB_LOG_SIZE, MARIADB_PACKAGES } from './mariadb-data.js';
import { type PrivateServer, type PrivateServerOptions, type ServerProgram, startPrivateServer } from './private-server.js';

/** What MariaDB needs to be small, quick to start, and safe against SIGKILL but not against a power cut. */
export const MARIADB_SETTINGS: readonly string[] = [
  '--skip-name-resolve',
  '--character-set-server=utf8mb4',
  INNODB_LOG_SIZE,
  '--innodb-buffer-pool-size=32M',
  '--innodb-flush-log-at-trx-commit=2',
  // io_uring is refused in many containers.
  '--innodb-use-native-aio=0',
  '--aria-pagecache-buffer-size=8M',
  '--key-buffer-size=1M',
  '--skip-log-bin',
];

/** The MariaDB that the system has. */
const MARIADB: ServerProgram = {
  name: 'MariaDB',
  id: 'mariadb',
  command: async () => [await requireExecutable('mariadbd', MARIADB_PACKAGES)],
  createDataFolder,
  settings: MARIADB_SETTINGS,
  removeAccounts: ["DELETE FROM mysql.global_priv WHERE User IN ('', 'root');", 'FLUSH PRIVILEGES;'],
  startTimeoutMs: 20_000,
};

/**
 * Starts a MariaDB of its own for this process.
 *
 * @throws Error when MariaDB is not installed (naming the packages) or does not start (with the end of its log).
 *
 * @example
 * await using server = await startMariaDb();
 * const pool = createPool(server.url(), { ssl: { ca: server.caCertificate } });
 */
export function startMariaDb(options: PrivateServerOptions = {}): Promise<PrivateServer> {
  return startPrivateServer(MARIADB, options);
}
