/** Where PgBouncer's console is: its options and URL, checked and filled in. */
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

/** Where PgBouncer is, and how to log in to its console. Without `url` and `host`, none is configured. */
export interface PgBouncerOptions {
  /**
   * `postgresql://user:password@host:6432`, with `sslmode`, `sslrootcert`, `sslcert` and `sslkey` as libpq has them. The path and other
   * parameters have no effect: the console's database is always `pgbouncer`. The other options go before the URL.
   */
  readonly url?: string;
  /** A name, an address, or the folder of a Unix socket. */
  readonly host?: string;
  /** Default: 6432. */
  readonly port?: number;
  /** One of PgBouncer's `admin_users` or `stats_users`. Default: 'pgbouncer', which PgBouncer lets in over its socket. */
  readonly user?: string;
  readonly password?: string;
  /** TLS options of Node; true: verified TLS. Default: that of `sslmode`, else plaintext, as with pg. */
  readonly ssl?: boolean | ConnectionOptions;
  /** How long the probe may take in all, in milliseconds. Default: 3000. */
  readonly timeout?: number;
}

/** An address and a login with every value filled in. */
export interface PgBouncerTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly ssl: false | ConnectionOptions;
  readonly timeoutMs: number;
}

const OPTION_NAMES: readonly string[] = ['url', 'host', 'port', 'user', 'password', 'ssl', 'timeout'] satisfies (keyof PgBouncerOptions)[];

/** Within the 10 s that Prometheus gives a scrape by default, with room for others. */
const DEFAULT_TIMEOUT_MS = 3_000;
const LONGEST_TIMEOUT_MS = 60_000;
/** PgBouncer's `listen_port`. */
const DEFAULT_PORT = 6432;
const DEFAULT_USER = 'pgbouncer';

/**
 * Checks the options and fills in what is missing.
 *
 * @returns `undefined` when none is configured
 * @throws TypeError naming the option and what is allowed; never with the URL or the password in it
 */
export function resolveTarget(given: string | PgBouncerOptions | undefined): PgBouncerTarget | undefined {
  const options: PgBouncerOptions = typeof given === 'string' ? { url: given } : (given ?? {});
  const unknown = Object.keys(options).find((name) => !OPTION_NAMES.includes(name));
  if (unknown !== undefined) throw new TypeError(`Unknown option ${unknown} for PgBouncer; known: ${OPTION_NAMES.join(', ')}.`);
  if (options.url === undefined && options.host === undefined) return undefined;
  const fromUrl = options.url === undefined ? {} : parseUrl(options.url);
  const { host, port, user, password, ssl, timeout } = { ...fromUrl, ...withoutUndefined(options) };
  return Object.freeze({
    host: host === undefined || host === '' ? '127.0.0.1' : text('host', host),
    port: port === undefined ? DEFAULT_PORT : wholeNumber('port', port, 1, 65_535),
    user: user === undefined || user === '' ? DEFAULT_USER : text('user', user),
    password: password === undefined ? '' : text('password', password),
    ssl: ssl === true ? {} : (ssl ?? false),
    timeoutMs: timeout === undefined ? DEFAULT_TIMEOUT_MS : wholeNumber('timeout', timeout, 1, LONGEST_TIMEOUT_MS),
  });
}

/** `host:port` for messages. */
export function addressOf({ host, port }: Pick<PgBouncerTarget, 'host' | 'port'>): string {
  if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function parseUrl(given: unknown): PgBouncerOptions {
  const url = parsed(given);
  const twice = READ_PARAMETERS.find((name) => new Set(url.searchParams.getAll(name)).size > 1);
  if (twice !== undefined) throw new TypeError(`${twice} appears twice in the URL of PgBouncer, with different values: give one.`);
  const host = url.searchParams.get('host') ?? decoded(url.hostname.replace(/^\[|\]$/g, ''), 'host');
  const ssl = sslOf(url.searchParams);
  return {
    host,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    user: decoded(url.username, 'user'),
    password: decoded(url.password, 'password'),
    ...(ssl === undefined ? {} : { ssl }),
  };
}

/** The others are other programs'. */
const READ_PARAMETERS = ['host', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const;

const FORM = 'postgresql://user:password@host:6432';

function parsed(given: unknown): URL {
  try {
    const url = new URL(String(given).trim());
    // An '@' there is the rest of a password that is not percent-encoded: what stands before it would be shown as the host.
    const isBroken =
      url.pathname.includes('@') || [...url.searchParams.keys()].some((name) => name.includes('@')) || url.hash.includes('@');
    if (['postgresql:', 'postgres:'].includes(url.protocol) && !isBroken) return url;
  } catch {
    // The parser's error quotes its input, which holds the password.
  }
  throw new TypeError(`The URL of PgBouncer is not valid; expected ${FORM} (special characters in the password percent-encoded).`);
}

function decoded(encoded: string, part: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw new TypeError(`The ${part} in the URL of PgBouncer is not correctly percent-encoded ('%' itself is written %25).`);
  }
}

/** With libpq's meaning (https://www.postgresql.org/docs/current/libpq-ssl.html), which pg will have from version 9. */
function sslOf(parameters: URLSearchParams): PgBouncerOptions['ssl'] {
  const mode = parameters.get('sslmode');
  const files = {
    ...fileOf('ca', 'sslrootcert', parameters),
    ...fileOf('cert', 'sslcert', parameters),
    ...fileOf('key', 'sslkey', parameters),
  };
  switch (mode) {
    case null:
      return Object.keys(files).length > 0 ? files : undefined;
    case 'disable':
      return false;
    case 'no-verify':
      return { ...files, rejectUnauthorized: false };
    case 'require':
      // libpq: with a CA at hand it is verified.
      return 'ca' in files ? withoutHostCheck(files) : { ...files, rejectUnauthorized: false };
    case 'verify-ca':
      return withoutHostCheck(files);
    case 'verify-full':
      return files;
    default:
      // prefer and allow fall back to plaintext silently. For plaintext there is disable.
      throw new TypeError('sslmode in the URL of PgBouncer must be disable, require, verify-ca, verify-full or no-verify.');
  }
}

function withoutHostCheck(options: ConnectionOptions): ConnectionOptions {
  return { ...options, checkServerIdentity: () => undefined };
}

function fileOf(option: 'ca' | 'cert' | 'key', parameter: string, parameters: URLSearchParams): ConnectionOptions {
  const path = parameters.get(parameter);
  if (path === null) return {};
  try {
    return { [option]: readFileSync(path, 'utf8') };
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new TypeError(`${parameter} in the URL of PgBouncer cannot be read (${code}).`, { cause: error });
  }
}

function text(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`${name} of PgBouncer must be a string.`);
}

function wholeNumber(name: string, value: unknown, min: number, max: number): number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw new TypeError(`${name} of PgBouncer must be a whole number from ${min} to ${max}.`);
}

function withoutUndefined(options: PgBouncerOptions): PgBouncerOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
