/** What the monitoring server shows of a cluster: its servers, who writes, what changed, where reads go; to peers, too. */

import { describe, expect, it } from 'vitest';
import type { LiveSnapshot, TopologyReport } from '../../src/monitor/api/router.js';
import type { MonitoringServer } from '../../src/monitor/server/server.js';
import { pools } from '../../src/mysql/registry.js';
import { shownTopology } from '../../src/monitor/live/index.js';
import { outcomeOf, openPool } from '../support/pool-on-database.js';
import { waitFor } from '../support/wait-for.js';
import { errorOf, procedures } from './support/call.js';
import { scriptedCluster } from './support/scripted-cluster.js';
import { serve } from './support/serve.js';

const LONG = { intervalMs: 20 };

async function topologyAt(url: string, token?: string): Promise<TopologyReport> {
  const response = await fetch(`${url}/monitoring.topology`, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  return ((await response.json()) as { readonly result: { readonly data: TopologyReport } }).result.data;
}

async function firstOf(feed: AsyncIterable<LiveSnapshot>, isIt: (snapshot: LiveSnapshot) => boolean): Promise<LiveSnapshot> {
  for await (const snapshot of feed) if (isIt(snapshot)) return snapshot;
  throw new Error('The feed has ended.');
}

async function readyz({ url }: MonitoringServer) {
  const response = await fetch(`${url}/readyz`);
  const { pools: of } = (await response.json()) as {
    readonly pools: readonly {
      readonly pool: string;
      readonly status: string;
      readonly problems: readonly { readonly message: string }[];
    }[];
  };
  const shop = of.find(({ pool }) => pool === 'shop');
  return { code: response.status, status: shop?.status, says: (shop?.problems ?? []).map(({ message }) => message).join('; '), pools: of };
}

describe('monitoring.topology', () => {
  it('shows which servers are in the cluster, who takes writes, what changed, and where reads went', async () => {
    await using cluster = await scriptedCluster();
    const { db, servers, untilSeen } = cluster;
    await using server = await serve({ pools: db });
    await db.reader.query('SELECT 1');
    await db.query({ sql: 'SELECT 1', route: 'reader', consistency: 'strong' });
    servers[1].lagMs = 12_000;
    servers[2].alive = false;
    await untilSeen('a lost replica', ({ nodes }) => nodes[2]?.state === 'down' && nodes[1]?.lagMs === 12_000);

    const { available, topology } = await topologyAt(`${server.url}/api/trpc`);
    expect(available).toBe(true);
    expect(topology).toMatchObject({
      name: 'shop',
      discovery: 'static',
      writer: servers[0].name,
      ambiguous: [],
      nodesLeftOut: 0,
      withoutWriterMs: 0,
      writerChanges: 0,
      nodes: [
        {
          name: servers[0].name,
          host: 'db-1',
          role: 'writer',
          state: 'up',
          reason: null,
          lagMs: 0,
          latencyMs: expect.any(Number) as number,
        },
        { name: servers[1].name, host: 'db-2', role: 'reader', state: 'up', reason: null, lagMs: 12_000 },
        { name: servers[2].name, host: 'db-3', role: 'reader', state: 'down', reason: expect.stringContaining('ECONNREFUSED') as string },
      ],
      reads: { consistency: 'session', maxLag: 1_000, fallback: 'writer', counts: { 'reader:fit': 1, 'writer:strong': 1 } },
    });
    const [last] = topology!.changes;
    expect(last).toMatchObject({ what: 'state', message: expect.stringContaining(`${servers[2].name} is down`) as string });
    expect(topology!.nodes[2]!.since).toBeLessThanOrEqual(Date.now());
    expect(JSON.stringify(topology)).not.toContain(cluster.database.password);
    expect(JSON.stringify(topology)).not.toContain(cluster.database.user);
  });

  it('is in the live feed, also for a cluster that is found among all pools of the process', async () => {
    await using cluster = await scriptedCluster();
    await using plain = await openPool({ name: 'plain' });
    await using server = await serve({ pools });
    const stop = new AbortController();
    const feed = await procedures({ pools }).live();
    const snapshot = await firstOf(
      (async function* unwrapped() {
        for await (const message of feed as AsyncIterable<readonly [string, LiveSnapshot, symbol]>) yield message[1];
      })(),
      (one) => one.pools.length >= 2,
    );
    stop.abort();
    expect(snapshot.pools.find(({ name }) => name === 'shop')?.topology).toMatchObject({ writer: cluster.servers[0].name });
    expect(snapshot.pools.find(({ name }) => name === plain.pool.name)?.topology).toBeNull();
    expect((await topologyAt(`${server.url}/api/trpc`)).topology?.name).toBe('shop');
  });

  it('says that a pool is no cluster, and that there is no such pool', async () => {
    await using plain = await openPool({ name: 'plain' });
    const call = procedures({ pools: plain.pool });
    expect(await call.topology()).toEqual({ available: false, topology: null });
    expect(await call.topology({ pool: 'plain' })).toEqual({ available: false, topology: null });
    expect(await errorOf(call.topology({ pool: 'other' }))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is asked of another process through this one', async () => {
    await using cluster = await scriptedCluster();
    await using other = await serve({ pools: cluster.db, token: 'to-read', operateToken: 'to-operate' });
    await using server = await serve({ pools: [], token: 'to-read', operateToken: 'to-operate', peers: [other.url] });
    const { topology } = await topologyAt(`${server.url}/api/peers/0/trpc`, 'to-read');
    expect(topology?.writer).toBe(cluster.servers[0].name);
    expect((await topologyAt(`${server.url}/api/trpc`, 'to-read')).available).toBe(false);
  });

  it('stays small, however many servers there are and no matter what they say', async () => {
    await using cluster = await scriptedCluster();
    const { db } = cluster;
    const stats = db.clusterStats();
    const long = 'x'.repeat(10_000);
    const node = { ...stats.topology.nodes[1]!, reason: long, state: 'suspect' as const };
    const topology = {
      ...stats.topology,
      nodes: [...Array.from({ length: 500 }, (_, index) => ({ ...node, name: `r-${index}:3306` })), stats.topology.nodes[0]!],
      complaints: Array.from({ length: 500 }, () => long),
      changes: Array.from({ length: 500 }, (_, at) => ({ at, what: 'state' as const, message: long })),
    };
    const many = {
      topology: () => topology,
      nodePools: [],
      clusterOptions: db.clusterOptions,
      clusterStats: () => ({ ...stats, topology }),
      readStats: () => db.readStats(),
    };
    const shown = shownTopology(many as unknown as typeof db)!;
    expect(shown.nodes).toHaveLength(50);
    expect(shown.nodesLeftOut).toBe(451);
    expect(shown.nodes[0]!.name).toBe(stats.topology.writer);
    expect(shown.changes[0]!.at).toBe(499);
    expect(JSON.stringify(shown).length).toBeLessThan(60_000);
  });
});

describe('/readyz of a cluster', () => {
  it('says what the verdict says: without a writer it is not ready, without a replica it is degraded', async () => {
    await using cluster = await scriptedCluster({ reads: { consistency: 'bounded', maxLag: 1_000 } });
    const { db, servers, untilSeen } = cluster;
    await using server = await serve({ pools });
    await db.reader.query('SELECT 1');
    expect(await readyz(server)).toMatchObject({ code: 200, status: 'healthy' });

    // Of a replica's own pool: others serve the reads.
    for (const [name, pool] of pools()) if (name.startsWith('shop/reader@')) pool.suspend();
    expect(await readyz(server)).toMatchObject({
      code: 200,
      pools: expect.arrayContaining([expect.objectContaining({ status: 'degraded' })]) as unknown,
    });
    for (const [name, pool] of pools()) if (name.startsWith('shop/reader@')) pool.resume();

    for (const replica of [servers[1], servers[2]]) replica.lagMs = 12_000;
    await untilSeen('the lag', ({ nodes }) => nodes.filter(({ lagMs }) => lagMs === 12_000).length === 2);
    expect(await readyz(server)).toMatchObject({
      code: 200,
      status: 'degraded',
      says: `${servers[1].name} lags by 12 s, ${servers[2].name} lags by 12 s; reads go to the writer`,
    });

    servers[1].lagMs = 0;
    servers[0].alive = false;
    await untilSeen('that there is no writer', ({ writer }) => writer === undefined);
    const waiting = outcomeOf(db.query({ sql: 'SELECT 1', signal: AbortSignal.timeout(60_000) }));
    await waitFor('the caller to wait', () => db.summary().waiting === 1, Boolean, LONG);
    expect(await readyz(server)).toMatchObject({
      code: 503,
      status: 'unhealthy',
      says: expect.stringMatching(/^no server takes writes since \d\d:\d\d:\d\d; 1 caller waits/) as string,
    });
    const { message } = await procedures({ pools: db }).connectionPoolHealth();
    expect(message).toMatch(/^no server takes writes since/);

    servers[0].alive = true;
    await waiting;
    servers[1].writable = true;
    await untilSeen('two writers', ({ ambiguous }) => ambiguous.length === 2);
    expect(await readyz(server)).toMatchObject({
      code: 503,
      says: expect.stringContaining(
        `two servers take writes: ${servers[0].name}, ${servers[1].name}; writes are refused until one of them is read-only`,
      ) as string,
    });
  });
});
