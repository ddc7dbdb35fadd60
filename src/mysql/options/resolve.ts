import type { QueryCache } from '../../cache/serving/index.js';
import {
  type PoolOptions as EngineOptions,
  invalid,
  invalidUnquoted,
  LONGEST_TIMER_MS,
  nearestName,
  type OptionSpec,
  PoolError,
  poolOptionTable,
  type ResolvedPoolOptions,
  refuseUnknownOptions,
  resolveFromTable,
  resolvePoolOptions,
} from '../../engine/index.js';
import { type ConnectionOptions, charsetNumberOf, type DriverPoolOptions, type DriverPromisePoolConnection } from '../driver/index.js';
import {
  checkedLogger,
  type HealthThresholds,
  healthThresholdTable,
  type PoolBreakerOptions,
  type PoolLogger,
  type ResolvedPoolBreakers,
  resolvePoolBreakers,
} from '../observation/index.js';
import { type ClassifyError, type Flavor, ownFlavor } from '../errors/index.js';
import { type ResolvedStatementRetries, resolveStatementRetries, type StatementRetryOptions } from './retry-options.js';
import { isTidbCloud, resolveTls, type Tls, type TlsOptions, tlsFromUrl } from './tls.js';
import { parseDatabaseUrl, type UrlParameters } from './url.js';

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
  /** mysql2's name for `hygiene: 'always'`. Default: false. */
  readonly resetOnRelease?: boolean;
  /** TLS: true, false, mysql2's options or one of its profiles. Default: verified TLS for every host that is not this machine. */
  readonly ssl?: boolean | string | TlsOptions;
  /** Called for each new connection, for passwords that change, such as IAM tokens. Not together with `password`. */
  readonly credentials?: () => Credentials | Promise<Credentials>;
  /** Called with each new connection before it is lent, and again after its session was reset: sets up what every session needs. */
  readonly onConnect?: (connection: DriverPromisePoolConnection) => void | Promise<void>;
  /** Overrides what an error of the server means for its connection and for the pool; `undefined` leaves it as it is. */
  readonly classifyError?: ClassifyError;
  /** Answers statements that ask for it, and hears of every write of this pool. See `poolwright/cache`. Default: none. */
  readonly cache?: QueryCache;
  /** When the pool counts as degraded. See {@link HealthThresholds}. */
  readonly health?: HealthThresholds;
  /** When callers are told at once that the database fails, instead of trying: see {@link PoolBreakerOptions}. False: never. */
  readonly breakers?: PoolBreakerOptions | false;
  /** How statements of `pool.query` and `pool.execute` are run again when that is safe: see {@link StatementRetryOptions}. False: never. */
  readonly retries?: StatementRetryOptions | false;
  /** Where to write what happens to the pool, such as a logger of pino. Default: nowhere. */
  readonly logger?: PoolLogger;
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
  resetOnRelease: { kind: 'boolean', default: false, about: "mysql2's name for hygiene: 'always'." },
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

const ownOptionNames = ['uri', 'ssl', 'health', 'cache', 'breakers', 'retries', 'logger', ...Object.keys(mysqlOptionTable)];

/** Every option that `createPool` knows. */
export const knownOptionNames: readonly string[] = [...Object.keys(poolOptionTable), ...ownOptionNames, ...Object.keys(driverOptionNames)];

/** Options that are text. What they hold may be a secret: refusals do not quote it. */
const TEXT_OPTIONS = [
  'host',
  'socketPath',
  'user',
  'password',
  'password1',
  'password2',
  'password3',
  'database',
  'charset',
  'timezone',
  'localAddress',
];

/** What may stand in the parameters of a URL; a URL within it may not. */
const urlParameters: UrlParameters = {
  known: knownOptionNames.filter((name) => name !== 'uri' && name !== 'cache'),
  text: [...TEXT_OPTIONS, 'name', 'hygiene'],
};

/** Lifetimes on TiDB Cloud, which cuts connections after 30 minutes and advises to start at 5 (its documentation). */
export const TIDB_CLOUD_LIFETIME_MS = 300_000;

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
  readonly cache: QueryCache | undefined;
  readonly breakers: ResolvedPoolBreakers;
  readonly retries: ResolvedStatementRetries;
  readonly logger: PoolLogger | undefined;
  readonly endpoint: Endpoint;
  readonly tls: Tls;
  /** As it was given. */
  readonly trace: boolean | undefined;
  readonly flavor: Flavor;
  readonly connection: ConnectionOptions;
}

export type OwnOptions = Pick<ResolvedOptions, 'hygiene' | 'credentials' | 'onConnect' | 'classifyError'> & {
  readonly resetOnRelease: boolean;
};

export type Environment = Readonly<Record<string, string | undefined>>;

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
  refuseWrongValues(given);
  const own = resolveFromTable(mysqlOptionTable, given) as unknown as OwnOptions;
  refuseContradictions(given, own);
  const endpoint = endpointOf(given);
  const tls = resolveTls(given.ssl, endpoint);
  const engine = resolvePoolOptions({
    ...pick(given, Object.keys(poolOptionTable)),
    name: given.name ?? nameOf(endpoint),
    ...(given.maxLifetime === undefined && isTidbCloud(endpoint.host) ? { maxLifetime: TIDB_CLOUD_LIFETIME_MS } : {}),
  });
  return Object.freeze({
    engine,
    ...own,
    hygiene: own.resetOnRelease ? 'always' : own.hygiene,
    logger: checkedLogger(given.logger),
    health: resolveFromTable(healthThresholdTable, given.health ?? {}) as unknown as Required<HealthThresholds>,
    cache: checkedCache(given.cache),
    breakers: resolvePoolBreakers(given.breakers, engine.connectTimeout),
    retries: resolveStatementRetries(given.retries),
    endpoint,
    tls,
    trace: given.trace,
    flavor: ownFlavor,
    connection: {
      ...pick(given, Object.keys(driverOptionNames)),
      // mysql2 captures the stack at each call by default; here, only for those who ask.
      trace: given.trace === true,
      host: endpoint.host,
      port: endpoint.port,
      // Node's timers end at 24 days: whoever asks for more means none. The engine keeps the whole limit.
      connectTimeout: engine.connectTimeout > LONGEST_TIMER_MS ? 0 : engine.connectTimeout,
      ...(tls.ssl === undefined ? {} : { ssl: tls.ssl }),
    },
  });
}

function gather(target: string | PoolOptions | undefined, options: PoolOptions | undefined, environment: Environment): PoolOptions {
  if (target !== undefined && typeof target !== 'string' && !isPlainObject(target)) {
    throw invalidUnquoted('The database', target, 'named by a URL in text, or by options');
  }
  if (options !== undefined && !isPlainObject(options)) throw invalidUnquoted('The options', options, 'an object');
  const direct: PoolOptions = { ...(typeof target === 'object' ? given(target) : {}), ...(options === undefined ? {} : given(options)) };
  if (typeof target === 'string' && direct.uri !== undefined) {
    throw new PoolError('POOL_OPTION_INVALID', 'The database is named twice, by a URL and by the option uri: give one of them.');
  }
  const url = urlOf(typeof target === 'string' ? target : direct.uri, direct, environment);
  return {
    ...environmentOptions(environment),
    ...(url === undefined ? {} : parseDatabaseUrl(url.text, url.source, urlParameters)),
    ...direct,
  };
}

interface NamedUrl {
  readonly text: string;
  /** What to call it in errors. */
  readonly source: string;
}

/** DATABASE_URL is the default of everything that says neither where the database is nor gives a URL; after that, as for mysql2, this machine. */
function urlOf(
  text: string | undefined,
  { host, socketPath, user, database, credentials }: PoolOptions,
  environment: Environment,
): NamedUrl | undefined {
  if (text !== undefined) return { text, source: 'The database URL' };
  if (host !== undefined || socketPath !== undefined) return undefined;
  const fallback = environment['DATABASE_URL'];
  if (fallback !== undefined && fallback !== '') return { text: fallback, source: 'DATABASE_URL' };
  if (user !== undefined || database !== undefined || credentials !== undefined) return undefined;
  throw new PoolError(
    'POOL_OPTION_INVALID',
    'No database was named: set DATABASE_URL to mysql://user:password@host:3306/database, or pass a URL or the option host.',
  );
}

/** An option that is given as `undefined` counts as not given. */
function given(options: PoolOptions): PoolOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function isPlainObject(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)
  );
}

/** What the tables do not look at: mysql2 would take it as it is, or print a warning and go on. */
function refuseWrongValues(given: PoolOptions): void {
  for (const name of TEXT_OPTIONS) {
    const value = (given as Record<string, unknown>)[name];
    if (value !== undefined && typeof value !== 'string') throw invalidUnquoted(name, value, 'text');
  }
  const { timezone, charset, health, uri } = given;
  if (uri !== undefined && typeof uri !== 'string') throw invalidUnquoted('uri', uri, 'text');
  if (timezone !== undefined && !/^(?:local|Z|[ +-]\d\d:\d\d)$/.test(timezone))
    throw invalid('timezone', timezone, "'local', 'Z', or an offset like '+02:00'");
  if (charset !== undefined && !isCharset(charset))
    throw invalid('charset', charset, "a character set or collation that mysql2 knows, for example 'utf8mb4'");
  if (health !== undefined && !isPlainObject(health)) throw invalid('health', health, 'an object of thresholds');
  if (health !== undefined) refuseUnknownOptions(health, Object.keys(healthThresholdTable));
}

/** @throws PoolError `POOL_OPTION_INVALID` */
export function checkedCache(cache: QueryCache | undefined): QueryCache | undefined {
  if (cache !== undefined && typeof cache?.invalidate !== 'function')
    throw invalidUnquoted('cache', cache, 'what createQueryCache returns');
  return cache;
}

function isCharset(charset: string): boolean {
  try {
    return Number.isInteger(charsetNumberOf(charset));
  } catch {
    return false;
  }
}

/** `POOLWRIGHT_CONNECTION_LIMIT=50` and the like: every option that holds a number, a word or a truth value. */
export function environmentOptions(environment: Environment): Record<string, unknown> {
  const names = new Map<string, string>();
  for (const [name, spec] of Object.entries({ ...poolOptionTable, ...mysqlOptionTable } as Record<string, OptionSpec>)) {
    if (spec.kind !== 'function') names.set(environmentName(name), name);
  }
  names.set('POOLWRIGHT_SSL', 'ssl');
  const options: Record<string, unknown> = {};
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('POOLWRIGHT_') || value === undefined || value === '') continue;
    const option = names.get(variable);
    if (option === 'ssl') options[option] = tlsFromUrl([['ssl', value]], variable);
    else if (option !== undefined) options[option] = value;
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

/** The variable of the environment that holds an option. */
export function environmentName(option: string): string {
  return `POOLWRIGHT_${option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function refuseContradictions(given: PoolOptions, { resetOnRelease, hygiene }: OwnOptions): void {
  if (given.credentials !== undefined && given.password !== undefined) {
    throw new PoolError('POOL_OPTION_INVALID', 'password and credentials contradict each other: give one of them.');
  }
  if (resetOnRelease && given.hygiene !== undefined && hygiene !== 'always') {
    throw new PoolError('POOL_OPTION_INVALID', `resetOnRelease: true and hygiene: '${hygiene}' contradict each other: give one of them.`);
  }
}

function endpointOf({ host, port, socketPath, database }: PoolOptions): Endpoint {
  if (host === '') throw invalid('host', host, 'a host name or an address');
  const portNumber = typeof port === 'string' && /^\d+$/.test(port) ? Number(port) : (port ?? 3306);
  if (!Number.isInteger(portNumber) || portNumber < 1 || portNumber > 65_535) throw invalid('port', port, 'a whole number from 1 to 65535');
  return Object.freeze({ host: host ?? 'localhost', port: portNumber, socketPath, database });
}

export function nameOf({ host, port, socketPath, database }: Endpoint): string {
  const where = socketPath ?? `${host}:${port}`;
  return database === undefined ? where : `${database}@${where}`;
}

export function pick(given: object, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => value !== undefined && names.includes(name)));
}
