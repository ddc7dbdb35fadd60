// Checks the promises of a fleet, the long form: `node scripts/checks/check-fleet.mjs --model`, `--simulate --seed 7`. With neither it does both.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionsOf, refuse } from '../usage.mjs';

const USAGE = 'Usage: node scripts/checks/check-fleet.mjs [--model] [--simulate] [--seed <first seed of the simulation>]';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const flag = { type: 'boolean' };
const { model, simulate, seed } = optionsOf({ model: flag, simulate: flag, seed: { type: 'string' } }, USAGE);
if (seed !== undefined && !/^\d+$/.test(seed)) refuse(`--seed must be a whole number; given: '${seed}'.`, USAGE);

/** The parts: what each runs, and what makes it long. */
const PARTS = {
  model: { tests: 'test/fleet/model', environment: { FLEET_MODEL: 'long' } },
  simulate: {
    tests: 'test/fleet/simulation',
    environment: { FLEET_SIMULATION: 'long', ...(seed === undefined ? {} : { FLEET_SEED: seed }) },
  },
};

const asked = Object.entries({ model, simulate }).filter(([, wanted]) => wanted);
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
let failed = false;
for (const name of asked.length > 0 ? asked.map(([part]) => part) : Object.keys(PARTS)) {
  const { tests, environment } = PARTS[name];
  const args = [vitest, 'run', tests, '--project', 'unit', '--disable-console-intercept'];
  const { status } = spawnSync(process.execPath, args, { cwd: root, env: { ...process.env, ...environment }, stdio: 'inherit' });
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
