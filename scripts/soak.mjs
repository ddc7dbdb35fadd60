// Runs the soak: `node scripts/soak.mjs --minutes 30`. With `--record` it writes benchmarks/results/soak.json and soak.md.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE = 'Usage: node scripts/soak.mjs [--minutes <duration, default 30>] [--callers <number, default 60>] [--record]';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function fail(message) {
  console.error(`${message}\n${USAGE}`);
  process.exit(2);
}

function optionsOf(args) {
  try {
    return parseArgs({ args, options: { minutes: { type: 'string' }, callers: { type: 'string' }, record: { type: 'boolean' } } }).values;
  } catch (error) {
    return fail(error.message);
  }
}

const { minutes = '30', callers = '60', record = false } = optionsOf(process.argv.slice(2));
if (!(Number(minutes) > 0)) fail(`--minutes must be a number above 0; given: '${minutes}'.`);
if (!/^[1-9]\d*$/.test(callers)) fail(`--callers must be a whole number above 0; given: '${callers}'.`);

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
run(join(typescript, 'bin/tsc'), '-p', 'test/soak');
run('--expose-gc', '.cache/soak/test/soak/main.js', minutes, callers, ...(record ? ['record'] : []));
