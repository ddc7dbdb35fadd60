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

  it('leave when they do not answer and no server names them any more, unless they were given', async () => {
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
    expect(cluster.node('foreign:3306').watch.reason).toBe(
      'it does not belong to this cluster: no replication links it with the other nodes',
    );
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

  it('serve while they may not say whether their replication runs', async () => {
    const servers = serversNamed('a', 'b');
    const b = servers.get('b:3306') as SimulatedServer;
    b.replicating = undefined;
    b.complaints = ['it is not known whether its replication runs: GRANT REPLICATION CLIENT ON *.* TO app'];
    const cluster = new SimulatedCluster(servers);
    await cluster.clock.advance(3_000);
    expect(cluster.node('b:3306').state).toBe('up');
    expect(cluster.roster.complaints).toEqual([`b:3306: ${b.complaints[0]}`]);
  });

  it('of Aurora are reached by the names of their instances in the domain of a given one', async () => {
    const given = 'shop.cluster-abc123.eu-west-1.rds.amazonaws.com:3306';
    const other = 'shop-2.abc123.eu-west-1.rds.amazonaws.com:3306';
    const writer = new SimulatedServer(given, true);
    const reader = new SimulatedServer(other, false);
    [writer.kind, reader.kind] = ['aurora', 'aurora'];
    [writer.serverId, reader.serverId] = ['shop-1', 'shop-2'];
    const peers = ['shop-1', 'shop-2'].map((id) => ({ host: id, port: 3306, serverId: id, role: undefined, online: true }));
    [writer.peers, reader.peers] = [peers, peers];
    const cluster = new SimulatedCluster(new Map([[given, writer]]));
    cluster.servers.set(other, reader);
    await cluster.clock.advance(3_000);
    expect(namesOf(cluster)).toEqual([given, other]);
    expect(cluster.node(other).state).toBe('up');
    expect(cluster.roster.complaints).toEqual([]);
  });

  it('of Aurora whose addresses cannot be known are named', async () => {
    const servers = serversNamed('db');
    const writer = servers.get('db:3306') as SimulatedServer;
    writer.kind = 'aurora';
    writer.peers = [{ host: 'shop-2', port: 3306, serverId: 'shop-2', role: 'reader', online: true }];
    const cluster = new SimulatedCluster(servers);
    await cluster.clock.advance(3_000);
    expect(namesOf(cluster)).toEqual(['db:3306']);
    expect(cluster.roster.complaints).toEqual([
      'the address of instance shop-2 is not known: give address(), or name it as one of the nodes.',
    ]);
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
