// Checks the cache's promises under faults: `node scripts/check-cache.mjs --seconds 60 --seed 7`. Four processes read and write through pools
// with a cache, while Redis is killed, frozen, flushed, full, slow and cut off; every read is held against every acknowledged write.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE = 'Usage: node scripts/check-cache.mjs [--seconds <duration, default 60>] [--seed <number>]';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function fail(message) {
  console.error(`${message}\n${USAGE}`);
  process.exit(2);
}

function optionsOf(args) {
  try {
    return parseArgs({ args, options: { seconds: { type: 'string' }, seed: { type: 'string' } } }).values;
  } catch (error) {
    return fail(error.message);
  }
}

const { seconds = '60', seed } = optionsOf(process.argv.slice(2));
if (!(Number(seconds) > 0)) fail(`--seconds must be a number above 0; given: '${seconds}'.`);
if (seed !== undefined && !/^\d+$/.test(seed)) fail(`--seed must be a whole number; given: '${seed}'.`);

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
run(join(typescript, 'bin/tsc'), '-p', 'test/consistency');
run('.cache/consistency/test/consistency/main.js', seconds, ...(seed === undefined ? [] : [seed]));
