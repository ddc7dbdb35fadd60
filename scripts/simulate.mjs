// Runs the simulation of the engine: `node scripts/simulate.mjs --runs 100000 --seed 1 --steps 60`. With `--trace` it prints
// each step; with `--hostile` callers use the pool inside its callbacks, and throw there.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionsOf, refuse } from './usage.mjs';

const USAGE = 'Usage: node scripts/simulate.mjs [--runs <schedules>] [--seed <first seed>] [--steps <steps of each>] [--hostile] [--trace]';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const { trace, hostile, ...numbers } = optionsOf(
  {
    runs: { type: 'string' },
    seed: { type: 'string' },
    steps: { type: 'string' },
    hostile: { type: 'boolean' },
    trace: { type: 'boolean' },
  },
  USAGE,
);
const environment = { ...process.env };
for (const [name, value] of Object.entries(numbers)) {
  if (!/^\d+$/.test(value)) refuse(`--${name} must be a whole number; given: '${value}'.`, USAGE);
  environment[`SIMULATION_${name.toUpperCase()}`] = value;
}
if (trace) environment.SIMULATION_TRACE = 'yes';

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const schedules = `test/simulation/${hostile ? 'hostile' : 'random'}-schedules.test.ts`;
const args = [vitest, 'run', schedules, '--project', 'unit', '--disable-console-intercept'];
const { status } = spawnSync(process.execPath, args, { cwd: root, env: environment, stdio: 'inherit' });
process.exit(status ?? 1);
