/** Finds a program in PATH, in the folders of the system and in those of PostgreSQL. */
import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/opt/homebrew/bin'];
const POSTGRES_ROOT = '/usr/lib/postgresql';

function postgresFolders() {
  try {
    return readdirSync(POSTGRES_ROOT).map((version) => join(POSTGRES_ROOT, version, 'bin'));
  } catch {
    return [];
  }
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Finds a command on the PATH and in the folders where distributions keep server programs.
 * The product has the same in src/demo/find-executable.ts; this one works before anything is installed or built.
 *
 * @param {string} command
 * @returns {string | undefined} Its absolute path.
 */
export function findExecutable(command) {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const folders = [...path, ...SYSTEM_FOLDERS, ...postgresFolders()];
  return folders.map((folder) => join(folder, command)).find((candidate) => isExecutable(candidate));
}
