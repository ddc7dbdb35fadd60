/** What a URL of Redis says: one server, a cluster or a master behind sentinels, with its nodes, its login and TLS. */
import type { ConnectionOptions } from 'node:tls';
import { customInspect } from '../packages/index.js';
import { PoolError } from '../engine/index.js';

/** Where Redis is. */
export interface RedisTarget {
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** TLS options of Node, such as `ca`; the URL must say `rediss`. */
  readonly tls?: ConnectionOptions;
}

/** A name and a password, each of which may be missing. */
export interface Login {
  readonly username?: string;
  readonly password?: string;
}

/** Where to connect, and how. */
export interface RedisEndpoints {
  /** Undefined: one server. */
  readonly kind: 'cluster' | 'sentinel' | undefined;
  readonly nodes: { readonly host: string; readonly port: number }[];
  /** The number of the database; with sentinels, the name of the master. */
  readonly path: string;
  readonly parameters: URLSearchParams;
  /** What all connections to Redis itself have in common. */
  readonly shared: Login & { readonly tls?: ConnectionOptions };
}

/** The error of a URL that lacks something. */
type Refusal = (wanted: string) => PoolError;

const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26_379;
const LARGEST_PORT = 65_535;
const SCHEME = /^(rediss?)(?:\+(cluster|sentinel))?:\/\/(?:([^@/]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/;

/**
 * `redis://user:password@host:port/db`; `rediss://` for TLS; `redis+sentinel://…@host:port,host:port/master`, `redis+cluster://…@host:port,host:port`.
 *
 * @param option the option that the URL was given for, as errors name it
 * @throws PoolError `POOL_OPTION_INVALID`
 */
export function parseRedisUrl({ url, username, password, tls }: RedisTarget, option = 'redis'): RedisEndpoints {
  const refused = (wanted: string): PoolError => new PoolError('POOL_OPTION_INVALID', `The URL of ${option} must have ${wanted}.`);
  const match = SCHEME.exec(url);
  if (match === null) {
    throw new PoolError(
      'POOL_OPTION_INVALID',
      `${option} must be a URL that begins with redis://, rediss://, redis+sentinel:// or redis+cluster:// (its text is not shown, because it may contain a password).`,
    );
  }
  const [, scheme, kind, login = '', hosts = '', path = '', query = ''] = match;
  const colon = login.indexOf(':');
  const urlUser = decode(refused, colon === -1 ? login : login.slice(0, colon));
  const urlPassword = colon === -1 ? '' : decode(refused, login.slice(colon + 1));
  const port = kind === 'sentinel' ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT;
  // A password with a '@' or '/' that is not percent-encoded would become a host, which is shown.
  if (`${hosts}${path}${query}`.includes('@')) throw refused("percent-encoded credentials ('@' is written %40, '/' is written %2F)");
  const nodes = hosts.split(',').map((host) => endpointOf(refused, host, port));
  if (kind === undefined && nodes.length !== 1) throw refused('one host, or the scheme redis+cluster or redis+sentinel');
  if (kind === 'sentinel' && path === '') throw refused('the name of the master after the hosts: redis+sentinel://host:port/name');
  if (kind === undefined && !/^\d*$/.test(path)) throw refused('a number of a database after the host');
  if (kind === 'cluster' && !/^0?$/.test(path)) throw refused('no database after the hosts: a cluster has one');
  const parameters = checkedParameters(refused, new URLSearchParams(query), kind === 'sentinel' ? SENTINEL_PARAMETERS : []);
  if (tls !== undefined && scheme !== 'rediss') throw refused('the scheme rediss, for tls was given');
  const user = username ?? urlUser;
  const secret = password ?? urlPassword;
  const shared: RedisEndpoints['shared'] = {
    ...(user === '' ? {} : { username: user }),
    ...(secret === '' ? {} : { password: secret }),
    ...(scheme === 'rediss' ? { tls: tls ?? {} } : {}),
  };
  return { kind: kind as RedisEndpoints['kind'], nodes, path: decode(refused, path), parameters, shared };
}

const SENTINEL_PARAMETERS: readonly string[] = ['db', 'sentinelUsername', 'sentinelPassword'];

/** What is not known is not shown: it may be part of a password. */
function checkedParameters(refused: Refusal, parameters: URLSearchParams, known: readonly string[]): URLSearchParams {
  const names = [...parameters.keys()];
  if (names.some((name) => !known.includes(name))) {
    throw refused(
      known.length === 0 ? 'no parameters: the database stands after the host, and TLS is rediss' : `no parameters but ${known.join(', ')}`,
    );
  }
  if (new Set(names).size < names.length) throw refused('each parameter once');
  if (!/^\d*$/.test(parameters.get('db') ?? '')) throw refused('a number as db');
  return parameters;
}

function endpointOf(refused: Refusal, text: string, defaultPort: number): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:=?#&%\s]*)(?::(\d+))?$/.exec(text);
  if (match === null || Number(match[2] ?? 1) < 1 || Number(match[2] ?? 1) > LARGEST_PORT) throw refused('hosts as host:port');
  return {
    host: (match[1] as string).replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: match[2] === undefined ? defaultPort : Number(match[2]),
  };
}

function decode(refused: Refusal, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused('percent-encoded credentials');
  }
}

/** The login for the sentinels, which is not the one for Redis. */
export function sentinelLogin(parameters: URLSearchParams): Login {
  const [username, password] = [parameters.get('sentinelUsername'), parameters.get('sentinelPassword')];
  return { ...(username === null ? {} : { username }), ...(password === null ? {} : { password }) };
}

/** The same values, which no log and no JSON shows: the URL has the password in it. */
export function unshownTarget({ url, username, password, tls }: RedisTarget): RedisTarget {
  const show = { value: () => 'Redis', enumerable: false };
  return Object.defineProperties(
    {
      url,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : { tls }),
    },
    { toJSON: show, [customInspect]: show },
  );
}
