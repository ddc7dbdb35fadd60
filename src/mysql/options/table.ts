/** Every option of `createPool`, one row each: what it takes, its default, how mysql2's dialect reads it; a new option is a type and a row here. */

import type { QueryCache } from '../../cache/serving/index.js';
import { type FleetOptions, resolveFleetOptions } from '../../fleet/contract/index.js';
import {
  isRangeLike,
  type PoolOptions as EngineOptions,
  LARGEST_CONNECTION_LIMIT,
  type OptionSpec,
  poolOptionTable,
  type ResolvedPoolOptions,
} from '../../engine/index.js';
import type { DriverPoolOptions, DriverPromisePoolConnection } from '../driver/index.js';
import type { ClassifyError } from '../errors/index.js';
import {
  checkedLogger,
  type HealthThresholds,
  type PoolBreakerOptions,
  type PoolLogger,
  type ResolvedPoolBreakers,
  resolvePoolBreakers,
} from '../observation/index.js';
import type { OnAcquire, OnRelease } from '../contract/index.js';
import { checkedCache, checkedCharset, checkedHost, checkedPort, checkedText, checkedTimezone, resolveHealth } from './checks.js';
import type { Endpoint } from './endpoint.js';
import { resolveStatementRetries, type StatementRetryOptions } from './retry-options.js';
import type { TlsOptions } from './tls.js';

/** How much of a session is brought back to a clean state before the next borrower sees it. */
export type Hygiene = 'auto' | 'transaction' | 'always' | 'never';

/** What the server at the other end must be: one that takes writes, one that takes none or replicates, or either. */
export type ServerRole = 'writer' | 'reader' | 'any';

/** Who to log in as. */
export interface LoginIdentity {
  /** Default: the pool's `user`. */
  readonly user?: string;
  readonly password?: string;
  /** The factors of a login with several, as in mysql2. */
  readonly password1?: string;
  readonly password2?: string;
  readonly password3?: string;
}

/** What the option `credentials` gives. */
export interface Credentials extends LoginIdentity {
  /**
   * How long they are valid: a date, or milliseconds since 1970. Until then, the pool keeps them, and it asks for new ones ahead of time. `Infinity`: until
   * the server refuses them. Default: only the openings that asked for them use them.
   */
  readonly expiresAt?: Date | number;
}

/** Gives credentials, or only a password. */
export type CredentialsFunction = () => string | Credentials | Promise<string | Credentials>;

/** Options that are Poolwright's own and concern MySQL. */
export interface MysqlPoolOptions {
  /** A database URL. The other options override it. Default: DATABASE_URL. */
  readonly uri?: string;
  /**
   * How a session is cleaned when its connection is released. 'transaction': an open transaction is rolled back. 'auto': a session that became
   * dirty is also reset. 'always': it is reset at each release. 'never': it stays as it is. Default: 'auto'.
   */
  readonly hygiene?: Hygiene;
  /**
   * Which servers the pool may use. 'writer': servers that take writes. 'reader': servers that take none, or that replicate from another. Each
   * connection is checked when it is opened, before any caller gets it. A connection to the wrong server is closed, and callers wait, within their own
   * deadlines, until a connection leads to the right server. 'any' checks nothing. Default: 'any'.
   */
  readonly role?: ServerRole;
  /** mysql2's name for `hygiene: 'always'`. Default: false. */
  readonly resetOnRelease?: boolean;
  /** TLS: true, false, mysql2's options or one of its profiles. Default: verified TLS for every host that is not this machine. */
  readonly ssl?: boolean | string | TlsOptions;
  /**
   * Returns who to log in as, for passwords that change, such as IAM tokens. The pool calls it once for all connections that are being opened: ahead of
   * `expiresAt`, or, without one, for each new connection; and once more after the server has refused a login. Not together with `password`.
   */
  readonly credentials?: CredentialsFunction;
  /** Called with each new connection before it is lent, and again after its session was reset: sets up what every session needs. */
  readonly onConnect?: (connection: DriverPromisePoolConnection) => void | Promise<void>;
  /**
   * Called with each connection before each borrower gets it. The borrower waits for it. If it throws, returns false, or takes longer than the
   * borrower's wait or `hookTimeout`, that acquire fails with `POOL_HOOK_FAILED`, and the connection is closed.
   */
  readonly onAcquire?: OnAcquire;
  /**
   * Called with each connection that was given back, before its session is cleaned and before another borrower gets it. If it returns false, throws,
   * or takes longer than `hookTimeout`, the connection is closed.
   */
  readonly onRelease?: OnRelease;
  /** Overrides what an error of the server means for its connection and for the pool. `undefined` leaves it as it is. */
  readonly classifyError?: ClassifyError;
  /** Answers statements that ask for it, and is invalidated by every write of this pool. See `poolwright/cache`. Default: none. */
  readonly cache?: QueryCache;
  /** When the pool counts as degraded. See {@link HealthThresholds}. */
  readonly health?: HealthThresholds;
  /** When callers are refused at once because the database fails: see {@link PoolBreakerOptions}. False: never. */
  readonly breakers?: PoolBreakerOptions | false;
  /** How statements of `pool.query` and `pool.execute` are retried when that is safe: see {@link StatementRetryOptions}. False: never. */
  readonly retries?: StatementRetryOptions | false;
  /**
   * Shares a budget of connections with other processes: see {@link FleetOptions}. False: no fleet, even if the environment names one. Default: none;
   * then only `connectionLimit` limits the pool.
   */
  readonly fleet?: FleetOptions | false;
  /** Where to write what happens to the pool, such as a logger of pino. Default: nowhere. */
  readonly logger?: PoolLogger;
}

/** Everything that `createPool` takes: mysql2's options, the pool's, and Poolwright's own for MySQL. */
export type PoolOptions = Omit<DriverPoolOptions, keyof EngineOptions | keyof MysqlPoolOptions | 'pool'> & EngineOptions & MysqlPoolOptions;

/** What a caller has given: a URL or options, and options that override these. */
export interface Given {
  readonly target?: string | object | undefined;
  readonly options?: object | undefined;
  /** In the place of the dialect's defaults: the environment overrides them. */
  readonly defaults?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * How options are read. 'own': strictly; a wrong value is refused. 'mysql2': as mysql2 reads them, for code that was written for it; only options
 * that mysql2 does not have are checked.
 */
export type Dialect = 'own' | 'mysql2';

/** How mysql2's dialect differs. */
interface InMysql2 {
  /** Its default there. */
  readonly default?: unknown;
  /** How mysql2 reads a value. `undefined` means: as if it were not given. Only options that mysql2 has are read so. */
  readonly read?: (value: unknown) => unknown;
}

/** A number, a word, a truth value or a function. All but functions may stand in the environment. */
type PlainKind = OptionSpec;

/** An option of Poolwright's that is an object of options, or an object with methods. */
interface ObjectKind {
  readonly kind: 'object';
  /** Checks what was given and fills in the defaults. */
  resolve(given: unknown, atStart: ResolvedPoolOptions, endpoint: Endpoint): unknown;
}

/** How to reach the database. mysql2 has these too; Poolwright reads them itself. */
interface ReachKind {
  readonly kind: 'reach';
}

/** An option of mysql2's, which is passed on. */
interface DriverKind {
  readonly kind: 'driver';
  /** In a URL it is text, even when it reads as a number. */
  readonly text?: boolean;
}

/** What the table says of one option. */
export type OptionRow = (PlainKind | ObjectKind | ReachKind | DriverKind) & {
  /** Checks a value that the kind alone does not check, in Poolwright's dialect. Returns it. */
  readonly check?: (name: string, value: unknown) => unknown;
  readonly mysql2?: InMysql2;
};

/** As mysql2 reads a number (lib/pool_config.js). A value that is not a number counts as not given. */
function numberIn(value: unknown): number | undefined {
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}

/** Infinity means "no limit" in mysql2; Poolwright says 0 for that. */
function limitIn(value: unknown): number | undefined {
  return value === Number.POSITIVE_INFINITY ? 0 : numberIn(value);
}

/** 0 and Infinity mean "no limit" in mysql2. */
function connectionLimitIn(value: unknown): unknown {
  // mysql2 has no ranges: they are read as Poolwright reads them.
  if (isRangeLike(value)) return value;
  const limit = limitIn(value);
  return limit === 0 ? LARGEST_CONNECTION_LIMIT : limit;
}

function truthIn(value: unknown): boolean | undefined {
  return value === undefined ? undefined : Boolean(value);
}

/** '', 0, null and false count as not given. */
function presentIn(value: unknown): unknown {
  return value || undefined;
}

function portIn(value: unknown): number | undefined {
  return Number.parseInt(String(value), 10) || undefined;
}

function resolveBreakers(given: PoolBreakerOptions | false | undefined, { connectTimeout }: ResolvedPoolOptions): ResolvedPoolBreakers {
  return resolvePoolBreakers(given, connectTimeout);
}

function resolveFleet(given: FleetOptions | false | undefined, _atStart: ResolvedPoolOptions, { database }: Endpoint) {
  return resolveFleetOptions(given, database);
}

const PASSED_ON = { kind: 'driver' } as const satisfies OptionRow;
const TEXT = { kind: 'driver', text: true, check: checkedText } as const satisfies OptionRow;

/**
 * The one table. From a row follow the check, the default, the variable of the environment, the parameter of the URL, the hint for a misspelled
 * name, and the documentation.
 */
export const optionTable = {
  // The pool's: what they take and their defaults stand in the engine's table, src/engine/contract/options.ts.
  ...poolOptionTable,
  connectionLimit: { ...poolOptionTable.connectionLimit, mysql2: { default: 10, read: connectionLimitIn } },
  minIdle: { ...poolOptionTable.minIdle, mysql2: { default: 0 } },
  maxIdle: { ...poolOptionTable.maxIdle, mysql2: { read: numberIn } },
  waitForConnections: { ...poolOptionTable.waitForConnections, mysql2: { read: truthIn } },
  queueLimit: { ...poolOptionTable.queueLimit, mysql2: { read: limitIn } },
  acquireTimeout: { ...poolOptionTable.acquireTimeout, mysql2: { default: 0 } },
  connectTimeout: { ...poolOptionTable.connectTimeout, mysql2: { read: numberIn } },
  idleTimeout: { ...poolOptionTable.idleTimeout, mysql2: { default: 60_000, read: limitIn } },

  // Poolwright's for MySQL.
  hygiene: {
    kind: 'choice',
    choices: ['auto', 'transaction', 'always', 'never'],
    default: 'auto',
    mysql2: { default: 'transaction' },
    about:
      "How the pool cleans a session at release. 'transaction': it rolls back an open transaction. 'auto': it also resets a session that was changed. 'always': it resets every session. 'never': it does nothing.",
  },
  role: {
    kind: 'choice',
    choices: ['any', 'writer', 'reader'],
    default: 'any',
    about:
      "Which servers the pool may connect to, checked for each new connection. 'writer': servers that take writes. 'reader': servers that take no writes, or that replicate. 'any': no check.",
  },
  credentials: {
    kind: 'function',
    default: undefined,
    about:
      'Returns the user and password for new connections, and how long they are valid (`expiresAt`). For passwords that change, see [credentials.md](credentials.md).',
  },
  classifyError: {
    kind: 'function',
    default: undefined,
    about: 'Overrides what an error of the server means for its connection and for the pool.',
  },
  onConnect: {
    kind: 'function',
    default: undefined,
    about: 'Called with each new connection before it is lent, and again after each reset of its session.',
  },
  onAcquire: {
    kind: 'function',
    default: undefined,
    about: 'Called with each connection before each borrower gets it. If it fails, that acquire fails, and the pool closes the connection.',
  },
  onRelease: {
    kind: 'function',
    default: undefined,
    about:
      'Called with each connection that was given back, before its session is cleaned. If it returns false or fails, the pool closes the connection.',
  },
  resetOnRelease: { kind: 'boolean', default: false, mysql2: { read: truthIn }, about: "mysql2's name for hygiene: 'always'." },
  health: { kind: 'object', resolve: resolveHealth },
  logger: { kind: 'object', resolve: checkedLogger },
  cache: { kind: 'object', resolve: checkedCache },
  fleet: { kind: 'object', resolve: resolveFleet },
  // Code that was written for mysql2 knows its errors, and how often it runs a statement.
  breakers: { kind: 'object', mysql2: { default: false }, resolve: resolveBreakers },
  retries: { kind: 'object', mysql2: { default: false }, resolve: resolveStatementRetries },

  // How to reach the database.
  uri: { kind: 'reach', check: checkedText },
  ssl: { kind: 'reach' },
  host: { kind: 'driver', text: true, check: checkedHost, mysql2: { read: presentIn } },
  port: { kind: 'driver', check: checkedPort, mysql2: { read: portIn } },
  socketPath: { ...TEXT, mysql2: { read: presentIn } },
  database: { ...TEXT, mysql2: { read: presentIn } },
  user: TEXT,
  password: { ...TEXT, mysql2: { read: presentIn } },

  // What else mysql2 has.
  timezone: { kind: 'driver', text: true, check: checkedTimezone },
  charset: { kind: 'driver', text: true, check: checkedCharset },
  password1: TEXT,
  password2: TEXT,
  password3: TEXT,
  localAddress: TEXT,
  Promise: PASSED_ON,
  authPlugins: PASSED_ON,
  authSwitchHandler: PASSED_ON,
  bigNumberStrings: PASSED_ON,
  charsetNumber: PASSED_ON,
  compress: PASSED_ON,
  connectAttributes: PASSED_ON,
  dateStrings: PASSED_ON,
  debug: PASSED_ON,
  decimalNumbers: PASSED_ON,
  disableEval: PASSED_ON,
  enableCleartextPlugin: PASSED_ON,
  enableKeepAlive: PASSED_ON,
  flags: PASSED_ON,
  gracefulEnd: PASSED_ON,
  infileStreamFactory: PASSED_ON,
  insecureAuth: PASSED_ON,
  isServer: PASSED_ON,
  jsonStrings: PASSED_ON,
  keepAliveInitialDelay: PASSED_ON,
  maxPreparedStatements: PASSED_ON,
  multipleStatements: PASSED_ON,
  namedPlaceholders: PASSED_ON,
  nestTables: PASSED_ON,
  passwordSha1: PASSED_ON,
  queryFormat: PASSED_ON,
  rowsAsArray: PASSED_ON,
  stream: PASSED_ON,
  stringifyObjects: PASSED_ON,
  supportBigNumbers: PASSED_ON,
  trace: PASSED_ON,
  typeCast: PASSED_ON,
} as const satisfies Record<keyof PoolOptions, OptionRow> & Record<string, OptionRow>;

type OptionTable = typeof optionTable;

/** Poolwright's own options for MySQL in force: what the row of each makes of the value that was given. */
export type ResolvedMysqlOptions = {
  readonly [K in keyof OptionTable & keyof MysqlPoolOptions as OptionTable[K] extends PlainKind | ObjectKind
    ? K
    : never]: OptionTable[K] extends { resolve(...given: never): infer Resolved }
    ? Resolved
    : OptionTable[K] extends { default: undefined }
      ? MysqlPoolOptions[K]
      : NonNullable<MysqlPoolOptions[K]>;
};

/** The rows by name. A name that is not there is unknown. */
export const optionRows: ReadonlyMap<string, OptionRow> = new Map(Object.entries(optionTable));

/** Every option that `createPool` knows. */
export const knownOptionNames: readonly string[] = [...optionRows.keys()];

/** Poolwright's own options for MySQL that hold a plain value, beside the pool's. */
export const mysqlOptionTable: Readonly<Record<string, OptionSpec>> = Object.fromEntries(
  [...optionRows].filter(
    (entry): entry is [string, OptionRow & PlainKind] => isPlainRow(entry[1]) && !Object.hasOwn(poolOptionTable, entry[0]),
  ),
);

/** The defaults of mysql2's dialect, where they differ. */
export const defaultsInMysql2: Readonly<Record<string, unknown>> = Object.fromEntries(
  [...optionRows].flatMap(([name, row]) => (row.mysql2?.default === undefined ? [] : [[name, row.mysql2.default]])),
);

/** Whether an option holds a plain value. */
export function isPlainRow(row: OptionRow): row is OptionRow & PlainKind {
  return row.kind !== 'object' && row.kind !== 'reach' && row.kind !== 'driver';
}

/** Whether mysql2 does not have the option: it means the same in each dialect. */
export function isOwn(name: string): boolean {
  const row = optionRows.get(name);
  return row !== undefined && (row.kind === 'object' || (isPlainRow(row) && row.mysql2?.read === undefined));
}
