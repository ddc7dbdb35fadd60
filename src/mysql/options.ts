import {
  invalid,
  type OptionSpec,
  PoolError,
  poolOptionTable,
  type PoolOptions as EngineOptions,
  type ResolvedPoolOptions,
  refuseUnknownOptions,
  nearestName,
  resolveFromTable,
  resolvePoolOptions,
} from '../engine/index.js';
import type { ConnectionOptions, DriverPoolOptions, DriverPromisePoolConnection } from './driver.js';
import type { ClassifyError } from './error-classes.js';
import { type HealthThresholds, healthThresholdTable } from './health.js';
import { isTidbCloud, resolveTls, type Tls, type TlsOptions } from './tls.js';
import { parseDatabaseUrl } from './url.js';

/** How much of a session is brought back to a clean state before the next borrower sees it. */
export type Hygiene = 'auto' | 'transaction' | 'always' | 'never';

/** Who to log in as. */
export interface Credentials {
  readonly user?: string;
  readonly password?: string;
}

/** Options that are Poolwright's own and concern MySQL. */
export interface MysqlPoolOptions {
  /** A database URL; what other options say goes before what it says. Default: DATABASE_URL. */
  readonly uri?: string;
  /**
   * How a session is cleaned when its connection is released. 'transaction': an open transaction is rolled back. 'auto': also, a session
   * that became dirty is reset. 'always': reset at each release. 'never': as it is. Default: 'auto'.
   */
  readonly hygiene?: Hygiene;
  /** mysql2's name for `hygiene: 'always'`. */
  readonly resetOnRelease?: boolean;
  /** TLS: true, false, mysql2's options or one of its profiles. Default: verified TLS for every host that is not this machine. */
  readonly ssl?: boolean | string | TlsOptions;
  /** Called for each new connection, for passwords that change, such as IAM tokens. Not together with `password`. */
  readonly credentials?: () => Credentials | Promise<Credentials>;
  /** Called with each new connection before it is lent, and again after its session was reset: sets up what every session needs. */
  readonly onConnect?: (connection: DriverPromisePoolConnection) => void | Promise<void>;
  /** Overrides what an error of the server means for its connection and for the pool; `undefined` leaves it as it is. */
  readonly classifyError?: ClassifyError;
  /** When the pool counts as degraded. See {@link HealthThresholds}. */
  readonly health?: HealthThresholds;
}

/** Everything that `createPool` takes: mysql2's options, the pool's, and Poolwright's own for MySQL. */
export type PoolOptions = Omit<DriverPoolOptions, keyof EngineOptions | keyof MysqlPoolOptions | 'pool'> & EngineOptions & MysqlPoolOptions;

/** Poolwright's own options for MySQL that hold a plain value; the table from which documentation and validation are made. */
export const mysqlOptionTable = {
  hygiene: {
    kind: 'choice',
    choices: ['auto', 'transaction', 'always', 'never'],
    default: 'auto',
    about:
      "How a session is cleaned at release. 'transaction': an open transaction is rolled back; 'auto': also, a session that became dirty is reset; 'always': reset at each release; 'never'.",
  },
  credentials: {
    kind: 'function',
    default: undefined,
    about: 'Called for each new connection: who to log in as. For passwords that change.',
  },
  classifyError: {
    kind: 'function',
    default: undefined,
    about: 'Overrides what an error of the server means for its connection and for the pool.',
  },
  onConnect: {
    kind: 'function',
    default: undefined,
    about: 'Called with each new connection before it is lent, and again after its session was reset.',
  },
} as const satisfies Partial<Record<keyof MysqlPoolOptions, OptionSpec>>;

/** The names of mysql2's own options, which are passed on to it. The type refuses a name that mysql2 does not have, and a missing one. */
const driverOptionNames: Record<Exclude<keyof DriverPoolOptions, keyof EngineOptions | keyof MysqlPoolOptions | 'pool'>, true> &
  Record<string, true> = {
  Promise: true,
  authPlugins: true,
  authSwitchHandler: true,
  bigNumberStrings: true,
  charset: true,
  charsetNumber: true,
  compress: true,
  connectAttributes: true,
  database: true,
  dateStrings: true,
  debug: true,
  decimalNumbers: true,
  disableEval: true,
  enableCleartextPlugin: true,
  enableKeepAlive: true,
  flags: true,
  gracefulEnd: true,
  host: true,
  infileStreamFactory: true,
  insecureAuth: true,
  isServer: true,
  jsonStrings: true,
  keepAliveInitialDelay: true,
  localAddress: true,
  maxPreparedStatements: true,
  multipleStatements: true,
  namedPlaceholders: true,
  nestTables: true,
  password: true,
  password1: true,
  password2: true,
  password3: true,
  passwordSha1: true,
  port: true,
  queryFormat: true,
  rowsAsArray: true,
  socketPath: true,
  stream: true,
  stringifyObjects: true,
  supportBigNumbers: true,
  timezone: true,
  trace: true,
  typeCast: true,
  user: true,
};

const ownOptionNames = ['uri', 'resetOnRelease', 'ssl', 'health', ...Object.keys(mysqlOptionTable)];

/** Every option that `createPool` knows. */
export const knownOptionNames: readonly string[] = [...Object.keys(poolOptionTable), ...ownOptionNames, ...Object.keys(driverOptionNames)];

/** Lifetimes on TiDB Cloud, which cuts connections after 30 minutes and advises to start at 5 (its documentation). */
const TIDB_CLOUD_LIFETIME_MS = 300_000;

/** Where the database is. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly socketPath: string | undefined;
  readonly database: string | undefined;
}

/** The options in force. `connection` holds secrets: it goes to the driver and nowhere else. */
export interface ResolvedOptions {
  readonly engine: ResolvedPoolOptions;
  readonly hygiene: Hygiene;
  readonly credentials: MysqlPoolOptions['credentials'];
  readonly onConnect: MysqlPoolOptions['onConnect'];
  readonly classifyError: ClassifyError | undefined;
  readonly health: Required<HealthThresholds>;
  readonly endpoint: Endpoint;
  readonly tls: Tls;
  readonly connection: ConnectionOptions;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Puts together what `createPool` was given, what the URL says, what the environment says and the defaults, in this order.
 *
 * @throws PoolError `POOL_OPTION_INVALID`, `POOL_TLS_REQUIRED`
 */
export function resolveOptions(
  target: string | PoolOptions | undefined,
  options: PoolOptions | undefined,
  environment: Environment,
): ResolvedOptions {
  const given = gather(target, options, environment);
  refuseUnknownOptions(given, knownOptionNames);
  refuseContradictions(given);
  const endpoint = endpointOf(given);
  const tls = resolveTls(given.ssl, endpoint);
  const engine = resolvePoolOptions({
    ...pick(given, Object.keys(poolOptionTable)),
    name: given.name ?? nameOf(endpoint),
    ...(given.maxLifetime === undefined && isTidbCloud(endpoint.host) ? { maxLifetime: TIDB_CLOUD_LIFETIME_MS } : {}),
  });
  const own = resolveFromTable(mysqlOptionTable, given) as unknown as Pick<
    ResolvedOptions,
    'hygiene' | 'credentials' | 'onConnect' | 'classifyError'
  >;
  return Object.freeze({
    engine,
    ...own,
    hygiene: given.resetOnRelease === true ? 'always' : own.hygiene,
    health: resolveFromTable(healthThresholdTable, given.health ?? {}) as unknown as Required<HealthThresholds>,
    endpoint,
    tls,
    connection: {
      ...pick(given, Object.keys(driverOptionNames)),
      host: endpoint.host,
      port: endpoint.port,
      connectTimeout: engine.connectTimeout,
      ...(tls.ssl === undefined ? {} : { ssl: tls.ssl }),
    },
  });
}

function gather(target: string | PoolOptions | undefined, options: PoolOptions | undefined, environment: Environment): PoolOptions {
  const direct: PoolOptions = { ...(typeof target === 'object' ? target : {}), ...options };
  const url = typeof target === 'string' ? target : direct.uri;
  const fromEnvironment = environmentOptions(environment);
  if (url !== undefined) return { ...fromEnvironment, ...parseDatabaseUrl(url, 'The database URL', knownOptionNames), ...direct };
  if (target !== undefined) return { ...fromEnvironment, ...direct };
  const defaultUrl = environment['DATABASE_URL'];
  if (defaultUrl === undefined || defaultUrl === '') {
    throw new PoolError(
      'POOL_OPTION_INVALID',
      'No database was named: set DATABASE_URL to mysql://user:password@host:3306/database, or pass a URL or options.',
    );
  }
  return { ...fromEnvironment, ...parseDatabaseUrl(defaultUrl, 'DATABASE_URL', knownOptionNames), ...direct };
}

/** `POOLWRIGHT_CONNECTION_LIMIT=50` and the like: every option that holds a number, a word or a truth value. */
function environmentOptions(environment: Environment): Record<string, unknown> {
  const names = new Map<string, string>();
  for (const [name, spec] of Object.entries({ ...poolOptionTable, ...mysqlOptionTable } as Record<string, OptionSpec>)) {
    if (spec.kind !== 'function') names.set(environmentName(name), name);
  }
  const options: Record<string, unknown> = {};
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('POOLWRIGHT_') || value === undefined || value === '') continue;
    const option = names.get(variable);
    if (option !== undefined) options[option] = value;
    else refuseMisspelling(variable, [...names.keys()]);
  }
  return options;
}

/** Other variables with our prefix may belong to something else; one that is nearly an option is a mistake that nobody would see. */
function refuseMisspelling(variable: string, known: readonly string[]): void {
  const nearest = nearestName(variable, known, 2);
  if (nearest !== undefined)
    throw new PoolError('POOL_OPTION_INVALID', `Unknown environment variable ${variable}. Did you mean ${nearest}?`);
}

function environmentName(option: string): string {
  return `POOLWRIGHT_${option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function refuseContradictions(given: PoolOptions): void {
  if (given.credentials !== undefined && given.password !== undefined) {
    throw new PoolError('POOL_OPTION_INVALID', 'password and credentials contradict each other: give one of them.');
  }
  if (given.resetOnRelease === true && given.hygiene !== undefined && given.hygiene !== 'always') {
    throw new PoolError(
      'POOL_OPTION_INVALID',
      `resetOnRelease: true and hygiene: '${given.hygiene}' contradict each other: give one of them.`,
    );
  }
}

function endpointOf({ host, port, socketPath, database }: PoolOptions): Endpoint {
  if (host !== undefined && (typeof host !== 'string' || host === '')) throw invalid('host', host, 'a host name or an address');
  const portNumber = typeof port === 'string' && /^\d+$/.test(port) ? Number(port) : (port ?? 3306);
  if (!Number.isInteger(portNumber) || portNumber < 1 || portNumber > 65_535) throw invalid('port', port, 'a whole number from 1 to 65535');
  return Object.freeze({ host: host ?? 'localhost', port: portNumber, socketPath, database });
}

function nameOf({ host, port, socketPath, database }: Endpoint): string {
  const where = socketPath ?? `${host}:${port}`;
  return database === undefined ? where : `${database}@${where}`;
}

function pick(given: object, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => value !== undefined && names.includes(name)));
}
