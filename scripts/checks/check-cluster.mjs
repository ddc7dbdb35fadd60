// Checks the cluster's promises under faults: `node scripts/checks/check-cluster.mjs --seconds 60 --seed 7`. Four processes write and read through
// clusters over real replication, while writers and replicas are killed, stopped, demoted, cut off, late, broken and replaced.
import { runCompiled } from './compiled-check.mjs';
import { optionsOf, refuse } from '../usage.mjs';

const USAGE =
  'Usage: node scripts/checks/check-cluster.mjs [--seconds <duration, default 60>] [--seed <number>] [--server <mysql or mariadb, default mysql>] ' +
  '[--only <the start of the name of a fault; others after commas>]';

const text = { type: 'string' };
const { seconds = '60', seed, server = 'mysql', only = '' } = optionsOf({ seconds: text, seed: text, server: text, only: text }, USAGE);
if (!(Number(seconds) > 0)) refuse(`--seconds must be a number above 0; given: '${seconds}'.`, USAGE);
if (seed !== undefined && !/^\d+$/.test(seed)) refuse(`--seed must be a whole number; given: '${seed}'.`, USAGE);
if (!['mysql', 'mariadb', 'mariadb-11.8'].includes(server)) refuse(`--server must be mysql or mariadb; given: '${server}'.`, USAGE);

const given = seed ?? String(Date.now() % 1_000_000);
runCompiled({ project: 'test/cluster/checked', name: 'checked-cluster', parameters: [seconds, given, server, only] });
