/** New data folders for MariaDB, copied from one template. */
import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireExecutable } from './find-executable.js';
import { endWithParent } from './server-process.js';
import { createTemporaryFolder } from './temporary-folder.js';

const run = promisify(execFile);

/** The packages without a system service: nothing is started by installing them. */
export const MARIADB_PACKAGES: readonly string[] = ['mariadb-server-core', 'mariadb-client-core'];

/** Must be the same when a data folder is made and when a server uses it. */
export const INNODB_LOG_SIZE = '--innodb-log-file-size=4M';

async function createTemplate(): Promise<string> {
  const install = await requireExecutable('mariadb-install-db', MARIADB_PACKAGES);
  const { path } = createTemporaryFolder('poolwright-mariadb-template');
  const folder = join(path, 'data');
  try {
    const [command, args] = await endWithParent(install, [
      '--no-defaults',
      `--datadir=${folder}`,
      // No --user, even for root: with it the script changes the owner of the system's own PAM helper.
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
      // In the system's folder, two containers that share it would overwrite each other's files.
      `--tmpdir=${path}`,
      INNODB_LOG_SIZE,
    ]);
    await run(command, args);
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string };
    throw new Error(`mariadb-install-db failed: ${`${stdout}\n${stderr}`.trim().slice(-2_000)}`, { cause });
  }
  return folder;
}

/** Made once in a process, because it takes half a second; removed when the process ends. */
let template: Promise<string> | undefined;

/**
 * Makes a MariaDB data folder with nothing but the system tables.
 *
 * @param folder - Must not exist yet.
 */
export async function createDataFolder(folder: string): Promise<void> {
  template ??= createTemplate();
  await cp(await template, folder, { recursive: true });
}
