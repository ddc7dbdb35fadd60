/** Clients of Redis that stay connected: to one server, to the master that sentinels name, or to a cluster. */
import type { EventEmitter } from 'node:events';
import type * as IoRedis from 'ioredis';
import { ignore, setTimeout, clearTimeout, inRootContext } from '../engine/waiting/index.js';
import { requirePeer } from '../packages/index.js';
import { type Login, parseRedisUrl, type RedisEndpoints, type RedisTarget, sentinelLogin } from './redis-url.js';
import { type MasterClient, type SentinelClient, Sentinels } from './sentinels.js';

/** A connection that is made again when it is lost. */
interface Connection extends EventEmitter {
  readonly status: string;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  /** Ends it; no new one is made. */
  close(): void;
}

/** A client of one server, of the sentinels' master, or of a cluster: what is the same for all three. */
export interface RedisConnection extends Connection, MasterClient {
  /** Asks the sentinels now. Resolves when this connection leads to the master that they name; without sentinels at once. */
  confirm(): Promise<void>;
  /** When the sentinels were last asked and named the master of this connection; `Infinity` without sentinels. */
  confirmedAt(): number;
}

/** What the clients of one user of Redis have in common. */
export interface RedisUse {
  /** Who needs the package, for the error that names it: 'The Redis tier of the cache'. */
  readonly user: string;
  /** The option that the URL was given for. Default: redis. */
  readonly option?: string;
  /** Lua scripts; each becomes a method of the client. */
  readonly scripts: Readonly<Record<string, { readonly numberOfKeys: number; readonly lua: string }>>;
  /** How long a sentinel may take to name the master, in milliseconds. */
  readonly boundMs: number;
  /** One for each client: whether commands of one turn of the event loop are sent together. */
  readonly pipelining: readonly boolean[];
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
 * Clients that connect in the background and try again without end. Their commands fail at once while they are not connected.
 *
 * @returns as many as `pipelining` has values
 * @throws PoolError `POOL_OPTION_INVALID`; Error `MODULE_NOT_FOUND` when ioredis is not installed
 */
export function connectRedis<C extends RedisConnection>(
  target: RedisTarget,
  { user, option, scripts, boundMs, pipelining }: RedisUse,
): C[] {
  const endpoints = parseRedisUrl(target, option);
  const { Redis, Cluster } = requirePeer('ioredis', user) as typeof IoRedis;
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
  const make = (enableAutoPipelining: boolean): C => {
    const withScripts = { ...common, enableAutoPipelining, scripts };
    const own = { ...once, ...shared, ...withScripts };
    switch (kind) {
      case 'cluster':
        return keptConnected(new Cluster(nodes, { ...withScripts, ...clusterOptions(shared) }) as unknown as C);
      case 'sentinel':
        return keptConnected(new Redis({ ...own, ...sentinelOptions(endpoints, login) }) as unknown as C);
      default:
        return keptConnected(new Redis({ ...own, ...nodes[0], db: path === '' ? 0 : Number(path) }) as unknown as C);
    }
  };
  const clients = pipelining.map(make);
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
    confirmBySentinels(clients, new Sentinels(watched, path, boundMs));
  } else {
    for (const one of clients) Object.assign(one, { confirm: () => Promise.resolve(), confirmedAt: () => Number.POSITIVE_INFINITY });
  }
  return clients;
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

function confirmBySentinels(clients: readonly RedisConnection[], sentinels: Sentinels): void {
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

/** A connection to Redis must not keep a process alive. A caller who waits for an answer has a timer that does. */
function letProcessEnd(client: EventEmitter): void {
  unref(client);
  client.on('+node', unref);
}

function unref(redis: EventEmitter): void {
  redis.on('connect', () => (redis as unknown as { stream?: { unref?(): void } }).stream?.unref?.());
}
