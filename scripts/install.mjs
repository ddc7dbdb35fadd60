/** Installs the npm packages of the lock file, when they are not there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/** The folder of this repository. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), 'utf8')).packages ?? {};
  } catch {
    return {};
  }
}

/** Compares what is installed with what the lock file asks for. Times say nothing: a checkout sets them all. */
function isInstalled() {
  const wanted = readPackages('package-lock.json');
  const installed = readPackages('node_modules/.package-lock.json');
  return Object.entries(wanted).every(([path, { version, integrity, link, optional }]) => {
    // The root and the workspaces themselves; npm installs a link to the latter.
    if (!path.includes('node_modules/') || link) return true;
    const found = installed[path];
    // Optional ones are for other systems.
    return found === undefined ? optional === true : found.version === version && found.integrity === integrity;
  });
}

/**
 * Runs npm, the same one that runs this script if any.
 *
 * @param {readonly string[]} args
 */
export function npm(args) {
  const cli = process.env.npm_execpath;
  // The group: npm passes a signal to the shell of a script only, not to what that has started.
  return cli?.endsWith('.js') ? run(execPath, [cli, ...args], { wholeGroup: true }) : run('npm', args, { wholeGroup: true });
}

/**
 * Installs the npm packages of package-lock.json when those in node_modules are others.
 *
 * @throws when npm fails.
 */
export async function installNpmPackages() {
  if (isInstalled()) return;
  console.log('Installing the npm packages (npm ci) …');
  // With its own log level and with development packages, even when npm or the environment ask for others.
  const options = ['--no-audit', '--no-fund', '--loglevel=error', '--include=dev'];
  if ((await npm(['ci', ...options])).code === 0) return;
  // A registry without the packages of other systems makes npm refuse a lock file that is in order for this one.
  console.log('npm ci did not work. Installing what package-lock.json names (npm install --no-save) …');
  const { code } = await npm(['install', '--no-save', ...options]);
  if (code !== 0) throw new Error(`npm install failed with exit code ${code}.`);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  process.chdir(ROOT);
  await installNpmPackages();
}
