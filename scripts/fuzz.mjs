// Gives hostile texts, values and options to every door: `node scripts/fuzz.mjs --cases 1000000 --seed 1`. A failure names the seed of its
// case or batch; `--cases 192 --seed <that seed>` runs it again. At the end it prints the longest time that a call held up the event loop.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionsOf, refuse } from './usage.mjs';

const USAGE = 'Usage: node scripts/fuzz.mjs [--cases <hostile calls>] [--seed <seed of the first one>]';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const { cases = '100000', seed = '1' } = optionsOf({ cases: { type: 'string' }, seed: { type: 'string' } }, USAGE);
for (const [name, value] of Object.entries({ cases, seed })) {
  if (!/^\d+$/.test(value)) refuse(`--${name} must be a whole number; given: '${value}'.`, USAGE);
}

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const args = [vitest, 'run', 'test/fuzz', '--project', 'integration', '--disable-console-intercept'];
const environment = { ...process.env, FUZZ_CASES: cases, FUZZ_SEED: seed };
const { status } = spawnSync(process.execPath, args, { cwd: root, env: environment, stdio: 'inherit' });
process.exit(status ?? 1);
