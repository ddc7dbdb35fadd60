/** Programs that come as npm packages, one version each in a folder of the repository, installed at the first use. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pid } from 'node:process';
import { npm, ROOT } from '../install.mjs';

/**
 * The path of a program in an npm package of its own; no script of the package is run. Git ignores the folder.
 *
 * @param {string} name of the package
 * @param {string} version
 * @param {string} file the program, from the package's folder
 * @param {string} folder in `.cache`
 * @returns {Promise<string>}
 * @throws {Error} when npm cannot install the package
 */
export async function npmBinary(name, version, file, folder) {
  const home = join(ROOT, '.cache', folder);
  const binary = join(home, 'node_modules', name, file);
  if (existsSync(binary)) return binary;
  // Under a name of its own until it is complete: others may be installing it, too.
  const temporary = `${home}.${pid}`;
  mkdirSync(temporary, { recursive: true });
  writeFileSync(join(temporary, 'package.json'), '{ "private": true }');
  const options = ['--prefix', temporary, '--ignore-scripts', '--prefer-offline', '--loglevel=error'];
  const { code } = await npm(['install', ...options, `${name}@${version}`]);
  if (code !== 0 || !existsSync(join(temporary, 'node_modules', name, file))) {
    rmSync(temporary, { recursive: true, force: true });
    throw new Error(`The package ${name}@${version} could not be installed.`);
  }
  try {
    renameSync(temporary, home);
  } catch (error) {
    if (!existsSync(binary)) throw error;
    rmSync(temporary, { recursive: true });
  }
  return binary;
}
