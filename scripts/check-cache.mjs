// Checks the cache's promises under faults: `node scripts/check-cache.mjs --seconds 60 --seed 7`. Four processes read and write through pools
// with a cache, while Redis is killed, frozen, flushed, full, slow and cut off; every read is held against every acknowledged write.
import { runCompiled } from './checks/compiled-check.mjs';
import { optionsOf, refuse } from './usage.mjs';

const USAGE =
  'Usage: node scripts/check-cache.mjs [--seconds <duration, default 60>] [--seed <number>] ' +
  '[--server <mariadb, mysql, or the URL of an administrator>] [--bound <invalidationBound in ms, default 500>]';

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

const given = seed ?? String(Date.now() % 1_000_000);
runCompiled({ project: 'test/consistency', name: 'consistency', parameters: [seconds, given, server, bound] });
