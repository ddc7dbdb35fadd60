/** The layers of the sources, lowest first: lint's rules, the list in ARCHITECTURE.md and test/house are made from this table. */

/**
 * A layer.
 *
 * @typedef {object} Layer
 * @property {string} name its name in this table; an entrance of another layer begins with it
 * @property {string} path its folder, or its one file, from the root of the repository
 * @property {string} is what it is, in one sentence
 * @property {readonly string[]} imports the entrances of lower layers that it may use: `engine` is the layer's index, `engine/waiting` the index of
 * a wing or a door
 * @property {string} why the reason, for a reader whose import it refuses
 * @property {readonly string[]} [loads] packages whose values it imports
 * @property {readonly string[]} [types] packages of which it imports types only; what it needs at run time it loads by `src/packages`
 * @property {Readonly<Record<string, readonly string[]>>} [only] packages that only these of its files import
 * @property {readonly string[]} [wings] its folders, lowest first: a wing imports only wings before it
 * @property {readonly string[]} [folders] its folders that are no wings: their files and its own import each other freely
 * @property {readonly string[]} [doors] files that are entered from outside the layer beside its index and those of its wings
 * @property {readonly string[]} [typesFrom] entrances of which it may import types only
 */

/** @type {readonly Layer[]} */
export const LAYERS = [
  {
    name: 'sql',
    path: 'src/sql',
    is: 'Reads SQL text once, in linear time: what a statement is, touches and changes.',
    imports: [],
    why: 'sql is the ground floor: it sees nothing but a text.',
    folders: ['reach'],
  },
  {
    name: 'engine',
    path: 'src/engine',
    is: 'A pool of any resource, without a driver, an environment or I/O of its own; time and chance are injected.',
    imports: [],
    why: 'engine is proven without a driver, so it imports nothing from other layers: the driver, and everything else, is injected.',
    wings: ['contract', 'waiting', 'entries', 'queue', 'statistics', 'lending', 'sizing'],
  },
  {
    name: 'packages',
    path: 'src/packages',
    is: "Loads the packages that users install only for some subpaths, and Node's modules when they are needed.",
    imports: [],
    why: 'packages loads what others name: it knows none of them.',
  },
  {
    name: 'resilience',
    path: 'src/resilience',
    is: 'Circuit breakers, retries and deadlines: policies over calls.',
    imports: ['engine/contract', 'engine/waiting'],
    why: 'resilience is policies over calls: of the engine it knows errors, clock, signals and the checks of options, and of MySQL the classifier that it is given.',
    wings: ['deadline', 'breaker', 'retry'],
  },
  {
    name: 'redis',
    path: 'src/redis',
    is: 'Clients of Redis that stay connected: to one server, to the master that sentinels name, or to a cluster.',
    imports: ['engine', 'engine/waiting', 'packages'],
    why: 'redis connects and keeps connected: it knows neither the cache nor the fleet, which bring their own commands and scripts.',
    only: { ioredis: ['redis-connection.ts'] },
  },
  {
    name: 'fleet',
    path: 'src/fleet',
    is: 'One budget of connections for many processes: leases in a ledger, shares by demand.',
    imports: ['engine', 'engine/contract', 'engine/waiting', 'packages', 'redis'],
    why: 'fleet knows ledgers and numbers, not MySQL: what opens connections and what asks a database is injected.',
    wings: ['contract', 'protocol', 'ledgers', 'member'],
  },
  {
    name: 'cache',
    path: 'src/cache',
    is: 'The query cache: memory, Redis, keys, values and invalidation.',
    imports: ['sql', 'engine', 'engine/waiting', 'packages', 'redis', 'resilience/breaker', 'resilience/deadline'],
    why: 'cache knows keys, values and names, not the pool: the mysql layer brings it statements, so that it works alone. Each user of a pool loads it, so it declares what it needs of other packages.',
    wings: ['contract', 'values', 'invalidation', 'redis', 'serving', 'data-layers'],
  },
  {
    name: 'mysql',
    path: 'src/mysql',
    is: "mysql2's connections as entries, and pools that mysql2's users can use: options, sessions, statements, transactions, health.",
    imports: [
      'sql',
      'engine',
      'engine/contract',
      'engine/waiting',
      'engine/lending',
      'packages',
      'resilience/deadline',
      'resilience/breaker',
      'resilience/retry',
      'cache/contract',
      'cache/invalidation',
      'cache/serving',
      'cache/values',
      'fleet/contract',
      'fleet/ledgers',
      'fleet/member',
    ],
    why: 'mysql runs in the process of every user: telemetry, monitor and the commands read it, but it does not know them. Only the subpath that needs a heavy companion loads it, and only the file of the driver imports mysql2.',
    only: { mysql2: ['driver/driver.ts'] },
    wings: [
      'errors',
      'driver',
      'contract',
      'limits',
      'observation',
      'options',
      'credentials',
      'commands',
      'session',
      'connections',
      'statements',
      'caching',
      'transactions',
      'pools',
    ],
    doors: ['drop-in'],
  },
  {
    name: 'cluster',
    path: 'src/cluster',
    is: 'A writer and its replicas: nodes that are watched, reads that are routed, a writer that is followed.',
    imports: ['engine', 'engine/waiting', 'mysql'],
    why: "cluster is made of pools: it moves and asks them by mysql's entrance, and knows neither the driver nor what shows it.",
    wings: ['contract', 'discovery', 'position', 'monitoring', 'reading', 'clusters'],
  },
  {
    name: 'mirror',
    path: 'src/mirror',
    is: "mysql2's two modules with managed pools: `poolwright/mysql2` and `poolwright/mysql2/promise`.",
    imports: ['mysql', 'mysql/drop-in'],
    why: 'a mirror is mysql2 with other pools and nothing else; it imports mysql2, because it passes on what mysql2 exports.',
    loads: ['mysql2'],
    doors: ['mysql2', 'promise'],
  },
  {
    name: 'index',
    path: 'src/index.ts',
    is: 'What `poolwright` exports.',
    imports: ['engine', 'mysql', 'cluster'],
    why: 'the package itself is the pool, and the cluster of pools: metrics, monitoring and the cache are subpaths, which an application imports when it wants them.',
  },
  {
    name: 'telemetry',
    path: 'src/telemetry',
    is: 'Reads the statistics and events of pools, for Prometheus and OpenTelemetry.',
    imports: ['sql', 'engine', 'engine/waiting', 'packages', 'mysql'],
    typesFrom: ['resilience/breaker', 'cache/serving', 'cache/contract', 'cluster', 'fleet/contract'],
    why: 'telemetry reads statistics and events of the pool; it is below monitor and beside probes, it serves nothing, and only the file of the driver imports mysql2.',
    types: ['prom-client', '@opentelemetry/api'],
    folders: ['fleet'],
    doors: ['prometheus', 'otel'],
  },
  {
    name: 'probes',
    path: 'src/probes',
    is: 'Probes of PgBouncer and Redis: whether they can be reached, and what they report.',
    imports: ['engine/waiting', 'packages'],
    why: 'a probe asks another program for its state; it waits as all do, knows nothing of our pools, and serves nothing.',
    types: ['pg'],
  },
  {
    name: 'monitor',
    path: 'src/monitor',
    is: 'The verdict on a pool, the tRPC router, the HTTP server, the live feed, actions and access.',
    imports: ['engine', 'engine/waiting', 'packages', 'resilience/breaker', 'mysql', 'telemetry', 'probes'],
    typesFrom: ['cache/serving', 'cache/contract', 'cluster', 'fleet/contract'],
    why: 'monitor is what opens an HTTP port, above everything that it shows: the commands start it, it never starts them, and only the file of the driver imports mysql2.',
    types: ['@trpc/server', 'fastify', 'zod', 'prom-client'],
    wings: ['points', 'verdict', 'history', 'live', 'pgbouncer', 'peers', 'api', 'server'],
    doors: ['api/router', 'server/server'],
  },
  {
    name: 'register',
    path: 'src/register',
    is: '`node --import poolwright/register`: managed pools for an application that is not changed.',
    imports: ['engine', 'engine/waiting', 'mysql', 'monitor/server'],
    typesFrom: ['mysql/drop-in'],
    why: 'register builds on the mysql2 of the application, which may not be the one beside Poolwright: it imports neither mysql2 nor what binds to it.',
    folders: ['knex', 'sequelize'],
    doors: ['register'],
  },
  {
    name: 'demo',
    path: 'src/demo',
    is: 'What `npm start` runs, and the private MariaDB that tests use too.',
    imports: ['engine', 'engine/waiting', 'cache', 'index', 'monitor/server'],
    why: 'the demo uses the public API, as the code of a user would.',
    folders: ['fail-over'],
    doors: ['main'],
  },
  {
    name: 'cli',
    path: 'src/cli',
    is: 'The `poolwright` command: arguments, exit codes and the doctor, over the pool that applications use.',
    imports: [
      'sql',
      'engine',
      'engine/waiting',
      'fleet/contract',
      'fleet/ledgers',
      'mysql',
      'cluster/discovery',
      'probes',
      'monitor/verdict',
      'demo/main',
    ],
    typesFrom: ['cluster/contract', 'monitor/api', 'monitor/live'],
    why: 'the commands use the public API, as the code of a user would; what runs a server they load when it is asked for.',
    wings: ['console', 'doctor', 'cluster-doctor', 'bench', 'commands'],
    doors: ['main'],
  },
  {
    name: 'dashboard',
    path: 'dashboard/src',
    is: "The page that the monitoring server serves: it knows the types of what monitor sends, and monitor's files that run in a browser.",
    imports: ['monitor/points', 'monitor/verdict'],
    typesFrom: ['monitor/live', 'monitor/peers', 'monitor/server'],
    why: 'the dashboard runs in a browser: it knows the server by the types of what it sends, which are in monitor.',
    folders: ['panels', 'styles', 'time'],
    loads: ['react', 'react-dom', 'uplot', '@trpc/client', 'eventsource'],
  },
];

/** A folder with more is asking to be two. */
export const MOST_FILES_OF_A_FOLDER = 15;

/** A file with more is asking to be two. */
export const MOST_LINES_OF_A_FILE = 400;
