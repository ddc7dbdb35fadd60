// Runs the soak: `node scripts/soak.mjs --minutes 30`. With `--record` it writes benchmarks/results/soak.json and soak.md; with `--hostile`, soak-hostile.md.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionsOf, refuse } from './usage.mjs';

const USAGE = 'Usage: node scripts/soak.mjs [--minutes <duration, default 30>] [--callers <number, default 60> | --hostile] [--record]';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const {
  minutes = '30',
  callers = '60',
  hostile = false,
  record = false,
} = optionsOf(
  { minutes: { type: 'string' }, callers: { type: 'string' }, hostile: { type: 'boolean' }, record: { type: 'boolean' } },
  USAGE,
);
if (!(Number(minutes) > 0)) refuse(`--minutes must be a number above 0; given: '${minutes}'.`, USAGE);
if (!/^[1-9]\d*$/.test(callers)) refuse(`--callers must be a whole number above 0; given: '${callers}'.`, USAGE);

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
run(join(typescript, 'bin/tsc'), '-p', 'test/soak');
const program = hostile ? ['.cache/soak/test/soak/hostile/main.js', minutes] : ['.cache/soak/test/soak/main.js', minutes, callers];
run('--expose-gc', ...program, ...(record ? ['record'] : []));
