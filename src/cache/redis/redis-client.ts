/** Clients of Redis that stay connected: to one server, to the master that sentinels name, or to a cluster. */
import type { EventEmitter } from 'node:events';
import type * as IoRedis from 'ioredis';
import { ignore, setTimeout, clearTimeout, inRootContext } from '../../engine/waiting/index.js';
import type { RedisTarget } from '../contract/index.js';
import { requirePeer } from '../../packages/index.js';
import { type Login, parseRedisUrl, type RedisEndpoints, sentinelLogin } from './redis-url.js';
import { SCRIPTS } from './scripts.js';
import { type MasterClient, type SentinelClient, Sentinels } from './sentinels.js';

/** A connection that is made again when it is lost. */
interface Connection extends EventEmitter {
  readonly status: string;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  /** Ends it; no new one is made. */
  close(): void;
}

/** The part of the client that the cache uses: the same for one server, for the sentinels' master and for a cluster. */
export interface RedisClient extends Connection, MasterClient {
  /** Asks the sentinels now. Resolves when this connection leads to the master that they name; without sentinels at once. */
  confirm(): Promise<void>;
  /** When the sentinels were last asked and named the master of this connection; `Infinity` without sentinels. */
  confirmedAt(): number;
  /** A value, and how many milliseconds Redis still keeps it. */
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

const CONNECT_TIMEOUT_MS = 2_000;
/** The client asks the nodes of a cluster one by one for the slots. A frozen node must not delay the nodes that have replaced it. */
const SLOTS_TIMEOUT_MS = 500;
/** A frozen server never closes a connection. The client waits no longer than this, because the rest of the answers does not matter. */
const DISCONNECT_TIMEOUT_MS = 100;
/** From the first attempt until commands may be sent, by way of several sentinels or nodes where there are some. */
const HANDSHAKE_TIMEOUT_MS = 8_000;
const LONGEST_RECONNECT_DELAY_MS = 100;

/**
 * Two clients that connect in the background and try again without end. Their commands fail at once while they are not connected.
 *
 * @param boundMs how long a sentinel may take to name the master
 * @throws PoolError `POOL_OPTION_INVALID`; Error `MODULE_NOT_FOUND` when ioredis is not installed
 */
export function createRedisClients(target: RedisTarget, boundMs: number): { readonly client: RedisClient; readonly reader: RedisClient } {
  const { Redis, Cluster } = requirePeer('ioredis', 'The Redis tier of the cache') as typeof IoRedis;
  const endpoints = parseRedisUrl(target);
  const { kind, nodes, path, parameters, shared } = endpoints;
  const common = { lazyConnect: true, enableOfflineQueue: false };
  // The client's own attempts to connect again are off: their timers would keep a finished process alive.
  const once = {
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: never,
  };
  const login = sentinelLogin(parameters);
  const make = (pipelining: boolean): RedisClient => {
    const withScripts = { ...common, enableAutoPipelining: pipelining, scripts: SCRIPTS };
    const own = { ...once, ...shared, ...withScripts };
    switch (kind) {
      case 'cluster':
        return keptConnected(new Cluster(nodes, { ...withScripts, ...clusterOptions(shared) }) as unknown as RedisClient);
      case 'sentinel':
        return keptConnected(new Redis({ ...own, ...sentinelOptions(endpoints, login) }) as unknown as RedisClient);
      default:
        return keptConnected(new Redis({ ...own, ...nodes[0], db: path === '' ? 0 : Number(path) }) as unknown as RedisClient);
    }
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

function clusterOptions(shared: RedisEndpoints['shared']): IoRedis.ClusterOptions {
  return {
    redisOptions: { ...shared, connectTimeout: CONNECT_TIMEOUT_MS, disconnectTimeout: DISCONNECT_TIMEOUT_MS },
    clusterRetryStrategy: never,
    // The check asks one node at random and waits for it without a limit: a frozen node would delay the others.
    enableReadyCheck: false,
    slotsRefreshTimeout: SLOTS_TIMEOUT_MS,
  };
}

function sentinelOptions({ nodes, path, parameters, shared }: RedisEndpoints, login: Login): IoRedis.RedisOptions {
  return {
    sentinels: nodes,
    name: path,
    sentinelRetryStrategy: never,
    // The client speaks TLS with the sentinels only if one option says so, and with the master only if another does.
    ...(shared.tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: shared.tls }),
    ...(login.username === undefined ? {} : { sentinelUsername: login.username }),
    ...(login.password === undefined ? {} : { sentinelPassword: login.password }),
    ...(parameters.has('db') ? { db: Number(parameters.get('db')) } : {}),
  };
}

type SentinelConnection = SentinelClient & Connection;

function confirmBySentinels(clients: readonly RedisClient[], sentinels: Sentinels): void {
  for (const client of clients) {
    const close = client.close.bind(client);
    sentinels.watchMaster(client);
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
  // The caller of a command gets its failure. Without a listener for the event the process would end.
  connection.on('error', ignore);
  keepConnected(connection);
  return connection;
}

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
    // The client's own limit ends when TCP is connected; after that it waits for an answer without a limit.
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
  inRootContext(connect);
}

/** A connection to a cache must not keep a process alive. A caller who waits for an answer has a timer that does. */
function letProcessEnd(client: EventEmitter): void {
  unref(client);
  client.on('+node', unref);
}

function unref(redis: EventEmitter): void {
  redis.on('connect', () => (redis as unknown as { stream?: { unref?(): void } }).stream?.unref?.());
}

/** Whether Redis has reached its maxmemory and its policy evicts nothing. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && error.message.includes('OOM');
}
