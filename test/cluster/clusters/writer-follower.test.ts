import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../engine/support/random.js';
import { Dice } from '../../simulation/dice.js';
import { serversNamed, SimulatedCluster, type SimulatedServer } from '../support/simulated-servers.js';

/** Longer than it takes to look at every node again, and to declare one down that does not answer. */
const LONG_ENOUGH_MS = 10_000;

describe('the writer of a cluster', () => {
  it('is the only node that takes writes, once each node was heard', async () => {
    const cluster = new SimulatedCluster(serversNamed('a', 'b', 'c'));
    expect(cluster.pool.writesGoTo).toBeUndefined();
    await cluster.clock.settle();
    expect(cluster.pool.writesGoTo).toBe('a:3306');
    expect(cluster.pool.moves).toEqual(['a:3306']);
  });

  it('is not followed while a node has not answered yet, which may take writes too', async () => {
    const servers = serversNamed('a', 'b');
    (servers.get('b:3306') as SimulatedServer).frozen = true;
    const cluster = new SimulatedCluster(servers);
    await cluster.clock.advance(500);
    expect(cluster.pool.held?.reason()).toContain('b:3306 has not answered yet');
    await cluster.clock.advance(600);
    expect(cluster.pool.writesGoTo).toBe('a:3306');
  });

  it('stays the writer while it is only suspect', async () => {
    const cluster = new SimulatedCluster(serversNamed('a', 'b'));
    await cluster.clock.settle();
    cluster.serverAt('a:3306').frozen = true;
    await cluster.clock.advance(1_600);
    expect(cluster.node('a:3306').state).toBe('suspect');
    expect(cluster.pool.writesGoTo).toBe('a:3306');
    cluster.serverAt('a:3306').thaw();
    await cluster.clock.advance(2_000);
    expect(cluster.node('a:3306').state).toBe('up');
    expect(cluster.pool.moves).toEqual(['a:3306']);
  });

  it('is no server when it is down, until exactly one other takes writes', async () => {
    const cluster = new SimulatedCluster(serversNamed('a', 'b'));
    await cluster.clock.settle();
    cluster.serverAt('a:3306').alive = false;
    await cluster.clock.advance(3_000);
    expect(cluster.pool.writesGoTo).toBeUndefined();
    expect(cluster.pool.held?.reason()).toMatch(
      /^no server takes writes since \d\.\d s \(a:3306 is down: .*ECONNREFUSED.*b:3306 is a reader\)$/u,
    );
    cluster.serverAt('b:3306').writable = true;
    await cluster.clock.advance(300);
    expect(cluster.pool.writesGoTo).toBe('b:3306');
    expect(cluster.follower.changes).toBe(1);
  });

  it('is not the promoted one before the old one is declared down', async () => {
    const cluster = new SimulatedCluster(serversNamed('a', 'b'));
    await cluster.clock.settle();
    cluster.serverAt('a:3306').frozen = true;
    cluster.serverAt('b:3306').writable = true;
    await cluster.clock.advance(2_000);
    expect(cluster.node('a:3306').state).toBe('suspect');
    expect(cluster.pool.held?.reason()).toContain('b:3306 takes writes, but a:3306 was the writer before, and is not known to be down');
    await cluster.clock.advance(3_000);
    expect(cluster.pool.writesGoTo).toBe('b:3306');
  });

  it('is found within the interval of doubt after the old one has refused a write', async () => {
    const cluster = new SimulatedCluster(serversNamed('a', 'b'));
    await cluster.clock.settle();
    await cluster.clock.advance(1_100);
    cluster.serverAt('a:3306').writable = false;
    cluster.node('a:3306').watch.doubt('it refused work', true);
    await cluster.clock.settle();
    expect(cluster.pool.writesGoTo).toBeUndefined();
    cluster.serverAt('b:3306').writable = true;
    await cluster.clock.advance(300);
    expect(cluster.pool.writesGoTo).toBe('b:3306');
  });

  it('is any one where each server takes writes by design, and stays until it fails', async () => {
    const servers = serversNamed('a', 'b', 'c');
    for (const server of servers.values()) {
      server.writable = true;
      server.everyServerWrites = true;
    }
    const cluster = new SimulatedCluster(servers);
    await cluster.clock.settle();
    expect(cluster.pool.writesGoTo).toBe('a:3306');
    cluster.serverAt('a:3306').frozen = true;
    await cluster.clock.advance(1_600);
    expect(cluster.pool.writesGoTo).toBe('a:3306');
    await cluster.clock.advance(4_000);
    expect(cluster.pool.writesGoTo).toBe('b:3306');
    cluster.serverAt('a:3306').thaw();
    await cluster.clock.advance(2_000);
    expect(cluster.pool.writesGoTo).toBe('b:3306');
    cluster.serverAt('b:3306').writable = false;
    await cluster.clock.advance(2_000);
    expect(cluster.pool.writesGoTo).toBe('a:3306');
    expect(cluster.follower.ambiguous).toEqual([]);
  });

  it('is no server while two take writes, and writes are refused with both names', async () => {
    const cluster = new SimulatedCluster(serversNamed('a', 'b'));
    await cluster.clock.settle();
    cluster.serverAt('b:3306').writable = true;
    await cluster.clock.advance(1_100);
    expect(cluster.pool.writesGoTo).toBeUndefined();
    expect(cluster.follower.ambiguous).toEqual(['a:3306', 'b:3306']);
    const refusal = cluster.pool.held?.refusal?.({} as never);
    expect(refusal).toMatchObject({ code: 'POOL_WRITER_AMBIGUOUS' });
    expect(refusal?.message).toMatch(/a:3306, b:3306/u);
    cluster.serverAt('a:3306').writable = false;
    await cluster.clock.advance(300);
    expect(cluster.pool.writesGoTo).toBe('b:3306');
  });

  it('lends nothing from the moment at which it refuses a write until it was asked', async () => {
    const cluster = new SimulatedCluster(serversNamed('a', 'b'));
    await cluster.clock.settle();
    cluster.node('a:3306').watch.doubt('it refused work', true);
    expect(cluster.pool.writesGoTo).toBeUndefined();
    await cluster.clock.settle();
    // It takes writes after all.
    expect(cluster.pool.writesGoTo).toBe('a:3306');
    cluster.serverAt('a:3306').writable = false;
    cluster.node('a:3306').watch.doubt('it refused work', true);
    await cluster.clock.settle();
    expect(cluster.pool.writesGoTo).toBeUndefined();
    expect(cluster.pool.place).toBeUndefined();
  });

  it('is not the first one that is found to take writes, before the others were asked since', async () => {
    const cluster = new SimulatedCluster(serversNamed('a', 'b', 'c'));
    await cluster.clock.settle();
    cluster.serverAt('a:3306').writable = false;
    cluster.node('a:3306').watch.doubt('it refused work', true);
    await cluster.clock.advance(2_000);
    // The next writer was promoted, and an operator lets another server write, too. It happens to be looked at first.
    cluster.serverAt('b:3306').writable = true;
    cluster.serverAt('c:3306').writable = true;
    cluster.node('c:3306').watch.lookNow();
    await cluster.clock.settle();
    expect(cluster.pool.moves).toEqual(['a:3306']);
    expect(cluster.follower.ambiguous).toEqual(['b:3306', 'c:3306']);
  });

  it('waits for no word of a node that stands still, and did not take writes before', async () => {
    const cluster = new SimulatedCluster(serversNamed('a', 'b', 'c'));
    await cluster.clock.settle();
    cluster.serverAt('a:3306').writable = false;
    cluster.node('a:3306').watch.doubt('it refused work', true);
    await cluster.clock.advance(2_000);
    cluster.serverAt('b:3306').frozen = true;
    cluster.serverAt('c:3306').writable = true;
    cluster.node('c:3306').watch.lookNow();
    await cluster.clock.settle();
    expect(cluster.pool.held?.reason()).toContain('c:3306 takes writes, and b:3306 is being asked whether it does, too');
    await cluster.clock.advance(600);
    expect(cluster.pool.writesGoTo).toBe('c:3306');
  });

  it('is another one when its address leads to another server', async () => {
    const cluster = new SimulatedCluster(serversNamed('a', 'b'));
    await cluster.clock.settle();
    cluster.serverAt('a:3306').serverId = 'another server';
    await cluster.clock.advance(1_100);
    expect(cluster.pool.moves).toEqual(['a:3306', 'a:3306']);
    expect(cluster.follower.changes).toBe(1);
  });

  it('counts once when it has two addresses', async () => {
    const servers = serversNamed('a', 'alias');
    const alias = servers.get('alias:3306') as SimulatedServer;
    alias.writable = true;
    alias.serverId = (servers.get('a:3306') as SimulatedServer).serverId;
    const cluster = new SimulatedCluster(servers);
    await cluster.clock.settle();
    expect(cluster.pool.writesGoTo).toBe('a:3306');
    expect(cluster.node('alias:3306').state).toBe('unfit');
    expect(cluster.node('alias:3306').watch.reason).toBe('it is the same server as a:3306');
    cluster.serverAt('a:3306').alive = false;
    await cluster.clock.advance(3_000);
    expect(cluster.pool.writesGoTo).toBe('alias:3306');
    expect(cluster.follower.changes).toBe(0);
  });
});

function seeds(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** What may happen to a server at random. */
const HAPPENINGS: readonly ((server: SimulatedServer) => void)[] = [
  (server) => {
    server.alive = false;
  },
  (server) => {
    server.alive = true;
  },
  (server) => {
    server.writable = true;
  },
  (server) => {
    server.writable = false;
  },
  (server) => {
    server.frozen = true;
  },
  (server) => server.thaw(),
];

describe('under any events at the servers', () => {
  it.each(seeds(25))('no write goes to two of them, and one that takes writes is found, with seed %i', async (seed) => {
    const roll = new Dice(seededRandom(seed));
    const servers = serversNamed('a', 'b', 'c');
    const all = [...servers.values()];
    const cluster = new SimulatedCluster(servers);
    cluster.afterLook = () => {
      const goesTo = cluster.pool.writesGoTo;
      if (goesTo === undefined) return;
      const nodes = cluster.roster.nodes;
      // By the last answers, no other server may take writes.
      const others = nodes.filter(({ name, state, reading }) => name !== goesTo && reading?.role === 'writer' && state === 'up');
      expect(others.map(({ name }) => name)).toEqual([]);
      expect(cluster.node(goesTo).watch.role).toBe('writer');
      expect(cluster.node(goesTo).state).not.toBe('down');
    };
    cluster.pool.beforeMove = (to) => {
      // Nor in truth, as far as they answered.
      const answering = all.filter(({ name }) => ['up', 'unfit'].includes(cluster.node(name).state));
      const others = answering.filter(({ name, alive, frozen, writable }) => name !== to && alive && !frozen && writable);
      expect(others.map(({ name }) => name)).toEqual([]);
    };
    await cluster.clock.settle();
    for (let step = 0; step < 40; step += 1) {
      const server = all[roll.below(all.length)] as SimulatedServer;
      (HAPPENINGS[roll.below(HAPPENINGS.length)] as (server: SimulatedServer) => void)(server);
      await cluster.clock.advance(roll.below(2_000));
      if (roll.below(4) > 0) continue;
      await cluster.clock.advance(LONG_ENOUGH_MS);
      const writable = all.filter(({ alive, frozen, writable: takes }) => alive && !frozen && takes);
      const [only] = writable;
      expect(cluster.pool.writesGoTo).toBe(writable.length === 1 ? only?.name : undefined);
      expect(cluster.pool.held?.refusal !== undefined).toBe(writable.length > 1);
    }
    await cluster.roster.end();
    await cluster.clock.settle();
    expect(cluster.clock.pendingTimers).toBe(0);
  });
});
