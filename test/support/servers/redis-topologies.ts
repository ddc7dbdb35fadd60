import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { requireExecutable } from '../../../src/demo/find-executable.js';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { freePort } from '../network/free-port.js';
import { answersPing, type RedisServer, startRedis } from './redis-server.js';
import { type RestartableServer, startRestartableServer } from './restartable-server.js';
import { waitFor } from '../wait-for.js';

const HOST = '127.0.0.1';
const SLOTS = 16_384;
const MASTERS = 3;

/** Three masters that share the slots. */
export interface RedisCluster extends AsyncDisposable {
  readonly url: string;
  readonly masters: readonly RedisServer[];
  /** The port of the server that has this key now, as a server that is not concerned says. */
  portOf(key: string): Promise<number>;
}

/** A master, its replica, and sentinels. */
export interface SentinelGroup extends AsyncDisposable {
  readonly url: string;
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly RestartableServer[];
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

function clusterArguments(busPort: number): string[] {
  const settings = `--cluster-enabled yes --cluster-port ${busPort} --cluster-node-timeout 2000 --repl-diskless-sync-delay 0`;
  return settings.split(' ');
}

/** Starts a Redis Cluster without replicas, or with one of the master that has the key `replicated`. */
export async function startRedisCluster({ replicated }: { readonly replicated?: string } = {}): Promise<RedisCluster> {
  const busPorts = await Promise.all(Array.from({ length: replicated === undefined ? MASTERS : MASTERS + 1 }, () => freePort(HOST)));
  const servers = await Promise.all(busPorts.map((busPort) => startRedis({ arguments: clusterArguments(busPort) })));
  const masters = servers.slice(0, MASTERS);
  const slots: (readonly [first: number, last: number])[] = masters.map((_, index) => [
    Math.ceil((SLOTS * index) / MASTERS),
    Math.ceil((SLOTS * (index + 1)) / MASTERS) - 1,
  ]);
  for (const [index, { port }] of masters.entries()) {
    await withClient(port, async (client) => {
      await client.call('CLUSTER', 'ADDSLOTSRANGE', ...(slots[index] as readonly [number, number]).map(String));
      // Otherwise equal epochs are settled later, under the tests.
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
    });
  }
  for (const [index, { port }] of servers.entries()) {
    await withClient((masters[0] as RedisServer).port, (client) =>
      client.call('CLUSTER', 'MEET', HOST, String(port), String(busPorts[index])),
    );
  }
  for (const { port } of servers) {
    await waitFor(
      'the cluster',
      () => withClient(port, async (client) => String(await client.call('CLUSTER', 'INFO'))),
      (info) => info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${servers.length}`),
    );
  }
  const owner = async (key: string): Promise<RedisServer> => {
    const slot = await withClient((masters[0] as RedisServer).port, async (client) => Number(await client.call('CLUSTER', 'KEYSLOT', key)));
    return masters[slots.findIndex(([first, last]) => first <= slot && slot <= last)] as RedisServer;
  };
  if (replicated !== undefined) await follow(servers[MASTERS] as RedisServer, await owner(replicated));
  return {
    masters,
    url: `redis+cluster://${masters.map(({ host, port }) => `${host}:${port}`).join(',')}`,
    async portOf(key) {
      const first = await owner(key);
      const bystander = masters.find((master) => master !== first) as RedisServer;
      return await withClient(bystander.port, async (client) => {
        const slot = Number(await client.call('CLUSTER', 'KEYSLOT', key));
        const ranges = (await client.call('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
        return ranges.find(([from, to]) => from <= slot && slot <= to)?.[2][1] ?? 0;
      });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

async function follow(replica: RedisServer, master: RedisServer): Promise<void> {
  const id = await withClient(master.port, async (client) => String(await client.call('CLUSTER', 'MYID')));
  await withClient(replica.port, (client) => client.call('CLUSTER', 'REPLICATE', id));
  await waitFor(
    'the replica to have what the master has',
    () => withClient(replica.port, (client) => client.info('replication')),
    (info) => info.includes('master_link_status:up'),
  );
}

/** Starts a sentinel over the master `main`, which so many of its kind must find down. */
export async function startSentinel(
  masterPort: number,
  quorum: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<RestartableServer & { readonly port: number }> {
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
      ...Object.entries(settings).map(([name, value]) => `${name} ${value}`),
      `sentinel monitor main ${HOST} ${masterPort} ${quorum}`,
      // Not sooner: on a busy machine one that lives may be silent for a while.
      'sentinel down-after-milliseconds main 1500',
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

/** Starts a master with a replica under sentinels, which fail over after a second and a half. */
export async function startSentinelGroup({ sentinels: count = 1 }: { readonly sentinels?: number } = {}): Promise<SentinelGroup> {
  const master = await startRedis({ arguments: ['--repl-diskless-sync-delay', '0'] });
  const replica = await startRedis({ arguments: ['--replicaof', `${HOST} ${master.port}`] });
  const quorum = Math.floor(count / 2) + 1;
  const sentinels = await Promise.all(Array.from({ length: count }, () => startSentinel(master.port, quorum)));
  const asked = (sentinels[0] as { readonly port: number }).port;
  const masterPort = (): Promise<number> =>
    withClient(asked, async (client) => Number(((await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')) as string[])[1]));
  await waitFor(
    'the sentinels to know the replica and each other',
    () =>
      withClient(asked, async (client) =>
        JSON.stringify([await client.call('SENTINEL', 'REPLICAS', 'main'), await client.call('SENTINEL', 'MASTER', 'main')]),
      ),
    (known) =>
      known.includes(`"${replica.port}"`) &&
      known.includes('"master-link-status","ok"') &&
      known.includes(`"num-other-sentinels","${count - 1}"`),
  );
  return {
    servers: [master, replica],
    sentinels,
    url: `redis+sentinel://${sentinels.map(({ port }) => `${HOST}:${port}`).join(',')}/main`,
    masterPort,
    async [Symbol.asyncDispose]() {
      await Promise.all(sentinels.map((sentinel) => sentinel.stop()));
      await Promise.all([master.stop(), replica.stop()]);
    },
  };
}
