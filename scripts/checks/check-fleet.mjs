// Checks the promises of a fleet, the long form: `node scripts/checks/check-fleet.mjs --model`, `--simulate --seed 7`,
// `--real --server mysql`. With none of them it does all three.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionsOf, refuse } from '../usage.mjs';

const USAGE =
  'Usage: node scripts/checks/check-fleet.mjs [--model] [--simulate] [--real] [--seed <number, default 1>] ' +
  '[--seeds <how many the simulation runs, default 40>] [--worlds <of the model, for each search, default 60000>] ' +
  '[--processes <real ones, default 20>] [--lease <of the real ones, default 2000 ms>] [--server <mariadb or mysql, default mariadb>]';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const flag = { type: 'boolean' };
const text = { type: 'string' };
const given = optionsOf(
  { model: flag, simulate: flag, real: flag, seed: text, seeds: text, worlds: text, processes: text, lease: text, server: text },
  USAGE,
);
const { model, simulate, real, server = 'mariadb', ...numbers } = given;
for (const [name, value] of Object.entries(numbers))
  if (!/^\d+$/.test(value)) refuse(`--${name} must be a whole number; given: '${value}'.`, USAGE);
if (!['mysql', 'mariadb', 'mariadb-11.8'].includes(server)) refuse(`--server must be mysql or mariadb; given: '${server}'.`, USAGE);

/** The parts: what each runs, and what makes it long. */
const PARTS = {
  model: { tests: 'test/fleet/model', project: 'unit', long: 'FLEET_MODEL' },
  simulate: { tests: 'test/fleet/simulation', project: 'unit', long: 'FLEET_SIMULATION' },
  real: { tests: 'test/fleet/real', project: 'integration', long: 'FLEET_REAL' },
};

const environment = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [`FLEET_${name.toUpperCase()}`, value]));
const asked = Object.entries({ model, simulate, real }).filter(([, wanted]) => wanted);
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
let failed = false;
for (const name of asked.length > 0 ? asked.map(([part]) => part) : Object.keys(PARTS)) {
  const { tests, project, long } = PARTS[name];
  const args = [vitest, 'run', tests, '--project', project, '--disable-console-intercept'];
  const env = { ...process.env, ...environment, [long]: 'long', POOLWRIGHT_TEST_SERVER: server };
  const { status } = spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
