import { describe, expect, it } from 'vitest';
import { type Cluster, makeCluster } from '../../src/cluster/clusters/index.js';
import { nodeName } from '../../src/cluster/monitoring/index.js';
import { registerPoolMetrics } from '../../src/telemetry/prometheus.js';
import { serversNamed, SimulatedLooker, type SimulatedServer } from '../cluster/support/simulated-servers.js';
import { complaintsOf } from '../monitor/support/promtool.js';
import { samplesOf } from '../monitor/support/exposition.js';
import { waitFor } from '../support/wait-for.js';

interface Simulated {
  readonly db: Cluster & AsyncDisposable;
  readonly servers: ReadonlyMap<string, SimulatedServer>;
  server(name: string): SimulatedServer;
  samples(): Promise<ReadonlyMap<string, number>>;
}

/** A cluster whose servers are simulated, looked at every 20 ms. */
function simulated(...names: readonly string[]): Simulated {
  const servers = serversNamed(...names);
  const server = (name: string): SimulatedServer => {
    const found = servers.get(name);
    if (found === undefined) throw new Error(`There is no server at ${name}.`);
    return found;
  };
  const made = makeCluster(
    {
      name: 'shop',
      nodes: [...servers.keys()].map((name) => `mysql://app@${name}/shop`),
      ssl: false,
      minIdle: 0,
      monitor: { interval: 20, intervalInDoubt: 20 },
    },
    {},
    ({ endpoint }) => new SimulatedLooker(server(nodeName(endpoint))),
  );
  const registry = registerPoolMetrics({ pools: [made] });
  const db = Object.assign(made, { [Symbol.asyncDispose]: () => made.end() });
  return { db, servers, server, samples: async () => samplesOf(await registry.metrics()) };
}

const sampled = (cluster: Simulated, name: string, value: number | undefined): Promise<unknown> =>
  waitFor(
    `${name} = ${value}`,
    () => cluster.samples(),
    (samples) => samples.get(name) === value,
  );

describe('the metrics of a cluster', () => {
  it('say who may serve, who lags, and who writes', async () => {
    const cluster = simulated('a', 'b');
    await using db = cluster.db;
    cluster.server('b:3306').lagMs = 2_500;
    await sampled(cluster, 'poolwright_node_lag_seconds{cluster="shop",node="b:3306"}', 2.5);
    await sampled(cluster, 'poolwright_node_up{cluster="shop",node="a:3306",role="writer"}', 1);
    await sampled(cluster, 'poolwright_node_up{cluster="shop",node="b:3306",role="reader"}', 1);
    await sampled(cluster, 'poolwright_node_lag_seconds{cluster="shop",node="a:3306"}', 0);
    await sampled(cluster, 'poolwright_cluster_writers{cluster="shop"}', 1);
    await sampled(cluster, 'poolwright_cluster_without_writer_seconds{cluster="shop"}', 0);
    await sampled(cluster, 'poolwright_cluster_max_lag_seconds{cluster="shop"}', 1);
    await sampled(cluster, 'poolwright_cluster_writer_changes_total{cluster="shop"}', 0);
    await sampled(cluster, 'poolwright_reads_total{cluster="shop",reason="no-reader",route="writer"}', 0);
    await sampled(cluster, 'poolwright_read_waits_seconds_count{cluster="shop"}', 0);
    const registry = registerPoolMetrics({ pools: [db] });
    expect(await complaintsOf(await registry.metrics())).toBe('');
  });

  it('distinguish no writer from two, and count changes of the writer', async () => {
    const cluster = simulated('a', 'b');
    await using _db = cluster.db;
    await sampled(cluster, 'poolwright_cluster_writers{cluster="shop"}', 1);
    cluster.server('b:3306').writable = true;
    await sampled(cluster, 'poolwright_cluster_writers{cluster="shop"}', 2);
    cluster.server('a:3306').writable = false;
    cluster.server('b:3306').writable = false;
    await sampled(cluster, 'poolwright_cluster_writers{cluster="shop"}', 0);
    const samples = await cluster.samples();
    expect(samples.get('poolwright_cluster_without_writer_seconds{cluster="shop"}')).toBeGreaterThan(0);
    cluster.server('b:3306').writable = true;
    await sampled(cluster, 'poolwright_cluster_writer_changes_total{cluster="shop"}', 1);
    // One series for each node: that of its role before is gone.
    const up = [...(await cluster.samples()).keys()].filter((name) => name.startsWith('poolwright_node_up'));
    expect(up).toHaveLength(2);
  });

  it('have none of a node that has left, and no lag of one that is down', async () => {
    const cluster = simulated('a', 'b');
    await using _db = cluster.db;
    const b = cluster.server('b:3306');
    const joined = { host: 'c', port: 3306, serverId: 'id of c:3306', role: 'reader', online: true } as const;
    (cluster.servers as Map<string, SimulatedServer>).set('c:3306', serversNamed('x', 'c').get('c:3306') as SimulatedServer);
    for (const name of ['a:3306', 'b:3306']) cluster.server(name).peers = [joined, peer('a'), peer('b')];
    await sampled(cluster, 'poolwright_node_up{cluster="shop",node="c:3306",role="reader"}', 1);
    for (const name of ['a:3306', 'b:3306']) cluster.server(name).peers = [peer('a'), peer('b')];
    cluster.server('c:3306').alive = false;
    await sampled(cluster, 'poolwright_node_up{cluster="shop",node="c:3306",role="reader"}', undefined);
    b.alive = false;
    await sampled(cluster, 'poolwright_node_lag_seconds{cluster="shop",node="b:3306"}', undefined);
    const samples = await cluster.samples();
    expect(samples.get('poolwright_node_up{cluster="shop",node="b:3306",role="reader"}')).toBe(0);
    expect([...samples.keys()].filter((name) => name.includes('node="c:3306"'))).toEqual([]);
  });

  it('name the pools over which nodes are read after their cluster', async () => {
    const cluster = simulated('a', 'b');
    await using db = cluster.db;
    await sampled(cluster, 'poolwright_cluster_writers{cluster="shop"}', 1);
    db.nodes[1]?.readPool();
    const samples = await cluster.samples();
    expect(samples.get('poolwright_connections_limit{pool="shop/reader@b:3306"}')).toBe(db.options.connectionLimit);
    expect(samples.get('poolwright_connections_limit{pool="shop"}')).toBe(db.options.connectionLimit);
  });
});

function peer(host: string) {
  return { host, port: 3306, serverId: `id of ${host}:3306`, role: undefined, online: true } as const;
}
