import { describe, expect, it } from 'vitest';
import type { Peer } from '../../../src/cluster/contract/index.js';
import { serversNamed, SimulatedCluster, SimulatedServer } from '../support/simulated-servers.js';

function peer(server: SimulatedServer, given: Partial<Peer> = {}): Peer {
  const [host, port] = server.name.split(':') as [string, string];
  return { host, port: Number(port), serverId: server.serverId, role: undefined, online: true, ...given };
}

function namesOf(cluster: SimulatedCluster): readonly string[] {
  return cluster.roster.nodes.map(({ name }) => name);
}

/** A source with a replica that is not given, and knows its source. */
function sourceAndReplica() {
  const servers = serversNamed('a');
  const a = servers.get('a:3306') as SimulatedServer;
  const b = new SimulatedServer('b:3306', false);
  a.peers = [peer(b)];
  b.peers = [peer(a)];
  return { servers, a, b };
}

describe('the nodes of a cluster', () => {
  it('are joined by those that they name, once each', async () => {
    const { servers, b } = sourceAndReplica();
    const cluster = new SimulatedCluster(new Map(servers));
    cluster.servers.set('b:3306', b);
    await cluster.clock.advance(3_000);
    expect(namesOf(cluster)).toEqual(['a:3306', 'b:3306']);
    expect(cluster.changes.filter(([what]) => what === 'node-joined')).toEqual([['node-joined', 'b:3306']]);
    expect(cluster.pool.writesGoTo).toBe('a:3306');
  });

  it('are only those that were given when discovery is static', async () => {
    const { servers } = sourceAndReplica();
    const cluster = new SimulatedCluster(servers, { discovery: 'static' });
    await cluster.clock.advance(3_000);
    expect(namesOf(cluster)).toEqual(['a:3306']);
  });

  it('are reached where address() says, or not at all', async () => {
    const { servers, a, b } = sourceAndReplica();
    const hidden = new SimulatedServer('hidden:3306', false);
    a.peers = [peer(b, { host: '10.0.0.7' }), peer(hidden), peer(new SimulatedServer('odd:3306', false))];
    const cluster = new SimulatedCluster(new Map(servers), {
      address: ({ host, port }) => {
        if (host === 'odd') throw new Error('what is odd?');
        return host === '10.0.0.7' ? { host: 'b', port } : undefined;
      },
    });
    cluster.servers.set('b:3306', b);
    await cluster.clock.advance(3_000);
    expect(namesOf(cluster)).toEqual(['a:3306', 'b:3306']);
    expect(cluster.roster.complaints).toEqual(['address() failed for odd:3306: what is odd?']);
  });

  it('leave when they do not answer and nobody names them any more, unless they were given', async () => {
    const { servers, a, b } = sourceAndReplica();
    const c = new SimulatedServer('c:3306', false);
    servers.set('c:3306', c);
    c.peers = [peer(a), peer(c)];
    const cluster = new SimulatedCluster(new Map(servers));
    cluster.servers.set('b:3306', b);
    await cluster.clock.advance(3_000);
    b.alive = false;
    c.alive = false;
    a.peers = [peer(a)];
    await cluster.clock.advance(30_000);
    expect(namesOf(cluster)).toEqual(['a:3306', 'c:3306']);
    expect(cluster.node('c:3306').state).toBe('down');
  });

  it('must be linked with the others: a replica of another source serves nothing', async () => {
    const servers = serversNamed('a', 'b', 'foreign');
    const [a, b, foreign] = [...servers.values()] as [SimulatedServer, SimulatedServer, SimulatedServer];
    a.peers = [peer(b)];
    b.peers = [peer(a)];
    foreign.peers = [peer(new SimulatedServer('elsewhere:3306', true), { online: false })];
    const cluster = new SimulatedCluster(servers);
    await cluster.clock.advance(3_000);
    expect(cluster.node('b:3306').state).toBe('up');
    expect(cluster.node('foreign:3306').state).toBe('unfit');
    expect(cluster.node('foreign:3306').watch.reason).toBe('it is not of this cluster: no replication links it with the other nodes');
    expect(cluster.pool.writesGoTo).toBe('a:3306');
  });

  it('serve nothing while their replication does not run', async () => {
    const servers = serversNamed('a', 'b');
    (servers.get('b:3306') as SimulatedServer).replicating = false;
    const cluster = new SimulatedCluster(servers);
    await cluster.clock.advance(3_000);
    expect(cluster.node('b:3306').state).toBe('unfit');
    expect(cluster.node('b:3306').watch.reason).toBe('its replication does not run');
  });

  it('are suspect within two intervals when they stand still, and down when they do not answer again and again', async () => {
    const cluster = new SimulatedCluster(serversNamed('a', 'b'));
    await cluster.clock.settle();
    const node = cluster.node('b:3306');
    cluster.serverAt('b:3306').frozen = true;
    await cluster.clock.advance(1_600);
    expect(node.state).toBe('suspect');
    await cluster.clock.advance(4_000);
    expect(node.state).toBe('down');
    cluster.serverAt('b:3306').thaw();
    await cluster.clock.advance(1_000);
    expect(node.state).toBe('up');
  });

  it('are looked at once in an interval, and more often in doubt', async () => {
    const cluster = new SimulatedCluster(serversNamed('a', 'b'));
    let looks = 0;
    cluster.afterLook = () => {
      looks += 1;
    };
    await cluster.clock.settle();
    looks = 0;
    await cluster.clock.advance(10_000);
    expect(looks).toBe(20);
    cluster.serverAt('a:3306').writable = false;
    await cluster.clock.advance(1_000);
    looks = 0;
    await cluster.clock.advance(10_000);
    expect(looks).toBe(80);
  });
});
