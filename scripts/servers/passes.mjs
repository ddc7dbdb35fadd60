/** Which tests a run has on which server. */

/** The servers by name: the first is the system's own, the others are fetched. */
export const SERVERS = ['mariadb', 'mysql', 'mariadb-11.8'];

/** The folders and files whose tests meet a server: what runs when one is named. */
const ON_SERVER = [
  'test/mysql',
  'test/contract',
  'test/faults',
  'test/cache',
  'test/cluster',
  'test/mirrors',
  'test/cli',
  'test/monitor',
  'test/ecosystem',
  'test/runtimes',
  'test/sql/server-view',
  'test/support/servers/database.test.ts',
  'test/support/sql-servers',
];

/** What a run without a choice has on the second server, in some ten minutes: what can differ there. */
const ON_SECOND_SERVER = [
  'test/mysql',
  'test/contract',
  'test/faults',
  'test/cluster',
  'test/cli/doctor.test.ts',
  'test/sql/server-view',
  'test/support/servers/database.test.ts',
  'test/support/sql-servers',
];

/** Of these, what would be the same on a second server: tests that meet none, or only Redis. */
const SAME_ON_ANY = [
  'test/cache/contract/**',
  'test/cache/redis/**',
  'test/cache/invalidation/{marks,names}.test.ts',
  'test/cache/serving/{breaker,deadline,memory-tier,flight,wrap}.test.ts',
  'test/cache/values/{key,plain-value,value-kind}.test.ts',
  'test/cli/{command,server-kind}.test.ts',
  // A group's members are MySQL in any run.
  'test/cluster/{checked,monitoring,position,reading}/**',
  'test/cluster/clusters/{group,options,writer-follower}.test.ts',
  'test/cluster/discovery/{group-replication,imitated}.test.ts',
  'test/mirrors/{drop-in-options,mirror-types}.test.ts',
  'test/monitor/{access,hostile,optional-peer,shared-call,peers,prometheus}.test.ts',
  'test/monitor/verdict/**',
  'test/mysql/contract/**',
  'test/mysql/options/{both-doors,options,options-silently-ignored,url,url-contradicting-tls,url-unencoded-password}.test.ts',
  'test/mysql/pools/pool-types.test.ts',
];

/** What takes long and hardly depends on the server: the second server meets it when all is asked for. */
const LONG = [
  'test/mirrors/{register,restart}.test.ts',
  'test/mysql/contexts/**',
  'test/mysql/pools/process-lifecycle.test.ts',
  'test/mysql/pools/shapes.test.ts',
  'test/mysql/statements/callers-mistakes.test.ts',
  'test/cache/values/types.test.ts',
];

/** What is quick and meets most of the protocol. */
const SMOKE = [
  'test/contract/statements.test.ts',
  'test/contract/release.test.ts',
  'test/mysql/connections/hygiene.test.ts',
  'test/mysql/connections/killer.test.ts',
  'test/mysql/pools/pool.test.ts',
  'test/mysql/transactions',
  'test/support/servers/database.test.ts',
  'test/support/sql-servers',
];

/**
 * Tests of one server.
 *
 * @typedef {object} Pass
 * @property {string} server
 * @property {readonly string[]} filters What vitest is to run; nothing: everything.
 * @property {readonly string[]} excluded Patterns of files that are left out.
 */

/** What a name after `--server` stands for when tests are named, too. */
function serversOf(choice) {
  if (choice === undefined) return SERVERS.slice(0, 1);
  return choice === 'all' ? SERVERS : [choice];
}

/**
 * What to run.
 *
 * @param {string | undefined} choice What follows `--server`.
 * @param {readonly string[]} filters Filters and options of vitest.
 * @returns {readonly Pass[]}
 */
export function passesOf(choice, filters) {
  if (filters.length > 0) return serversOf(choice).map((server) => ({ server, filters, excluded: [] }));
  const everything = { server: 'mariadb', filters: [], excluded: [] };
  if (choice === 'all') return [everything, ...SERVERS.slice(1).map((server) => ({ server, filters: ON_SERVER, excluded: [] }))];
  if (choice !== undefined) return [{ server: choice, filters: ON_SERVER, excluded: [] }];
  return [
    everything,
    { server: 'mysql', filters: ON_SECOND_SERVER, excluded: [...SAME_ON_ANY, ...LONG] },
    { server: 'mariadb-11.8', filters: SMOKE, excluded: [] },
  ];
}
