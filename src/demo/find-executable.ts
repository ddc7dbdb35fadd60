/** Finds a server program on the PATH and where distributions install it. */
import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Servers live in sbin, which is not on the PATH of a normal Debian user. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/opt/homebrew/bin'];

/** Debian keeps the PostgreSQL servers out of the PATH, one folder per major version. */
const POSTGRES_ROOT = '/usr/lib/postgresql';

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function postgresFolders(): Promise<string[]> {
  try {
    const versions = await readdir(POSTGRES_ROOT);
    return versions.toSorted((a, b) => Number(b) - Number(a)).map((version) => join(POSTGRES_ROOT, version, 'bin'));
  } catch {
    return [];
  }
}

/**
 * Finds a command on the PATH and in the folders where distributions keep server programs.
 *
 * @param command - The file name, for example `mariadbd`.
 * @returns Its absolute path, or `undefined` when there is none.
 */
export async function findExecutable(command: string): Promise<string | undefined> {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of new Set([...path, ...SYSTEM_FOLDERS, ...(await postgresFolders())])) {
    const candidate = join(folder, command);
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

/**
 * As {@link findExecutable}, for a command that the caller cannot do without.
 *
 * @param command - The file name, for example `mariadbd`.
 * @param packages - The Debian packages that bring it; the error names them.
 * @throws Error when the command is not installed.
 */
export async function requireExecutable(command: string, packages: readonly string[]): Promise<string> {
  const found = await findExecutable(command);
  if (found === undefined) {
    throw new Error(`The command ${command} was not found. On Debian and Ubuntu: apt-get install ${packages.join(' ')}`);
  }
  return found;
}
