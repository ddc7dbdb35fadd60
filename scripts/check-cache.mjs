// Checks the cache's promises under faults: `node scripts/check-cache.mjs --seconds 60 --seed 7`. Four processes read and write through pools
// with a cache, while Redis is killed, frozen, flushed, full, slow and cut off; every read is held against every acknowledged write.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { optionsOf, refuse } from './usage.mjs';

const USAGE =
  'Usage: node scripts/check-cache.mjs [--seconds <duration, default 60>] [--seed <number>] ' +
  '[--server <mariadb, mysql, or the URL of an administrator>] [--bound <invalidationBound in ms, default 500>]';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const text = { type: 'string' };
const {
  seconds = '60',
  seed,
  server = 'mariadb',
  bound = '500',
} = optionsOf({ seconds: text, seed: text, server: text, bound: text }, USAGE);
if (!(Number(seconds) > 0)) refuse(`--seconds must be a number above 0; given: '${seconds}'.`, USAGE);
if (seed !== undefined && !/^\d+$/.test(seed)) refuse(`--seed must be a whole number; given: '${seed}'.`, USAGE);
if (!(Number(bound) > 0)) refuse(`--bound must be a number above 0; given: '${bound}'.`, USAGE);

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
run(join(typescript, 'bin/tsc'), '-p', 'test/consistency');
// What was fetched is found from the place of the script that fetches, not from that of its copy.
const fetching = pathToFileURL(join(root, 'scripts/servers/fetch.mjs')).href;
writeFileSync(join(root, '.cache/consistency/scripts/servers/fetch.mjs'), `export * from '${fetching}';\n`);
const given = seed ?? String(Date.now() % 1_000_000);
run('.cache/consistency/test/consistency/main.js', seconds, given, server, bound);
