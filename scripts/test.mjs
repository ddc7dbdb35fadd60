/** Runs everything: format, build, lint, types and all tests; or some tests only. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv, execPath, pid } from 'node:process';
import { installNpmPackages, npm, ROOT } from './install.mjs';
import { run } from './run.mjs';
import { ensureTools, TEST_TOOLS } from './system-packages.mjs';
import { SUMMARY_PATH } from './vitest-summary.mjs';

/** What is checked besides the tests: scripts of package.json, each counted as one test. What looks at the benchmarks needs the build. */
const CHECKS = { 'format:check': 'format', build: 'build', lint: 'lint', typecheck: 'types' };

/** The usage: npm test [-- [--coverage] [<filter or option of vitest> …]]. With a filter or another option, only vitest runs. */
const coverage = argv.includes('--coverage');
const filters = argv.slice(2).filter((argument) => argument !== '--coverage');

let passed = 0;
let failed = 0;
/** @type {{ name: string, reason: string }[]} */
const skipped = [];

function fail(what) {
  failed += 1;
  console.error(`FAILED: ${what}`);
}

async function prepare() {
  await installNpmPackages();
  if (!(await ensureTools(TEST_TOOLS))) throw new Error('The tests need the packages named above.');
}

async function check() {
  for (const [script, what] of Object.entries(CHECKS)) {
    console.log(`\n> ${what} (npm run ${script})`);
    const { code } = await npm(['run', '--silent', script]);
    if (code === 0) passed += 1;
    else fail(what);
  }
}

async function test() {
  console.log('\n> tests (vitest)');
  const path = join(ROOT, `.cache/test-summary-${pid}.json`);
  mkdirSync(dirname(path), { recursive: true });
  const options = [
    '--reporter=default',
    `--reporter=${join(ROOT, 'scripts/vitest-summary.mjs')}`,
    // A test marked "only" hides all others.
    ...(filters.length === 0 ? ['--allowOnly=false'] : []),
    ...(coverage ? ['--coverage'] : []),
  ];
  try {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const { code } = await run(execPath, [vitest, 'run', ...options, ...filters], { environment: { [SUMMARY_PATH]: path } });
    const summary = JSON.parse(readFileSync(path, 'utf8'));
    passed += summary.passed;
    failed += summary.failed;
    skipped.push(...summary.skipped);
    // Such as no test at all, coverage below its threshold, or a server that could not be stopped.
    if (code !== 0 && summary.failed === 0) fail(`vitest ended with exit code ${code}`);
  } catch (error) {
    if (error.code !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
    fail('vitest ended without a result');
  } finally {
    rmSync(path, { force: true });
  }
}

process.chdir(ROOT);
try {
  await prepare();
  if (filters.length === 0) await check();
  await test();
} catch (error) {
  fail(error.message);
}
if (skipped.length > 0) console.log(['\nSkipped:', ...skipped.map(({ name, reason }) => `  ${name}: ${reason}`)].join('\n'));
console.log(`\n${passed} passed, ${failed} failed${skipped.length === 0 ? '' : `, ${skipped.length} skipped`}`);
process.exitCode = failed === 0 ? 0 : 1;
