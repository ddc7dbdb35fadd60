/** The one resolver of options, for both doors: arguments, URL, environment and defaults become the options in force. */

import {
  type PoolOptions as EngineOptions,
  LONGEST_TIMER_MS,
  PoolError,
  poolOptionTable,
  type ResolvedPoolOptions,
  resolveFromTable,
  resolvePoolOptions,
} from '../../engine/index.js';
import { isOptionsObject } from '../../engine/contract/index.js';
import type { CommitListener, Opener } from '../contract/index.js';
import type { ConnectionOptions } from '../driver/index.js';
import { type Flavor, mysql2Flavor, ownFlavor } from '../errors/index.js';
import { fitLimits, gatherAsMysql2, mysql2Tls, readAsMysql2 } from './mysql2-dialect.js';
import { type Endpoint, endpointOf, nameOf } from './endpoint.js';
import { type Environment, environmentOptions } from './environment.js';
import { checkedOwn, gatherOwn, ownTls, refuseClearPassword } from './own-dialect.js';
import {
  defaultsInMysql2,
  type Dialect,
  type Given,
  type Hygiene,
  mysqlOptionTable,
  optionRows,
  optionTable,
  type ResolvedMysqlOptions,
} from './table.js';
import { isTidbCloud, type Tls } from './tls.js';

/** The options in force. `connection` holds secrets: it goes to the driver and nowhere else. */
export interface ResolvedOptions extends Omit<ResolvedMysqlOptions, 'resetOnRelease'> {
  /** The pool's options as it was made with them. `resize()` changes those of the running engine, not these. */
  readonly atStart: ResolvedPoolOptions;
  readonly endpoint: Endpoint;
  readonly tls: Tls;
  /** As it was given. */
  readonly trace: boolean | undefined;
  readonly flavor: Flavor;
  readonly connection: ConnectionOptions;
  /** Learns what the pool's statements commit. Given by a cluster, never by users. */
  readonly commits?: CommitListener;
  /** The place to which connections lead changes with time; see `PoolSteering`. Default: false. */
  readonly moves?: boolean;
  /** Opens the connections in the place of the pool. Given for a data layer's pool, never by users. */
  readonly opener?: Opener;
  /** Callers have another pool to go to: they do not wait until this one tries again to connect. Default: false. */
  readonly hasAlternative?: boolean;
}

type Values = Readonly<Record<string, unknown>>;

/** What the two dialects do in different ways. The values of each option, and the defaults: see the table. */
interface DialectRules {
  /** The arguments, with the URL behind them. */
  readonly gather: (given: Given, environment: Environment) => Values;
  /** One value that was given. */
  readonly read: (name: string, value: unknown) => unknown;
  readonly defaults: Values;
  readonly fit: (options: EngineOptions) => EngineOptions;
  readonly tls: (given: unknown, fromEnvironment: unknown, endpoint: Endpoint) => Tls;
  /** Refuses what contradicts itself, although each value is allowed. */
  readonly refuse?: (gathered: Values, tls: Tls, endpoint: Endpoint) => void;
  /** How the pool speaks of its failures. */
  readonly flavor: Flavor;
}

const DIALECTS: Readonly<Record<Dialect, DialectRules>> = {
  own: {
    gather: gatherOwn,
    read: checkedOwn,
    defaults: {},
    fit: (options) => options,
    tls: ownTls,
    refuse: refuseClearPassword,
    flavor: ownFlavor,
  },
  mysql2: { gather: gatherAsMysql2, read: readAsMysql2, defaults: defaultsInMysql2, fit: fitLimits, tls: mysql2Tls, flavor: mysql2Flavor },
};

const ENGINE_OPTIONS = Object.keys(poolOptionTable);

/** Lifetimes on TiDB Cloud, which cuts connections after 30 minutes and advises to start at 5 (its documentation). */
const TIDB_CLOUD_LIFETIME_MS = 300_000;

/**
 * The options in force: the arguments go before the URL, the URL before the environment, the environment before the defaults. Poolwright's own
 * options and the environment are checked in each dialect.
 *
 * @throws PoolError `POOL_OPTION_INVALID`, `POOL_TLS_REQUIRED`
 */
export function resolveOptions(given: Given, dialect: Dialect, environment: Environment): ResolvedOptions {
  const rules = DIALECTS[dialect];
  const fromEnvironment = environmentOptions(environment);
  const gathered = rules.gather(given, environment);
  const asked = readValues(gathered, rules.read);
  const merged = { ...given.defaults, ...fromEnvironment, ...asked };
  const values = { ...rules.defaults, ...merged, ...mergedFleet(fromEnvironment['fleet'], asked['fleet']) };
  const plain = resolveFromTable(mysqlOptionTable, values);
  const endpoint = endpointOf(asked);
  const tls = rules.tls(gathered['ssl'], fromEnvironment['ssl'], endpoint);
  refuseTwoLogins(asked);
  rules.refuse?.(gathered, tls, endpoint);
  const atStart = resolvePoolOptions(rules.fit({ ...defaultsAt(endpoint), ...named(ENGINE_OPTIONS, values) }));
  const own = { ...plain, ...objectOptions(values, atStart, endpoint) } as unknown as ResolvedMysqlOptions;
  return Object.freeze({
    atStart,
    ...own,
    hygiene: hygieneNamed(asked) ?? hygieneNamed(without(asked, fromEnvironment)) ?? own.hygiene,
    endpoint,
    tls,
    trace: gathered['trace'] as boolean | undefined,
    flavor: rules.flavor,
    connection: connectionOptions(gathered, endpoint, tls, atStart),
  });
}

/** Each value as the dialect reads it, without those that count as not given. */
function readValues(gathered: Values, read: DialectRules['read']): Values {
  const values = Object.entries(gathered).map(([name, value]) => [name, read(name, value)] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** Defaults that follow from where the database is. */
function defaultsAt(endpoint: Endpoint): EngineOptions {
  return { name: nameOf(endpoint), ...(isTidbCloud(endpoint.host) ? { maxLifetime: TIDB_CLOUD_LIFETIME_MS } : {}) };
}

/** Where the environment says something of the fleet, the code says the rest of it, or otherwise. */
function mergedFleet(fromEnvironment: unknown, asked: unknown): Values {
  return isOptionsObject(fromEnvironment) && isOptionsObject(asked) ? { fleet: { ...fromEnvironment, ...asked } } : {};
}

const objectRows = [...optionRows].flatMap(([name, row]) => (row.kind === 'object' ? [{ name, row }] : []));

function objectOptions(values: Values, atStart: ResolvedPoolOptions, endpoint: Endpoint): Values {
  return Object.fromEntries(objectRows.map(({ name, row }) => [name, row.resolve(values[name], atStart, endpoint)]));
}

/** What mysql2 is given: its own options, and unknown ones, of which it warns. */
function connectionOptions(
  gathered: Values,
  { host, port }: Endpoint,
  { ssl }: Tls,
  { connectTimeout }: ResolvedPoolOptions,
): ConnectionOptions {
  const passedOn = Object.keys(gathered).filter((name) => (optionRows.get(name)?.kind ?? 'driver') === 'driver');
  return {
    ...named(passedOn, gathered),
    // mysql2 captures the stack at each call by default; here, only when that is asked for.
    trace: gathered['trace'] === true,
    host,
    port,
    // Node's timers end at 24 days: a longer limit means none to mysql2. The engine keeps it.
    connectTimeout: connectTimeout > LONGEST_TIMER_MS ? 0 : connectTimeout,
    ...(ssl === undefined ? {} : { ssl }),
  };
}

/** @throws PoolError `POOL_OPTION_INVALID` */
function refuseTwoLogins({ credentials, password }: Values): void {
  if (credentials !== undefined && password !== undefined) {
    throw new PoolError('POOL_OPTION_INVALID', 'password and credentials contradict each other: give one of them.');
  }
}

/**
 * The hygiene that one source of options names, by either of its two names.
 *
 * @throws PoolError `POOL_OPTION_INVALID` when the two contradict each other
 */
function hygieneNamed(source: Values): Hygiene | undefined {
  const hygiene = source['hygiene'] as Hygiene | undefined;
  const { resetOnRelease } = resolveFromTable({ resetOnRelease: optionTable.resetOnRelease }, source);
  if (resetOnRelease !== true) return hygiene;
  if (hygiene !== undefined && hygiene !== 'always') {
    throw new PoolError('POOL_OPTION_INVALID', `resetOnRelease: true and hygiene: '${hygiene}' contradict each other: give one of them.`);
  }
  return 'always';
}

function named(names: readonly string[], values: Values): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of names) if (Object.hasOwn(values, name)) found[name] = values[name];
  return found;
}

function without(said: Values, values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !Object.hasOwn(said, name)));
}
