/** Fetches database servers that this Debian has no packages of into a folder of the repository, from Debian's unstable suite; nothing is installed. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, pid } from 'node:process';
import { fileURLToPath } from 'node:url';
import { findExecutable } from '../find-executable.mjs';
import { exitCodeOf, Interrupted, run } from '../run.mjs';

/** What each server is made of. They bring the libraries that they need along, the C library too. */
const PACKAGES = {
  mysql: ['mysql-server-core', 'mysql-client-core', 'mysql-router'],
  'mariadb-11.8': ['mariadb-server-core', 'mariadb-client-core'],
};

/** Unstable has each server's newest line. What it has today is taken: the runs say which version they ran on. */
const SUITE = 'sid';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const TOOLS = ['apt-get', 'dpkg-deb'];

/** Git ignores it. */
const FOLDER = fileURLToPath(new URL('../../.cache/servers', import.meta.url));

/** Written last, so that a folder without it is not whole. */
const VERSIONS = 'versions.json';

/** What a server does not need. */
const SUPERFLUOUS = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/perl', 'usr/share/info'];

class CannotFetch extends Error {}

/** @typedef {keyof typeof PACKAGES} FetchedServer */

/**
 * The folder that a fetched server is in, as if it were the root of a file system.
 *
 * @param {FetchedServer} server
 * @returns {string}
 */
export function fetchedFolder(server) {
  return join(FOLDER, server);
}

/**
 * The versions of a server's packages.
 *
 * @param {FetchedServer} server
 * @returns {Readonly<Record<string, string>> | undefined} Nothing when it has not been fetched.
 */
export function fetchedVersions(server) {
  const path = join(fetchedFolder(server), VERSIONS);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

async function output(command, args, environment) {
  const result = await run(command, args, { capture: true, environment: { LC_ALL: 'C.UTF-8', ...environment } });
  if (result.code === 0) return result.output;
  throw new CannotFetch(`${command} ${args[0]} failed: ${result.output.trim().split('\n').slice(-5).join('\n')}`);
}

/** The addresses of Debian's archive, as apt reads them from this machine's own sources of packages. */
async function archives() {
  const format = '$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(LABEL)';
  const lines = (await output('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'])).trim().split('\n');
  const rows = lines.map((line) => line.split('\t'));
  const isDebian = ([uri, release, component, label]) =>
    component === 'main' &&
    !release.includes('-security') &&
    // A machine that has never read its lists does not know their labels.
    (label === 'Debian' || (label === '$(LABEL)' && /\/debian\/?$/.test(uri)));
  return [...new Set(rows.filter((row) => row.length === 4 && isDebian(row)).map(([uri]) => uri))];
}

/** The settings of an apt that reads and writes in `folder` alone, and believes that nothing is installed. */
function settings(folder, sources) {
  return [
    `Dir::Etc::SourceList "${sources}";`,
    'Dir::Etc::SourceParts "/dev/null";',
    'Dir::Etc::Preferences "/dev/null";',
    'Dir::Etc::PreferencesParts "/dev/null";',
    `Dir::State "${folder}/state";`,
    `Dir::State::status "${folder}/status";`,
    `Dir::Cache "${folder}/cache";`,
    'APT::Sandbox::User "root";',
    'APT::Get::Install-Recommends "false";',
    'Acquire::Languages "none";',
    // What the machine's own settings would do after each update, such as to empty its cache.
    '#clear APT::Update::Pre-Invoke;',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
    '',
  ].join('\n');
}

/** Reads the suite's lists from the first archive that has it. Signatures are verified with Debian's keyring. */
async function prepareApt(folder) {
  for (const path of ['state/lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, path), { recursive: true });
  const configuration = join(folder, 'apt.conf');
  const sources = join(folder, 'sources.list');
  writeFileSync(configuration, settings(folder, sources));
  writeFileSync(join(folder, 'status'), '');
  const environment = { APT_CONFIG: configuration };
  const found = await archives();
  if (found.length === 0) throw new CannotFetch("This machine's sources of packages name no archive of Debian.");
  let reason = '';
  for (const uri of found) {
    writeFileSync(sources, `deb [signed-by=${KEYRING}] ${uri} ${SUITE} main\n`);
    try {
      await output('apt-get', ['update', '-q', '-o', 'APT::Update::Error-Mode=any'], environment);
      return environment;
    } catch (error) {
      if (!(error instanceof CannotFetch)) throw error;
      reason = error.message;
    }
  }
  throw new CannotFetch(reason);
}

/** Downloads a server with what it needs, unpacks it, and puts it in its place in one step. */
async function fetchServer(server, folder, environment) {
  const root = join(folder, server);
  const archive = join(folder, 'cache/archives');
  await output('apt-get', ['install', '-q', '-y', '--download-only', ...PACKAGES[server]], environment);
  const packages = readdirSync(archive).filter((name) => name.endsWith('.deb'));
  mkdirSync(root);
  const versions = {};
  for (const name of packages) {
    const path = join(archive, name);
    await output('dpkg-deb', ['--extract', path, root]);
    const [title, version] = name.split('_').map(decodeURIComponent);
    if (PACKAGES[server].includes(title)) versions[title] = version;
    rmSync(path);
  }
  for (const path of SUPERFLUOUS) rmSync(join(root, path), { recursive: true, force: true });
  writeFileSync(join(root, VERSIONS), `${JSON.stringify(versions, undefined, 2)}\n`);
  try {
    renameSync(root, fetchedFolder(server));
  } catch (error) {
    // Another run was quicker.
    if (fetchedVersions(server) === undefined) throw error;
  }
}

/** What a run that was killed has left behind. */
function removeRemains() {
  for (const name of readdirSync(FOLDER)) {
    const owner = /^fetching-(\d+)$/.exec(name)?.[1];
    if (owner !== undefined && (Number(owner) === pid || !existsSync(`/proc/${owner}`)))
      rmSync(join(FOLDER, name), { recursive: true, force: true });
  }
}

/**
 * Makes sure that these servers are there, and fetches those that are missing.
 *
 * @param {readonly FetchedServer[]} servers
 * @returns {Promise<string | undefined>} Why they cannot be had, when they cannot.
 * @throws {Interrupted} when a signal arrived.
 */
export async function fetchServers(servers) {
  const missing = servers.filter((server) => fetchedVersions(server) === undefined);
  if (missing.length === 0) return undefined;
  console.log(`Fetching ${missing.join(' and ')} from Debian's unstable suite into .cache/servers (nothing is installed) …`);
  mkdirSync(FOLDER, { recursive: true });
  removeRemains();
  const folder = join(FOLDER, `fetching-${pid}`);
  try {
    const absent = TOOLS.filter((tool) => findExecutable(tool) === undefined);
    if (absent.length > 0) throw new CannotFetch(`There is no ${absent.join(' and no ')} on this system.`);
    mkdirSync(folder);
    const environment = await prepareApt(folder);
    for (const server of missing) await fetchServer(server, folder, environment);
    return undefined;
  } catch (error) {
    if (!(error instanceof CannotFetch)) throw error;
    return error.message;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const servers = argv.length > 2 ? argv.slice(2) : Object.keys(PACKAGES);
  try {
    const failure = await fetchServers(servers);
    if (failure !== undefined) console.error(failure);
    process.exitCode = failure === undefined ? 0 : 1;
    for (const server of servers) console.log(server, fetchedVersions(server) ?? 'is missing');
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.exitCode = exitCodeOf(error.signal);
  }
}
