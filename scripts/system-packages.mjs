/** Finds the servers and tools of the system that tests and the demo need, and installs the missing ones with apt-get. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, env, geteuid, pid } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findExecutable } from './find-executable.mjs';
import { exitCodeOf, Interrupted, run, runToEnd, throwIfInterrupted } from './run.mjs';

/** Where each tool comes from on Debian. Packages without a system service are preferred. */
const PACKAGES = {
  mariadbd: 'mariadb-server-core',
  'mariadb-install-db': 'mariadb-server-core',
  my_print_defaults: 'mariadb-client-core',
  openssl: 'openssl',
  postgres: 'postgresql',
  initdb: 'postgresql',
  pgbouncer: 'pgbouncer',
  'redis-server': 'redis-server',
  promtool: 'prometheus',
  prometheus: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
  amtool: 'prometheus-alertmanager',
  chromium: 'chromium',
  curl: 'curl',
  haproxy: 'haproxy',
};

/** What a private MariaDB with TLS needs. */
export const MARIADB_TOOLS = ['mariadbd', 'mariadb-install-db', 'my_print_defaults', 'openssl'];

/** What the tests need. */
export const TEST_TOOLS = [
  ...MARIADB_TOOLS,
  'postgres',
  'initdb',
  'pgbouncer',
  'redis-server',
  'promtool',
  'prometheus',
  'prometheus-alertmanager',
  'amtool',
  'chromium',
  'curl',
  'haproxy',
];

const LOCK_TIMEOUT_MS = 300_000;
const LOCK_POLL_MS = 2_000;

/** Never remove what is there: another MySQL server, for one, which excludes this one. */
const INSTALL = ['install', '--no-install-recommends', '--no-remove'];

const POLICY_FILE = '/usr/sbin/policy-rc.d';
const POLICY_MARK = 'Made by the scripts of poolwright';

/** See invoke-rc.d(8): 101 forbids to start a service. Should this process be killed, the file left behind forbids nothing. */
const POLICY = `#!/bin/sh
# ${POLICY_MARK} and removed by them: what they install starts no service.
[ -d /proc/${pid} ] && exit 101
exit 0
`;

const CLUSTER_FILE = '/etc/postgresql-common/createcluster.conf';

class CannotInstall extends Error {}

function isMissing(tool) {
  return findExecutable(tool) === undefined;
}

function packagesOf(tools) {
  return [...new Set(tools.map((tool) => PACKAGES[tool]))];
}

/** Runs a command as root: directly, or with a sudo that asks for no password. apt-get takes SIGINT well, and nothing else. */
function asRoot(command, args) {
  const inherited = ['http_proxy', 'https_proxy', 'no_proxy']
    .filter((name) => env[name] !== undefined)
    .map((name) => `${name}=${env[name]}`);
  const own = ['env', 'DEBIAN_FRONTEND=noninteractive', 'NEEDRESTART_MODE=l', 'LC_ALL=C.UTF-8', ...inherited, command, ...args];
  const [program, ...rest] = geteuid() === 0 ? own : ['sudo', '-n', ...own];
  return runToEnd(program, rest, { capture: true, passOnAs: 'SIGINT' });
}

async function canBeRoot() {
  if (geteuid() === 0) return true;
  return findExecutable('sudo') !== undefined && (await run('sudo', ['-n', 'true'], { capture: true })).code === 0;
}

async function mustSucceed(what, result) {
  const { code, output } = await result;
  throwIfInterrupted();
  if (code !== 0) throw new CannotInstall(`${what} failed:\n${output.trim().split('\n').slice(-15).join('\n')}`);
}

async function write(path, content, mode) {
  const folder = mkdtempSync(join(tmpdir(), 'poolwright-install-'));
  try {
    writeFileSync(join(folder, 'content'), content);
    const { code, output } = await asRoot('install', ['-m', mode, join(folder, 'content'), path]);
    if (code !== 0) throw new CannotInstall(`${path} could not be written: ${output.trim()}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Does the work while a file has another content, and brings the old one back, or its absence, even when the work fails. */
async function withFile(path, before, content, mode, work) {
  try {
    await write(path, content, mode);
    return await work();
  } finally {
    await (before === undefined ? asRoot('rm', ['-f', path]) : write(path, before, mode));
  }
}

function contentOf(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

async function withoutServices(work) {
  const policy = contentOf(POLICY_FILE);
  // A policy of the machine's own is left alone.
  if (policy !== undefined && !policy.includes(POLICY_MARK)) return await work();
  return await withFile(POLICY_FILE, undefined, POLICY, '755', work);
}

/** The package of the PostgreSQL server makes a database of its own, unless its configuration forbids it. */
async function withoutMainCluster(work) {
  const settings = contentOf(CLUSTER_FILE);
  return await withFile(CLUSTER_FILE, settings, `${settings ?? ''}\ncreate_main_cluster = false\n`, '644', work);
}

/** Its own waiting covers one of its three locks. */
async function apt(args) {
  const deadline = performance.now() + LOCK_TIMEOUT_MS;
  for (let attempt = 1; ; attempt += 1) {
    const result = await asRoot('apt-get', ['-q', '-y', '-o', `DPkg::Lock::Timeout=${LOCK_TIMEOUT_MS / 1000}`, ...args]);
    throwIfInterrupted();
    if (result.code === 0 || !result.output.includes('Could not get lock') || performance.now() > deadline) return result;
    if (attempt === 1) console.log('Waiting until another program is done with apt …');
    await sleep(LOCK_POLL_MS);
  }
}

async function update() {
  console.log('Reading the lists of packages (apt-get update) …');
  const { code, output } = await apt(['update']);
  // One source of many may be unreachable; the installation shows whether it matters.
  if (code !== 0) console.log(output.trim().split('\n').slice(-3).join('\n'));
}

async function install(packages) {
  console.log(`Installing ${packages.join(', ')} (apt-get install; no service is started) …`);
  if ((await apt([...INSTALL, '--simulate', ...packages])).code !== 0) {
    await update();
  } else if ((await apt([...INSTALL, ...packages])).code === 0) {
    return;
  } else {
    // The lists are there, but older than what the servers still have.
    await update();
  }
  await mustSucceed('apt-get install', apt([...INSTALL, ...packages]));
}

async function installAll(packages) {
  await withoutServices(async () => {
    if (!packages.includes('postgresql')) return await install(packages);
    const others = packages.filter((name) => name !== 'postgresql');
    // First, because it brings the file that says what the server must not make.
    await install([...others, 'postgresql-common']);
    return await withoutMainCluster(() => install(['postgresql']));
  });
}

/**
 * Makes sure that these tools are on the machine, and installs what is missing where that is possible: on Debian and its relatives, as root
 * or with a sudo that asks for no password.
 *
 * @param {readonly (keyof typeof PACKAGES)[]} tools
 * @returns {Promise<boolean>} Whether all are there now; when not, what to install has been said.
 * @throws {Interrupted} when a signal arrived.
 */
export async function ensureTools(tools) {
  const missing = tools.filter((tool) => isMissing(tool));
  if (missing.length === 0) return true;
  const packages = packagesOf(missing);
  try {
    if (findExecutable('apt-get') === undefined) throw new CannotInstall('There is no apt-get on this system.');
    if (!(await canBeRoot())) throw new CannotInstall('This user is not root, and sudo asks for a password or is not there.');
    await installAll(packages);
    const still = tools.filter((tool) => isMissing(tool));
    if (still.length > 0) throw new CannotInstall(`The packages were installed, but ${still.join(', ')} could not be found.`);
    return true;
  } catch (error) {
    if (!(error instanceof CannotInstall)) throw error;
    console.error(
      `${error.message}\n\nMissing: ${missing.join(', ')}. Please install these packages, and try again:\n\n  apt-get install ${packages.join(' ')}\n`,
    );
    return false;
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const tools = argv.length > 2 ? argv.slice(2) : TEST_TOOLS;
  try {
    process.exitCode = (await ensureTools(tools)) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.exitCode = exitCodeOf(error.signal);
  }
}
