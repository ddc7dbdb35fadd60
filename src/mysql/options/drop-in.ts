import {
  LARGEST_CONNECTION_LIMIT,
  LONGEST_TIMER_MS,
  type PoolOptions as EngineOptions,
  poolOptionTable,
  refuseUnknownOptions,
  resolveFromTable,
  resolvePoolOptions,
} from '../../engine/index.js';
import { checkedLogger, type HealthThresholds, healthThresholdTable, resolvePoolBreakers } from '../observation/index.js';
import { type DriverPoolOptions, parseDriverUrl } from '../driver/index.js';
import { mysql2Flavor } from '../errors/index.js';
import {
  checkedCache,
  type Endpoint,
  type Environment,
  environmentOptions,
  type MysqlPoolOptions,
  mysqlOptionTable,
  nameOf,
  type OwnOptions,
  pick,
  type ResolvedOptions,
  TIDB_CLOUD_LIFETIME_MS,
} from './resolve.js';
import { resolveStatementRetries } from './retry-options.js';
import { isTidbCloud, resolveTls, type Tls, type TlsRequest } from './tls.js';

/** Poolwright's own options that mysql2's `createPool` takes too, once it is ours. */
export type OptionsBesideMysql2 = Omit<EngineOptions & MysqlPoolOptions, keyof DriverPoolOptions>;

/** What `createPool` takes in the place of mysql2's. */
export type DropInOptions = DriverPoolOptions & OptionsBesideMysql2;

/**
 * Where the defaults differ from those of a pool that was made for Poolwright: code that was written for mysql2 finds mysql2's. The
 * connections are checked and renewed as ever.
 */
export const dropInDefaults = { connectionLimit: 10, minIdle: 0, acquireTimeout: 0, idleTimeout: 60_000, hygiene: 'transaction' } as const;

const OWN_NAMES = [
  ...Object.keys(poolOptionTable),
  ...Object.keys(mysqlOptionTable),
  'uri',
  'health',
  'cache',
  'breakers',
  'retries',
  'logger',
];

/**
 * Puts together the options of a pool that stands in for mysql2's: what it is given is read as mysql2 reads it, also what looks wrong; what
 * mysql2 does not know it says on stderr, and goes on. Poolwright's own options are checked. What is not given may be in the
 * environment (`POOLWRIGHT_…`); `DATABASE_URL` does not concern it.
 *
 * @throws PoolError `POOL_OPTION_INVALID`
 */
export function resolveDropInOptions(config: string | DropInOptions, environment: Environment): ResolvedOptions {
  const given = givenOptions(config);
  const fromEnvironment = environmentOptions(environment);
  const all: EngineOptions & MysqlPoolOptions = { ...dropInDefaults, ...fromEnvironment, ...ownOptions({ ...given }) };
  const own = resolveFromTable(mysqlOptionTable, all) as unknown as OwnOptions;
  const endpoint = endpointOf(given);
  const engine = resolvePoolOptions(
    withinLimit({
      ...pick(all, Object.keys(poolOptionTable)),
      name: all.name ?? nameOf(endpoint),
      ...(all.maxLifetime === undefined && isTidbCloud(endpoint.host) ? { maxLifetime: TIDB_CLOUD_LIFETIME_MS } : {}),
    }),
  );
  const tls = tlsOf(given.ssl, (fromEnvironment as MysqlPoolOptions).ssl, endpoint);
  if (all.health !== undefined) refuseUnknownOptions(all.health, Object.keys(healthThresholdTable));
  return Object.freeze({
    engine,
    ...own,
    hygiene: own.resetOnRelease ? 'always' : own.hygiene,
    logger: checkedLogger(all.logger),
    health: resolveFromTable(healthThresholdTable, all.health ?? {}) as unknown as Required<HealthThresholds>,
    cache: checkedCache(all.cache),
    // Code that was written for mysql2 knows its errors and how often it runs a statement.
    breakers: resolvePoolBreakers(all.breakers ?? false, engine.connectTimeout),
    retries: resolveStatementRetries(all.retries ?? false),
    endpoint,
    tls,
    flavor: mysql2Flavor,
    trace: given.trace,
    connection: {
      ...without(given, OWN_NAMES),
      trace: given.trace === true,
      host: endpoint.host,
      port: endpoint.port,
      connectTimeout: engine.connectTimeout > LONGEST_TIMER_MS ? 0 : engine.connectTimeout,
      ...(tls.ssl === undefined ? {} : { ssl: tls.ssl }),
    },
  });
}

/** As mysql2 does, what an option says goes before what the URL says, unless it says nothing: '', 0, null, false. */
function givenOptions(config: string | DropInOptions): DropInOptions {
  if (typeof config === 'string') return parseDriverUrl(config);
  const options: Record<string, unknown> = { ...config };
  const fromUrl: Readonly<Record<string, unknown>> = { ...(config.uri ? parseDriverUrl(config.uri) : {}) };
  for (const [name, value] of Object.entries(fromUrl)) options[name] ||= value;
  return options;
}

/** The pool's options as mysql2 reads them (lib/pool_config.js), and ours. What is left out here has a default. */
function ownOptions(given: Readonly<Record<string, unknown>>): EngineOptions & MysqlPoolOptions {
  const { waitForConnections, resetOnRelease } = given;
  const numbers = ['connectionLimit', 'maxIdle', 'idleTimeout', 'queueLimit', 'connectTimeout'] as const;
  const read = numbers.filter((name) => !Number.isNaN(Number(given[name]))).map((name) => [name, Number(given[name])]);
  return {
    ...pick(
      given,
      OWN_NAMES.filter((name) => !(numbers as readonly string[]).includes(name)),
    ),
    ...(Object.fromEntries(read) as Record<(typeof numbers)[number], number>),
    ...(waitForConnections === undefined ? {} : { waitForConnections: Boolean(waitForConnections) }),
    ...(resetOnRelease === undefined ? {} : { resetOnRelease: Boolean(resetOnRelease) }),
  };
}

/** 0 and Infinity mean "no limit", and a larger maxIdle has no effect: so it is with mysql2. */
function withinLimit(options: EngineOptions): EngineOptions {
  // Of the environment they are text.
  const { connectionLimit, maxIdle } = options as Readonly<Record<'connectionLimit' | 'maxIdle', unknown>>;
  const limit = [0, Number.POSITIVE_INFINITY].includes(Number(connectionLimit)) ? LARGEST_CONNECTION_LIMIT : connectionLimit;
  return {
    ...options,
    connectionLimit: limit as number,
    ...(maxIdle === undefined ? {} : { maxIdle: Math.min(Number(maxIdle), Number(limit)) }),
  };
}

function endpointOf({ host, port, socketPath, database }: DropInOptions): Endpoint {
  return Object.freeze({
    host: host || 'localhost',
    port: Number.parseInt(String(port), 10) || 3306,
    socketPath: socketPath || undefined,
    database: database || undefined,
  });
}

/** What mysql2 is given, it is given unchanged; what the environment says is read as Poolwright reads it. */
function tlsOf(given: DropInOptions['ssl'], fromEnvironment: TlsRequest | undefined, endpoint: Endpoint): Tls {
  if (given === undefined && fromEnvironment !== undefined) return resolveTls(fromEnvironment, endpoint);
  if (!given) return { mode: 'off', ssl: undefined };
  const { rejectUnauthorized = true, verifyIdentity = false } = typeof given === 'object' ? given : {};
  return { mode: rejectUnauthorized && verifyIdentity ? 'verified' : 'unverified', ssl: given as Tls['ssl'] };
}

function without(given: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(given).filter(([name]) => !names.includes(name)));
}
