import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { requireExecutable } from '../../src/demo/find-executable.js';
import { createTemporaryFolder } from '../../src/demo/temporary-folder.js';
import { freePort } from './free-port.js';
import { answersPing, type RedisServer, startRedis } from './redis-server.js';
import { type RestartableServer, startRestartableServer } from './restartable-server.js';
import { waitFor } from './wait-for.js';

const HOST = '127.0.0.1';
const SLOTS = 16_384;
const MASTERS = 3;

/** Three masters that share the slots. */
export interface RedisCluster extends AsyncDisposable {
  readonly url: string;
  readonly masters: readonly RedisServer[];
}

/** A master, its replica, and one sentinel that decides alone. */
export interface SentinelGroup extends AsyncDisposable {
  readonly url: string;
  readonly servers: readonly RedisServer[];
  /** The port of the master that the sentinel names now. */
  masterPort(): Promise<number>;
}

async function withClient<T>(port: number, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ host: HOST, port });
  client.on('error', () => undefined);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

/** Starts a Redis Cluster without replicas. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const busPorts = await Promise.all(Array.from({ length: MASTERS }, () => freePort(HOST)));
  const masters = await Promise.all(
    busPorts.map((busPort) =>
      startRedis({ arguments: ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '2000'] }),
    ),
  );
  for (const [index, { port }] of masters.entries()) {
    const first = Math.ceil((SLOTS * index) / MASTERS);
    const last = Math.ceil((SLOTS * (index + 1)) / MASTERS) - 1;
    await withClient(port, async (client) => {
      await client.call('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last));
      // Otherwise equal epochs are settled later, under the tests.
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
    });
  }
  for (const [index, { port }] of masters.entries()) {
    await withClient((masters[0] as RedisServer).port, (client) =>
      client.call('CLUSTER', 'MEET', HOST, String(port), String(busPorts[index])),
    );
  }
  for (const { port } of masters) {
    await waitFor(
      'the cluster',
      () => withClient(port, async (client) => String(await client.call('CLUSTER', 'INFO'))),
      (info) => info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${MASTERS}`),
      { timeoutMs: 20_000 },
    );
  }
  return {
    masters,
    url: `redis+cluster://${masters.map(({ host, port }) => `${host}:${port}`).join(',')}`,
    async [Symbol.asyncDispose]() {
      await Promise.all(masters.map((master) => master.stop()));
    },
  };
}

async function startSentinel(masterPort: number): Promise<RestartableServer & { readonly port: number }> {
  const command = await requireExecutable('redis-server', ['redis-server']);
  const folder = createTemporaryFolder('poolwright-sentinel');
  const port = await freePort(HOST);
  const configuration = join(folder.path, 'sentinel.conf');
  writeFileSync(
    configuration,
    [
      `bind ${HOST}`,
      `port ${port}`,
      `dir ${folder.path}`,
      `sentinel monitor main ${HOST} ${masterPort} 1`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 3000',
    ].join('\n'),
  );
  const server = await startRestartableServer({
    name: 'Redis Sentinel',
    folder,
    process: { command, arguments: [configuration, '--sentinel'], logPath: join(folder.path, 'sentinel.log'), cwd: folder.path },
    stopSignal: 'SIGTERM',
    isReady: () => answersPing(port),
  });
  return Object.assign(server, { port });
}

/** Starts a master with a replica under a sentinel, which fails over after half a second. */
export async function startSentinelGroup(): Promise<SentinelGroup> {
  const master = await startRedis({ arguments: ['--repl-diskless-sync-delay', '0'] });
  const replica = await startRedis({ arguments: ['--replicaof', `${HOST} ${master.port}`] });
  const sentinel = await startSentinel(master.port);
  const masterPort = (): Promise<number> =>
    withClient(sentinel.port, async (client) =>
      Number(((await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')) as string[])[1]),
    );
  await waitFor(
    'the sentinel to know the replica',
    () => withClient(sentinel.port, async (client) => JSON.stringify(await client.call('SENTINEL', 'REPLICAS', 'main'))),
    (replicas) => replicas.includes(String(replica.port)) && replicas.includes('"master-link-status","ok"'),
    { timeoutMs: 30_000 },
  );
  return {
    servers: [master, replica],
    url: `redis+sentinel://${HOST}:${sentinel.port}/main`,
    masterPort,
    async [Symbol.asyncDispose]() {
      await sentinel.stop();
      await Promise.all([master.stop(), replica.stop()]);
    },
  };
}
