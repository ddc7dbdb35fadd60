/** Starts the demo: installs and builds what is missing, then runs `poolwright demo`. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { argv, env, execPath } from 'node:process';
import { installNpmPackages, npm, ROOT } from './install.mjs';
import { Interrupted, isOwnSignal, runToEnd, throwIfInterrupted } from './run.mjs';
import { ensureTools, MARIADB_TOOLS } from './system-packages.mjs';

const MAIN = join(ROOT, 'dist/cli/main.js');

/** What the build is made from. */
const SOURCES = [
  'src',
  'dashboard/src',
  'dashboard/index.html',
  'dashboard/vite.config.ts',
  'package-lock.json',
  'tsconfig.base.json',
  'tsconfig.build.json',
];

/** The whole launcher ends within 5 s of a signal. */
const STOP_TIMEOUT_MS = 4_500;

function changedAt(path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 0 : stats.mtimeMs;
}

/** When the newest of these changed; a folder changes when a file in it is added or removed. */
function lastChange(paths) {
  return Math.max(
    ...paths.map((path) => {
      const inside = statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [];
      return Math.max(changedAt(path), ...(inside.length === 0 ? [] : [lastChange(inside)]));
    }),
  );
}

async function buildWhenNeeded() {
  if (changedAt(MAIN) > lastChange(SOURCES.map((path) => join(ROOT, path)))) return;
  console.log('Building (npm run build) …');
  let succeeded = false;
  try {
    succeeded = (await npm(['run', '--silent', 'build'])).code === 0;
  } finally {
    // Written in spite of errors, or by a build that was stopped, it would pass for the whole at the next start.
    if (!succeeded) rmSync(MAIN, { force: true });
  }
  if (!succeeded) throw new Error('The build failed.');
}

async function start() {
  await installNpmPackages();
  if (!env.DATABASE_URL && !(await ensureTools(MARIADB_TOOLS))) return 1;
  await buildWhenNeeded();
  throwIfInterrupted();
  const { code } = await runToEnd(execPath, [MAIN, 'demo', ...argv.slice(2)], { killAfterMs: STOP_TIMEOUT_MS });
  // Stopped before it could take a signal: it did what it was asked for, too.
  return isOwnSignal(code) ? 0 : code;
}

process.chdir(ROOT);
try {
  process.exit(await start());
} catch (error) {
  // It was asked to stop before it had started, and it did.
  if (error instanceof Interrupted) process.exit(0);
  console.error(error.message);
  process.exit(1);
}
