// Runs whole applications under the register hook: `npm run applications vendure`. Each is installed into `.cache/applications` at its first use.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { arch, execPath, platform } from 'node:process';
import { parseArgs } from 'node:util';
import { npm, ROOT } from '../install.mjs';
import { run } from '../run.mjs';
import { npmBinary } from '../runtimes/npm-binary.mjs';
import { refuse } from '../usage.mjs';
import { runCompiled } from './compiled-check.mjs';

const NAMES = ['vendure', 'node-red', 'directus', 'express-session', 'loopback', 'aws-wrapper'];
const NODE = '24.21.0';

const USAGE = `Usage: npm run applications -- [${NAMES.join('] [')}] [--server <mariadb or mysql, default mariadb>] [--record]`;

/** @returns {{ names: string[], server: string, record: boolean }} */
function orderOf() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { server: { type: 'string' }, record: { type: 'boolean' } },
    });
    return { names: positionals.length > 0 ? positionals : NAMES, server: values.server ?? 'mariadb', record: values.record ?? false };
  } catch (error) {
    return refuse(error.message, USAGE);
  }
}

const order = orderOf();
for (const name of order.names) if (!NAMES.includes(name)) refuse(`There is no application '${name}'.`, USAGE);
if (!['mysql', 'mariadb', 'mariadb-11.8'].includes(order.server))
  refuse(`--server must be mysql or mariadb; given: '${order.server}'.`, USAGE);

const HOME = join(ROOT, '.cache/applications');
const PACKAGE = join(HOME, 'poolwright');

/** The package as users install it, without the dashboard. */
async function buildPackage() {
  rmSync(PACKAGE, { recursive: true, force: true });
  mkdirSync(PACKAGE, { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(PACKAGE, 'package.json'));
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const output = join(PACKAGE, 'dist');
  const compiled = await run(execPath, [join(typescript, 'bin/tsc'), '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', output]);
  if (compiled.code !== 0) process.exit(compiled.code);
  const bundled = await run(execPath, [join(ROOT, 'scripts/bundle.mjs'), output]);
  if (bundled.code !== 0) process.exit(bundled.code);
}

function copyPrograms(source, folder) {
  cpSync(source, folder, { recursive: true, filter: (path) => !path.endsWith('.ts') });
}

/** An application's packages, with no script of theirs run, its programs, and Poolwright. */
async function installApplication(name) {
  const source = join(ROOT, 'test/applications', name);
  const folder = join(HOME, name);
  const wanted = readFileSync(join(source, 'package.json'), 'utf8');
  const stamp = join(folder, 'installed.json');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    copyPrograms(source, folder);
    console.log(`Installing ${name} (npm install --ignore-scripts) …`);
    const options = [
      '--prefix',
      folder,
      '--ignore-scripts',
      '--omit=dev',
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      '--loglevel=error',
    ];
    if ((await npm(['install', ...options])).code !== 0) throw new Error(`${name} could not be installed.`);
    writeFileSync(stamp, wanted);
  }
  copyPrograms(source, folder);
  cpSync(join(source, '../notes-server.mjs'), join(folder, 'notes-server.mjs'));
  const poolwright = join(folder, 'node_modules/poolwright');
  rmSync(poolwright, { recursive: true, force: true });
  cpSync(PACKAGE, poolwright, { recursive: true });
}

// Some of them need a newer Node than Poolwright does.
const node = await npmBinary(`node-${platform === 'win32' ? 'win' : platform}-${arch}`, NODE, 'bin/node', `node-${NODE}`);
await buildPackage();
for (const name of order.names) await installApplication(name);
runCompiled({
  project: 'test/applications',
  name: 'applications',
  parameters: [JSON.stringify({ root: ROOT, node, nodeVersion: NODE, ...order })],
});
