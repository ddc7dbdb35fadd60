/** The options of the monitoring server: tokens, hosts, peers, and where to listen. */

import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { invalid, type OptionSpec, PoolError, refuseUnknownOptions, resolveFromTable } from '../../engine/index.js';
import { ignoreRejection } from '../../engine/waiting/index.js';
import { isLoopback } from '../../mysql/index.js';
import { type MonitoringOptions, monitoringOptionNames } from '../api/index.js';

/** What the monitoring server takes. */
export interface MonitoringServerOptions extends MonitoringOptions {
  /** The address to listen on. Default: '127.0.0.1'. Any other than this machine's own needs a token. */
  readonly host?: string;
  /** The port; 0 = a free one. Default: 9464, where OpenTelemetry's exporters for Prometheus listen too. */
  readonly port?: number;
  /**
   * What clients must send as `Authorization: Bearer …`, except to /healthz and /readyz: visible ASCII characters, no spaces.
   * Default: what `POOLWRIGHT_TOKEN` says; without one, every client that can connect may ask.
   */
  readonly token?: string;
  /**
   * A second token, for operators: it also allows actions on pools (evict, suspend, resume, drain, resize, invalidate their
   * caches, isolate and close breakers). Default: what `POOLWRIGHT_OPERATE_TOKEN` says; without one, no client may act.
   */
  readonly operateToken?: string;
  /**
   * Names under which the server is asked for, beside `localhost`, `127.0.0.1` and `[::1]`; requests for others are refused. Default: no
   * others on a loopback address, every name elsewhere.
   */
  readonly allowedHosts?: readonly string[];
  /**
   * Monitoring addresses of the service's other processes, such as 'http://10.0.0.2:9464': the dashboard can show them, too. Their tokens
   * must be the same as here. This process's own may be among them, so that all are given the same list. Default: what `POOLWRIGHT_PEERS`
   * says, separated by commas; else none. At most 100.
   */
  readonly peers?: readonly string[];
  /**
   * A file in which incidents and merged points are kept over a restart, one for each process. Its folder must exist. It needs `node:sqlite` of
   * Node 22.13 or later. When the file cannot be used, a warning says why, and the history is kept in memory only. Default: what
   * `POOLWRIGHT_HISTORY` says; else none.
   */
  readonly historyPath?: string;
  /** Called with errors that were answered with the status 500. */
  readonly onError?: (error: unknown) => void;
}

/** The one table of the options that hold a plain value. */
export const serverOptionTable = {
  host: { kind: 'text', default: '127.0.0.1', about: 'The address to listen on. An address other than loopback requires a token.' },
  port: { kind: 'number', min: 0, max: 65_535, default: 9_464, about: 'The port; 0 = a free one.' },
  onError: { kind: 'function', default: undefined, about: 'Called with each error that the server answered with status 500.' },
} as const satisfies Partial<Record<keyof MonitoringServerOptions, OptionSpec>>;

const OPTION_NAMES: readonly string[] = [
  ...monitoringOptionNames,
  'token',
  'operateToken',
  'allowedHosts',
  'peers',
  'historyPath',
  ...Object.keys(serverOptionTable),
];

/** The options in force. */
export interface ResolvedServerOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
  readonly operateToken: string | undefined;
  /** `undefined`: requests for any name are answered. */
  readonly hosts: readonly string[] | undefined;
  readonly peers: readonly URL[];
  /** Absolute; `undefined`: the history is kept in memory only. */
  readonly historyPath: string | undefined;
  readonly onError: (error: unknown) => void;
}

type PlainOptions = Pick<ResolvedServerOptions, 'host' | 'port'> & Pick<MonitoringServerOptions, 'onError'>;

/** @throws PoolError `POOL_OPTION_INVALID` */
export function resolveServerOptions(given: MonitoringServerOptions, environment: NodeJS.ProcessEnv): ResolvedServerOptions {
  refuseUnknownOptions(given, OPTION_NAMES);
  const { host, port, onError } = resolveFromTable(serverOptionTable, given) as unknown as PlainOptions;
  const token = checkedToken('token', given.token, 'POOLWRIGHT_TOKEN', environment);
  const operateToken = checkedToken('operateToken', given.operateToken, 'POOLWRIGHT_OPERATE_TOKEN', environment);
  if (token !== undefined && token === operateToken)
    throw new PoolError('POOL_OPTION_INVALID', 'token and operateToken must differ: who may look is not who may act.');
  const allowedHosts = checkedHosts(given.allowedHosts);
  const isLocal = isLoopback(host);
  if (!isLocal && token === undefined) {
    throw new PoolError(
      'POOL_OPTION_INVALID',
      `host '${host}' can be reached from other machines, and no token is set: give the option token (or POOLWRIGHT_TOKEN), or listen on 127.0.0.1.`,
    );
  }
  const own = isIPv6(host) ? `[${host}]` : host;
  const hosts = isLocal || allowedHosts !== undefined ? [own, ...(allowedHosts ?? [])] : undefined;
  return {
    host,
    port,
    token,
    operateToken,
    hosts,
    peers: checkedPeers(given.peers, environment),
    historyPath: checkedPath(given.historyPath, environment),
    onError: (error) => void ignoreRejection(onError?.(error)),
  };
}

/** The errors never show the token. */
function checkedToken(option: string, given: unknown, variable: string, environment: NodeJS.ProcessEnv): string | undefined {
  const token = given ?? (environment[variable] === '' ? undefined : environment[variable]);
  if (token === undefined) return undefined;
  if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token;
  const source = given === undefined ? variable : option;
  throw new PoolError('POOL_OPTION_INVALID', `${source} must be a text of visible ASCII characters without spaces.`);
}

function checkedHosts(given: unknown): readonly string[] | undefined {
  if (given === undefined) return undefined;
  const allowed = 'a list of host names or addresses without ports, IPv6 in brackets';
  if (!Array.isArray(given)) throw invalid('allowedHosts', given, allowed);
  const wrong: unknown = given.find((name) => typeof name !== 'string' || !/^([^\s:/[\]]+|\[[0-9a-f:.]+\])$/i.test(name));
  if (wrong !== undefined) throw invalid('allowedHosts', wrong, allowed);
  return given as string[];
}

function checkedPath(given: unknown, { POOLWRIGHT_HISTORY = '' }: NodeJS.ProcessEnv): string | undefined {
  if (given === undefined && POOLWRIGHT_HISTORY === '') return undefined;
  const path = given ?? POOLWRIGHT_HISTORY;
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return resolve(path);
  throw invalid(given === undefined ? 'POOLWRIGHT_HISTORY' : 'historyPath', path, 'the path of a file');
}

const MOST_PEERS = 100;

function checkedPeers(given: unknown, { POOLWRIGHT_PEERS = '' }: NodeJS.ProcessEnv): readonly URL[] {
  const source = given === undefined ? 'POOLWRIGHT_PEERS' : 'peers';
  const named = POOLWRIGHT_PEERS.split(',').map((address) => address.trim());
  const addresses: unknown = given ?? named.filter((address) => address !== '');
  if (!Array.isArray(addresses)) throw invalid(source, addresses, 'a list of monitoring addresses');
  if (addresses.length > MOST_PEERS) throw new PoolError('POOL_OPTION_INVALID', `${source} may name at most ${MOST_PEERS} addresses.`);
  return addresses.map((address: unknown) => {
    const url = typeof address === 'string' && URL.canParse(address) ? new URL(address) : undefined;
    const isPlain = url?.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
    if (url !== undefined && isPlain && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
    // What was given is not shown: it may have a password in it.
    throw new PoolError('POOL_OPTION_INVALID', `${source}: each address must be like http://10.0.0.2:9464, without credentials and path.`);
  });
}
