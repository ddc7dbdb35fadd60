/** Runs everything: format, build, lint, types and all tests, on each server; or some tests only, or one server only. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv, env, execPath, pid } from 'node:process';
import { installNpmPackages, npm, ROOT } from './install.mjs';
import { run } from './run.mjs';
import { fetchedVersions, fetchServers } from './servers/fetch.mjs';
import { passesOf, SERVERS } from './servers/passes.mjs';
import { ensureTools, TEST_TOOLS } from './system-packages.mjs';
import { SUMMARY_PATH } from './vitest-summary.mjs';

/** What is checked besides the tests: scripts of package.json, each counted as one test. What looks at the benchmarks needs the build. */
const CHECKS = { 'format:check': 'format', build: 'build', lint: 'lint', typecheck: 'types' };

/**
 * The usage: npm test [-- [--server mariadb|mysql|mariadb-11.8|all] [--coverage] [<filter or option of vitest> …]]. With a server, a filter
 * or another option, only vitest runs.
 */
const { server: choice, coverage, filters } = readArguments(argv.slice(2));

let passed = 0;
/** What failed, printed again at the end: a run's output is long, and often only its end is kept. */
const failures = [];
/** @type {{ name: string, reason: string }[]} */
const skipped = [];
/** The versions of the servers that ran. */
const ran = [];

function readArguments(all) {
  const rest = all.filter((argument) => argument !== '--coverage');
  const at = rest.findIndex((argument) => argument === '--server' || argument.startsWith('--server='));
  if (at === -1) return { server: undefined, coverage: rest.length < all.length, filters: rest };
  const [option, ...assigned] = rest.splice(at, 1)[0].split('=');
  return { server: assigned[0] ?? rest.splice(at, 1)[0] ?? option, coverage: rest.length < all.length - 1, filters: rest };
}

function fail(what) {
  failures.push(what);
  console.error(`FAILED: ${what}`);
}

async function prepare() {
  await installNpmPackages();
  if (!(await ensureTools(TEST_TOOLS))) throw new Error('The tests need the packages named above.');
}

/** Fetches the servers of these passes that the system does not have, and leaves out those that cannot be had. */
async function withServers(passes) {
  const wanted = passes.map(({ server }) => server).filter((server) => server !== 'mariadb');
  const reason = await fetchServers(wanted);
  const absent = wanted.filter((server) => fetchedVersions(server) === undefined);
  for (const server of absent) {
    if (choice !== undefined || env.CI) fail(`no tests on ${server}: ${reason}`);
    else skipped.push({ name: `all tests on ${server}`, reason });
  }
  return passes.filter(({ server }) => !absent.includes(server));
}

async function check() {
  for (const [script, what] of Object.entries(CHECKS)) {
    console.log(`\n> ${what} (npm run ${script})`);
    const { code } = await npm(['run', '--silent', script]);
    if (code === 0) passed += 1;
    else fail(what);
  }
}

async function test({ server, filters: named, excluded }, withCoverage) {
  console.log(`\n> tests (vitest) on ${server}`);
  const path = join(ROOT, `.cache/test-summary-${pid}.json`);
  mkdirSync(dirname(path), { recursive: true });
  const options = [
    '--reporter=default',
    `--reporter=${join(ROOT, 'scripts/vitest-summary.mjs')}`,
    // A test marked "only" hides all others.
    ...(filters.length === 0 ? ['--allowOnly=false'] : []),
    ...(withCoverage ? ['--coverage'] : []),
    ...excluded.flatMap((pattern) => ['--exclude', pattern]),
  ];
  try {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const environment = { [SUMMARY_PATH]: path, POOLWRIGHT_TEST_SERVER: server };
    const { code } = await run(execPath, [vitest, 'run', ...options, ...named], { environment });
    const summary = JSON.parse(readFileSync(path, 'utf8'));
    passed += summary.passed;
    failures.push(...summary.failures.map(({ name, reason }) => `${name} (on ${server}): ${reason}`));
    skipped.push(...summary.skipped.map(({ name, reason }) => ({ name: `${name} (on ${server})`, reason })));
    ran.push(`${server} ${summary.serverVersion ?? 'not started'}: ${summary.passed + summary.failures.length} tests`);
    // Such as no test at all, coverage below its threshold, or a server that could not be stopped.
    if (code !== 0 && summary.failures.length === 0) fail(`vitest ended with exit code ${code}`);
  } catch (error) {
    if (error.code !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
    fail('vitest ended without a result');
  } finally {
    rmSync(path, { force: true });
  }
}

process.chdir(ROOT);
try {
  if (choice !== undefined && choice !== 'all' && !SERVERS.includes(choice))
    throw new Error(`--server may be ${SERVERS.join(', ')} or all; it is ${choice}.`);
  await prepare();
  if (filters.length === 0 && (choice ?? 'all') === 'all') await check();
  const passes = await withServers(passesOf(choice, filters));
  for (const [index, pass] of passes.entries()) await test(pass, coverage && index === 0);
} catch (error) {
  fail(error.message);
}
if (ran.length > 0) console.log(['\nServers:', ...ran.map((line) => `  ${line}`)].join('\n'));
if (skipped.length > 0) console.log(['\nSkipped:', ...skipped.map(({ name, reason }) => `  ${name}: ${reason}`)].join('\n'));
if (failures.length > 0) console.log(['\nFailed:', ...failures.map((line) => `  ${line}`)].join('\n'));
console.log(`\n${passed} passed, ${failures.length} failed${skipped.length === 0 ? '' : `, ${skipped.length} skipped`}`);
process.exitCode = failures.length === 0 ? 0 : 1;
