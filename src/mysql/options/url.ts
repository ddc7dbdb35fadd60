/** The reader of database URLs: host, credentials, TLS, and options as parameters. */

import { nearestName, PoolError } from '../../engine/index.js';
import { type TlsRequest, tlsFromUrl, tlsUrlParameters } from './tls.js';

/** What a database URL says. What it leaves out is left out here, too. */
export interface UrlOptions {
  readonly host?: string;
  readonly port?: number;
  readonly socketPath?: string;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
  readonly ssl?: TlsRequest;
  readonly [option: string]: unknown;
}

/** Which names may stand in a URL's parameters. */
export interface UrlParameters {
  readonly known: readonly string[];
  /** Those whose value is text, even when it reads as a number. */
  readonly text: readonly string[];
}

const PROTOCOLS = ['mysql:', 'mariadb:', 'mysql2:'];
const FORM = 'mysql://user:password@host:3306/database';
const HINT = 'special characters in user name and password must be percent-encoded';

/** The protocols of other databases, whose URL was given by mistake. Only these are quoted: the rest of the text may hold a secret. */
const FOREIGN_PROTOCOLS = ['postgres:', 'postgresql:', 'http:', 'https:', 'jdbc:', 'mongodb:', 'redis:', 'sqlite:', 'file:', 'tidb:'];

/**
 * Reads a database URL: percent-encoded credentials, IPv6 in brackets, sockets (`?socketPath=` or a percent-encoded path as the host),
 * the TLS spellings in use, and options as query parameters.
 *
 * @param source what to call the URL in errors, for example `DATABASE_URL`
 * @throws PoolError `POOL_OPTION_INVALID`; the text never holds the URL, because that holds the password
 */
export function parseDatabaseUrl(text: string, source: string, parameters: UrlParameters): UrlOptions {
  const url = parse(text.trim(), source);
  const host = decode(url.hostname.replace(/^\[|\]$/g, ''), 'host', source);
  const database = decode(url.pathname.slice(1), 'database', source);
  const user = decode(url.username, 'user', source);
  const password = decode(url.password, 'password', source);
  const { ssl, options } = readParameters(url.searchParams, source, parameters);
  const said = { host, port: url.port, user, password, database };
  const twice = Object.entries(said).find(([name, value]) => value !== '' && name in options && String(options[name]) !== value)?.[0];
  if (twice !== undefined) throw contradiction(twice, source);
  return {
    ...(host.startsWith('/') ? { socketPath: host } : host === '' ? {} : { host }),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    ...(user === '' ? {} : { user }),
    ...(password === '' ? {} : { password }),
    ...(database === '' ? {} : { database }),
    ...(ssl === undefined ? {} : { ssl }),
    ...options,
  };
}

function parse(text: string, source: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // The parser's own error quotes its input: no cause here.
    throw new PoolError('POOL_OPTION_INVALID', `${source} is not a valid URL; expected ${FORM} (${HINT}).`);
  }
  if (!PROTOCOLS.includes(url.protocol)) {
    const given = FOREIGN_PROTOCOLS.includes(url.protocol) ? `; given: ${url.protocol}//` : '';
    const known = PROTOCOLS.map((protocol) => `${protocol}//`).join(', ');
    throw new PoolError('POOL_OPTION_INVALID', `${source} must start with one of ${known}${given}. Expected ${FORM}.`);
  }
  if (isBroken(url, text)) throw new PoolError('POOL_OPTION_INVALID', `${source} cannot be read as ${FORM}: ${HINT}.`);
  return url;
}

/** The parser takes the text after an unencoded '/', '?' or '#' in a password for path, parameters or fragment. The '@' is then in there. */
function isBroken(url: URL, text: string): boolean {
  if (!text.toLowerCase().startsWith(`${url.protocol}//`) || url.hash !== '' || text.includes('#')) return true;
  if (url.username === '' && url.search.includes('@')) return true;
  // `user:pa@s/w@host/shop`: the parser has found a host, s, in the middle of the password.
  return url.pathname.includes('@') || [...url.searchParams.keys()].some((name) => name.includes('@'));
}

function decode(text: string, part: string, source: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new PoolError('POOL_OPTION_INVALID', `The ${part} in ${source} is not correctly percent-encoded ('%' itself is written %25).`);
  }
}

function readParameters(
  given: URLSearchParams,
  source: string,
  { known, text }: UrlParameters,
): { readonly ssl: TlsRequest | undefined; readonly options: Record<string, unknown> } {
  const options: Record<string, unknown> = {};
  const tls: [string, string][] = [];
  const values = new Map<string, string>();
  const setOnce = (name: string, value: string): void => {
    if ((values.get(name) ?? value) !== value) throw contradiction(name, source);
    values.set(name, value);
    options[name] = text.includes(name) ? value : typed(value);
  };
  for (const [name, value] of given) {
    if (tlsUrlParameters.includes(name.toLowerCase())) tls.push([name.toLowerCase(), value]);
    else if (name === 'socket') setOnce('socketPath', value);
    else if (known.includes(name)) setOnce(name, value);
    else throw unknownParameter(name, value, source, known);
  }
  return { ssl: tlsFromUrl(tls, source), options };
}

/** The values are not shown: one of them may be a secret. */
function contradiction(name: string, source: string): PoolError {
  return new PoolError('POOL_OPTION_INVALID', `${source} says ${name} twice, with different values: give one.`);
}

/** What is not like a name, or has no value, may be a part of a password that was not percent-encoded. */
const LIKE_A_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,40}$/;

function unknownParameter(name: string, value: string, source: string, known: readonly string[]): PoolError {
  if (value === '' || !LIKE_A_NAME.test(name)) return new PoolError('POOL_OPTION_INVALID', `A parameter in ${source} is none: ${HINT}.`);
  const nearest = nearestName(name, [...known, ...tlsUrlParameters]);
  const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
  return new PoolError('POOL_OPTION_INVALID', `Unknown parameter ${name} in ${source}.${hint}`);
}

/** As mysql2 does: what reads as JSON is JSON, anything else is text. */
function typed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
