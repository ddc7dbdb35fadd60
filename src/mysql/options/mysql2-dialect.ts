/** mysql2's dialect: how options are read that were written for mysql2, which refuses almost nothing. */

import { isRangeLike, LARGEST_CONNECTION_LIMIT, PoolError, type PoolOptions as EngineOptions } from '../../engine/index.js';
import { type DriverPoolOptions, parseDriverUrl } from '../driver/index.js';
import type { Endpoint } from './endpoint.js';
import { type Given, isOwn, isPlainRow, type MysqlPoolOptions, optionRows } from './table.js';
import { resolveTls, type Tls, type TlsOptions, type TlsRequest } from './tls.js';

/** Poolwright's own options that mysql2's `createPool` takes too, once it is ours. */
export type OptionsBesideMysql2 = Omit<EngineOptions & MysqlPoolOptions, Exclude<keyof DriverPoolOptions, 'connectionLimit'>>;

/** What `createPool` takes in the place of mysql2's. */
export type DropInOptions = Omit<DriverPoolOptions, 'connectionLimit'> & OptionsBesideMysql2;

/**
 * What the options say, and behind them what the URL says. For mysql2, '', 0, null and false count as not given, and the URL fills them in. In
 * Poolwright's own options they are values.
 */
export function gatherAsMysql2({ target }: Given): Record<string, unknown> {
  if (typeof target === 'string') return urlOptions(target);
  // Without any options it is a TypeError, as with mysql2.
  const { uri } = target as { readonly uri?: string };
  const options: Record<string, unknown> = { ...target };
  const fromUrl = uri ? urlOptions(uri) : {};
  for (const [name, value] of Object.entries(fromUrl)) {
    if (options[name] === undefined || (!options[name] && !isOwn(name))) options[name] = value;
  }
  return options;
}

/** mysql2 reads as JSON what it can; Poolwright's own words stay words. */
function urlOptions(text: string): Record<string, unknown> {
  const options: Record<string, unknown> = { ...parseDriverUrl(text) };
  const url = new URL(text);
  // mysql2 would look for a host that is the middle of a password, and call the pool by the rest of it.
  if (url.username !== '' && url.pathname.includes('@')) {
    throw new PoolError(
      'POOL_OPTION_INVALID',
      "The database URL is ambiguous: '@' and '/' in user, password and database are written %40 and %2F.",
    );
  }
  for (const [name, value] of url.searchParams) {
    const row = optionRows.get(name);
    if (row !== undefined && isPlainRow(row) && (row.kind === 'text' || row.kind === 'choice')) options[name] = value;
  }
  return options;
}

/** A value as mysql2 reads it. Poolwright's own, and what mysql2 does not know either, is as it was given. */
export function readAsMysql2(name: string, value: unknown): unknown {
  const read = optionRows.get(name)?.mysql2?.read;
  return read === undefined ? value : read(value);
}

/** In mysql2 a limit of 0 or Infinity means no limit, in the environment too, and a `maxIdle` above the limit has no effect. */
export function fitLimits(options: EngineOptions): EngineOptions {
  // In the environment they are text.
  const { connectionLimit, maxIdle } = options as Readonly<Record<'connectionLimit' | 'maxIdle', unknown>>;
  // mysql2 has none of these: what contradicts it is refused.
  if (isRangeLike(connectionLimit)) return options;
  const limit = connectionLimit === '0' || connectionLimit === 'Infinity' ? LARGEST_CONNECTION_LIMIT : (connectionLimit as number);
  return { ...options, connectionLimit: limit, ...(Number(maxIdle) > limit ? { maxIdle: limit } : {}) };
}

/** `ssl` of the code reaches mysql2 unchanged. `ssl` of the environment is read as Poolwright reads it. */
export function mysql2Tls(given: unknown, fromEnvironment: unknown, endpoint: Endpoint): Tls {
  if (given === undefined && fromEnvironment !== undefined) return resolveTls(fromEnvironment as TlsRequest, endpoint);
  if (!given) return { mode: 'off', ssl: undefined };
  const { rejectUnauthorized = true, verifyIdentity = false } = verificationIn(given);
  return { mode: rejectUnauthorized && verifyIdentity ? 'verified' : 'unverified', ssl: given };
}

function verificationIn(ssl: TlsOptions): TlsOptions {
  return typeof ssl === 'object' ? ssl : {};
}
