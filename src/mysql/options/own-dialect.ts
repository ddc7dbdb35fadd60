/** Poolwright's own dialect: how `createPool` gathers its options, and refuses wrong ones. */

import { invalidUnquoted, PoolError, refuseUnknownOptions } from '../../engine/index.js';
import { isPlainObject } from './checks.js';
import type { Endpoint } from './endpoint.js';
import type { Environment } from './environment.js';
import { type Given, isPlainRow, knownOptionNames, optionRows } from './table.js';
import { isLocal, resolveTls, type Tls, type TlsRequest } from './tls.js';
import { parseDatabaseUrl, type UrlParameters } from './url.js';

/** What may stand in the parameters of a URL; a URL within it may not. */
const urlParameters: UrlParameters = {
  known: knownOptionNames.filter((name) => name !== 'uri' && name !== 'cache'),
  text: [...optionRows].flatMap(([name, row]) => {
    const isText = isPlainRow(row) ? row.kind === 'text' || row.kind === 'choice' : row.kind === 'driver' && row.text === true;
    return isText ? [name] : [];
  }),
};

/** What the arguments say, and behind them what the URL says. An option that is given as `undefined` counts as not given. */
export function gatherOwn({ target, options }: Given, environment: Environment): Record<string, unknown> {
  if (target !== undefined && typeof target !== 'string' && !isPlainObject(target)) {
    throw invalidUnquoted('The database', target, 'named by a URL in text, or by options');
  }
  if (options !== undefined && !isPlainObject(options)) throw invalidUnquoted('The options', options, 'an object');
  const direct = { ...(typeof target === 'object' ? withoutUndefined(target) : {}), ...withoutUndefined(options ?? {}) };
  refuseUnknownOptions(direct, knownOptionNames);
  if (typeof target === 'string' && direct['uri'] !== undefined) {
    throw new PoolError('POOL_OPTION_INVALID', 'The database is named twice, by a URL and by the option uri: give one of them.');
  }
  const url = urlOf(typeof target === 'string' ? target : checkedOwn('uri', direct['uri']), direct, environment);
  return { ...(url === undefined ? {} : parseDatabaseUrl(url.text, url.source, urlParameters)), ...direct };
}

function withoutUndefined(options: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

interface NamedUrl {
  readonly text: string;
  /** What to call it in errors. */
  readonly source: string;
}

/** DATABASE_URL is the default of options that say neither where the database is nor give a URL; after that it is this machine, as for mysql2. */
function urlOf(
  text: unknown,
  { host, socketPath, user, database, credentials }: Readonly<Record<string, unknown>>,
  environment: Environment,
): NamedUrl | undefined {
  if (typeof text === 'string') return { text, source: 'The database URL' };
  if (host !== undefined || socketPath !== undefined) return undefined;
  const fallback = environment['DATABASE_URL'];
  if (fallback !== undefined && fallback !== '') return { text: fallback, source: 'DATABASE_URL' };
  if (user !== undefined || database !== undefined || credentials !== undefined) return undefined;
  throw new PoolError(
    'POOL_OPTION_INVALID',
    'No database was named: set DATABASE_URL to mysql://user:password@host:3306/database, or pass a URL or the option host.',
  );
}

/** A value for mysql2, checked: mysql2 would take it as it is, or replace it with a warning. The pool's own are checked with their defaults. */
export function checkedOwn(name: string, value: unknown): unknown {
  const check = optionRows.get(name)?.check;
  return value === undefined || check === undefined ? value : check(name, value);
}

/** Verified over a network, unless the options say otherwise. */
export function ownTls(given: unknown, fromEnvironment: unknown, endpoint: Endpoint): Tls {
  return resolveTls((given === undefined ? fromEnvironment : given) as TlsRequest | undefined, endpoint);
}

/**
 * With `enableCleartextPlugin`, the server may ask for the password itself. Another program that poses as the server would get it, so the certificate must be
 * verified. On this machine a proxy may stand in for the server, as Cloud SQL's does.
 *
 * @throws PoolError `POOL_TLS_REQUIRED`
 */
export function refuseClearPassword({ enableCleartextPlugin }: Readonly<Record<string, unknown>>, { mode }: Tls, endpoint: Endpoint): void {
  if (!enableCleartextPlugin || mode === 'verified' || isLocal(endpoint)) return;
  const found = mode === 'off' ? 'this connection would be in plaintext' : "this connection would not verify the server's certificate";
  throw new PoolError(
    'POOL_TLS_REQUIRED',
    `enableCleartextPlugin sends the password itself, which only verified TLS protects over a network: ${found}. Give the server's CA as ssl: { ca }.`,
  );
}
