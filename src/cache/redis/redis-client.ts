import type { EventEmitter } from 'node:events';
import type { ConnectionOptions } from 'node:tls';
import type * as IoRedis from 'ioredis';
import { PoolError } from '../../engine/index.js';
import { ignore } from '../../engine/waiting/index.js';
import type { RedisTarget } from '../contract/index.js';
import { requirePeer } from '../../packages/index.js';
import { type MasterClient, type SentinelClient, Sentinels } from './sentinels.js';

/** A connection that is made again and again. */
interface Connection extends EventEmitter {
  readonly status: string;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  /** Ends it for good. */
  close(): void;
}

/** What is used of the client: the same of one server, of Sentinel's master and of a cluster. */
export interface RedisClient extends Connection, MasterClient {
  /** Resolves when it is connected to the master that the sentinels name, asked now; without sentinels at once. */
  confirm(): Promise<void>;
  /** When the sentinels were asked the last time that they named the master that it is connected to; without sentinels always. */
  confirmedAt(): number;
  /** A value, and for how many milliseconds more it is kept. */
  getWithLifeBuffer(key: string): Promise<[Buffer | null, number]>;
  pttl(key: string): Promise<number>;
  set(key: string, value: Buffer | string, px: 'PX', milliseconds: number, nx?: 'NX'): Promise<'OK' | null>;
  del(key: string): Promise<number>;
  xread(...parameters: (string | number)[]): Promise<unknown>;
  xrange(key: string, from: string, to: string): Promise<unknown>;
  joinLedger(id: string, counter: string, log: string, token: string, limit: number): Promise<[string, string]>;
  publishToLedger(id: string, counter: string, log: string, expectedId: string, message: string, limit: number): Promise<number>;
  releaseLock(key: string, token: string): Promise<number>;
}

/**
 * The ledger belongs to one run of one master: what is left of it after a restart from a file, or on a replica that has taken over, may lack
 * invalidations that were acknowledged. So its name holds the run's number, and another run begins another ledger. So does one whose list
 * does not end where its counter says: a Redis that is full may let go of either.
 *
 * It writes first, though nothing: whoever could not tell of an invalidation now, because Redis takes no writes (a snapshot has failed, replicas
 * are missing), must not be told either that there was none.
 */
const JOIN = `
redis.call('XTRIM', KEYS[3], 'MAXLEN', '~', ARGV[2])
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if string.match(redis.call('INFO', 'replication'), 'role:(%a+)') ~= 'master' then return redis.error_reply('READONLY not a master') end
local id = redis.call('GET', KEYS[1])
local count = redis.call('GET', KEYS[2])
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
local whole = count == '0' or (count and last and last[1] == count .. '-0')
if not id or not whole or string.sub(id, 1, #run) ~= run then
  id = run .. '.' .. ARGV[1]
  count = '0'
  redis.call('DEL', KEYS[3])
  redis.call('SET', KEYS[2], count)
  redis.call('SET', KEYS[1], id)
end
return {id, count}`;

/**
 * A Redis that is full refuses commands that need room, but not within a script that has written before. An invalidation is small, and trimming
 * makes room for it.
 */
const PUBLISH = `
redis.call('XTRIM', KEYS[3], 'MAXLEN', '~', ARGV[3])
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local position = redis.call('INCR', KEYS[2])
redis.call('XADD', KEYS[3], position .. '-0', 'names', ARGV[2])
return position`;

const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/** One command in place of two: most of what a hit in Redis costs is what the client does for each. */
const GET_WITH_LIFE = `return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}`;

const SCRIPTS = {
  getWithLife: { numberOfKeys: 1, lua: GET_WITH_LIFE },
  joinLedger: { numberOfKeys: 3, lua: JOIN },
  publishToLedger: { numberOfKeys: 3, lua: PUBLISH },
  releaseLock: { numberOfKeys: 1, lua: RELEASE },
};

const CONNECT_TIMEOUT_MS = 2_000;
/** One node of a cluster is asked after the other who has what; one that is frozen must not hold up the others, which have taken its place. */
const SLOTS_TIMEOUT_MS = 500;
/** What is still to come over a connection that is given up does not matter; a server that is frozen never says that it is closed. */
const DISCONNECT_TIMEOUT_MS = 100;
/** From the first attempt until commands may be sent, by way of several sentinels or nodes if need be. */
const HANDSHAKE_TIMEOUT_MS = 8_000;
const LONGEST_RECONNECT_DELAY_MS = 100;
const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26_379;
const SCHEME = /^(rediss?)(?:\+(cluster|sentinel))?:\/\/(?:([^@/]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/;

/**
 * Two clients that connect in the background and try again for ever; commands fail at once while one is not connected.
 *
 * @param boundMs how long a sentinel may take to say who is the master
 * @throws PoolError `POOL_OPTION_INVALID`; Error `MODULE_NOT_FOUND` when ioredis is not installed
 */
export function createRedisClients(target: RedisTarget, boundMs: number): { readonly client: RedisClient; readonly reader: RedisClient } {
  const { Redis, Cluster } = requirePeer('ioredis', 'The Redis tier of the cache') as typeof IoRedis;
  const { kind, nodes, path, parameters, shared } = parse(target);
  const common = { lazyConnect: true, enableOfflineQueue: false };
  const once = {
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: never,
  };
  const login = sentinelLogin(parameters);
  // With sentinels, the client speaks TLS with neither them nor the master unless it is told so for each.
  const sentinelTls = shared.tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: shared.tls };
  const make = (pipelining: boolean): RedisClient => {
    const own = { ...common, ...once, ...shared, enableAutoPipelining: pipelining, scripts: SCRIPTS };
    const redis =
      kind === 'cluster'
        ? new Cluster(nodes, {
            ...common,
            enableAutoPipelining: pipelining,
            scripts: SCRIPTS,
            redisOptions: { ...shared, connectTimeout: CONNECT_TIMEOUT_MS, disconnectTimeout: DISCONNECT_TIMEOUT_MS },
            clusterRetryStrategy: never,
            // It would ask one node at random, for as long as that takes: one that is frozen would hold up the others.
            enableReadyCheck: false,
            slotsRefreshTimeout: SLOTS_TIMEOUT_MS,
          })
        : kind === 'sentinel'
          ? new Redis({
              ...own,
              sentinels: nodes,
              name: path,
              sentinelRetryStrategy: never,
              ...sentinelTls,
              ...(login.username === undefined ? {} : { sentinelUsername: login.username }),
              ...(login.password === undefined ? {} : { sentinelPassword: login.password }),
              ...(parameters.has('db') ? { db: Number(parameters.get('db')) } : {}),
            })
          : new Redis({ ...own, ...(nodes[0] as { host: string; port: number }), db: path === '' ? 0 : Number(path) });
    return keptConnected(redis as unknown as RedisClient);
  };
  const [client, reader] = [make(true), make(false)];
  if (kind === 'sentinel') {
    const watched = nodes.map((node) =>
      keptConnected(
        new Redis({
          ...common,
          ...once,
          ...node,
          ...login,
          ...(shared.tls === undefined ? {} : { tls: shared.tls }),
        }) as unknown as SentinelConnection,
      ),
    );
    confirmBySentinels([client, reader], new Sentinels(watched, path, boundMs));
  } else {
    for (const one of [client, reader])
      Object.assign(one, { confirm: () => Promise.resolve(), confirmedAt: () => Number.POSITIVE_INFINITY });
  }
  return { client, reader };
}

type SentinelConnection = SentinelClient & Connection;

function confirmBySentinels(clients: readonly RedisClient[], sentinels: Sentinels): void {
  for (const client of clients) {
    const close = client.close.bind(client);
    sentinels.follow(client);
    Object.assign(client, {
      confirm: () => sentinels.confirm(client),
      confirmedAt: () => sentinels.confirmedAt(client),
      close: () => {
        close();
        sentinels.close();
      },
    });
  }
}

function keptConnected<T extends Connection>(connection: T): T {
  letProcessEnd(connection);
  // The caller of a command is told of its failure; without a listener the process would end.
  connection.on('error', ignore);
  keepConnected(connection);
  return connection;
}

function sentinelLogin(parameters: URLSearchParams): { readonly username?: string; readonly password?: string } {
  const [username, password] = [parameters.get('sentinelUsername'), parameters.get('sentinelPassword')];
  return { ...(username === null ? {} : { username }), ...(password === null ? {} : { password }) };
}

/** `redis://user:password@host:port/db`; `rediss://` for TLS; `redis+sentinel://…@host:port,host:port/master`, `redis+cluster://…@host:port,host:port`. */
function parse({ url, username, password, tls }: RedisTarget) {
  const match = SCHEME.exec(url);
  if (match === null) {
    throw new PoolError(
      'POOL_OPTION_INVALID',
      'redis must be a URL that begins with redis://, rediss://, redis+sentinel:// or redis+cluster:// (its text is not shown: it may hold a password).',
    );
  }
  const [, scheme, kind, login = '', hosts = '', path = '', query = ''] = match;
  const colon = login.indexOf(':');
  const urlUser = decode(colon === -1 ? login : login.slice(0, colon));
  const urlPassword = colon === -1 ? '' : decode(login.slice(colon + 1));
  const port = kind === 'sentinel' ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT;
  const nodes = hosts.split(',').map((host) => endpointOf(host, port));
  if (kind === undefined && nodes.length !== 1) throw refused('one host, or the scheme redis+cluster or redis+sentinel');
  if (kind === 'sentinel' && path === '') throw refused('the name of the master after the hosts: redis+sentinel://host:port/name');
  if (kind === undefined && !/^\d*$/.test(path)) throw refused('a number of a database after the host');
  if (tls !== undefined && scheme !== 'rediss') throw refused('the scheme rediss, for tls was given');
  const user = username ?? urlUser;
  const secret = password ?? urlPassword;
  const shared: { readonly username?: string; readonly password?: string; readonly tls?: ConnectionOptions } = {
    ...(user === '' ? {} : { username: user }),
    ...(secret === '' ? {} : { password: secret }),
    ...(scheme === 'rediss' ? { tls: tls ?? {} } : {}),
  };
  return { kind, nodes, path: decode(path), parameters: new URLSearchParams(query), shared };
}

function endpointOf(text: string, defaultPort: number): { host: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(text);
  if (match === null) throw refused('hosts as host:port');
  return {
    host: (match[1] as string).replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: match[2] === undefined ? defaultPort : Number(match[2]),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused('percent-encoded credentials');
  }
}

function refused(wanted: string): PoolError {
  return new PoolError('POOL_OPTION_INVALID', `The URL of redis must have ${wanted}.`);
}

/** The client's own timers between attempts would keep a finished process alive. */
function never(): null {
  return null;
}

function keepConnected(client: Connection): void {
  let attempts = 0;
  let isClosed = false;
  let overdue: NodeJS.Timeout | undefined;
  const connect = (): void => {
    if (isClosed) return;
    client.connect().catch(ignore);
    // Its own limit ends when TCP is connected, and then it waits for an answer for ever.
    clearTimeout(overdue);
    overdue = setTimeout(() => client.disconnect(), HANDSHAKE_TIMEOUT_MS).unref();
  };
  client.on('ready', () => {
    clearTimeout(overdue);
    attempts = 0;
  });
  client.on('end', () => {
    clearTimeout(overdue);
    attempts += 1;
    if (!isClosed) setTimeout(connect, Math.min(attempts * 20, LONGEST_RECONNECT_DELAY_MS)).unref();
  });
  client.close = () => {
    isClosed = true;
    clearTimeout(overdue);
    client.disconnect();
  };
  connect();
}

/** A connection to a cache is no reason for a process to live on. Those who wait for an answer have a timer of their own. */
function letProcessEnd(client: EventEmitter): void {
  unref(client);
  client.on('+node', unref);
}

function unref(redis: EventEmitter): void {
  redis.on('connect', () => (redis as unknown as { stream?: { unref?(): void } }).stream?.unref?.());
}

/** Redis's maxmemory is reached, and its policy lets nothing go. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && error.message.includes('OOM');
}
