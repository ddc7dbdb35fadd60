/** The checks of options that are more than a number, a word, a truth value or a function: each returns the value, or refuses it. */

import type { QueryCache } from '../../cache/serving/index.js';
import { invalid, invalidUnquoted, refuseUnknownOptions, resolveFromTable } from '../../engine/index.js';
import { charsetNumberOf } from '../driver/index.js';
import { type HealthThresholds, healthThresholdTable } from '../observation/index.js';

/** What the text holds may be a secret: a refusal does not quote it. */
export function checkedText(name: string, value: unknown): string {
  if (typeof value !== 'string') throw invalidUnquoted(name, value, 'text');
  return value;
}

export function checkedHost(name: string, value: unknown): string {
  const host = checkedText(name, value);
  if (host === '') throw invalid(name, host, 'a host name or an address');
  return host;
}

export function checkedPort(name: string, value: unknown): number {
  const port = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw invalid(name, value, 'a whole number from 1 to 65535');
}

/** mysql2 would print a warning, and use UTC. */
export function checkedTimezone(name: string, value: unknown): string {
  const timezone = checkedText(name, value);
  if (!/^(?:local|Z|[ +-]\d\d:\d\d)$/.test(timezone)) throw invalid(name, timezone, "'local', 'Z', or an offset like '+02:00'");
  return timezone;
}

export function checkedCharset(name: string, value: unknown): string {
  const charset = checkedText(name, value);
  if (!isCharset(charset)) throw invalid(name, charset, "a character set or collation that mysql2 knows, for example 'utf8mb4'");
  return charset;
}

function isCharset(charset: string): boolean {
  try {
    return Number.isInteger(charsetNumberOf(charset));
  } catch {
    return false;
  }
}

export function checkedCache(cache: QueryCache | undefined): QueryCache | undefined {
  if (cache !== undefined && typeof cache?.invalidate !== 'function')
    throw invalidUnquoted('cache', cache, 'what createQueryCache returns');
  return cache;
}

export function resolveHealth(given: HealthThresholds = {}): Required<HealthThresholds> {
  if (!isPlainObject(given)) throw invalid('health', given, 'an object of thresholds');
  refuseUnknownOptions(given, Object.keys(healthThresholdTable));
  return resolveFromTable(healthThresholdTable, given) as unknown as Required<HealthThresholds>;
}

/** An object literal, or one without a prototype: no instance of a class, no array. */
export function isPlainObject(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)
  );
}
