/** A replica that was away: what it had is not what it has. */
import { expect, it } from 'vitest';
import type { NodeReading, NodeState } from '../../../src/cluster/contract/index.js';
import { Position } from '../../../src/cluster/position/index.js';
import { type ReadableNode, ReadRouter, WriteLog } from '../../../src/cluster/reading/index.js';
import { FakeClock } from '../../engine/support/fake-clock.js';

const INTERVAL_MS = 1_000;
const READING: NodeReading = {
  serverId: 'b',
  version: '10.11.18-MariaDB',
  role: 'reader',
  lagMs: 0,
  replicating: true,
  executed: '0-1-1',
  commitsInOrder: true,
  peers: [],
  complaints: [],
};

/** A node as a test says it is. */
class TestNode implements ReadableNode {
  state: NodeState = 'up';
  reading: NodeReading;
  readonly latencyMs = 1;
  watch = { reason: undefined, askedAt: 0, readAt: 0 };

  constructor(
    readonly name: string,
    role: NodeReading['role'],
  ) {
    this.reading = { ...READING, role, serverId: name };
  }

  readPool(): never {
    throw new Error('bug: nothing is read');
  }

  doubt(): void {}
}

class Cluster {
  readonly clock = new FakeClock();
  readonly writes = new WriteLog();
  readonly writer = new TestNode('a', 'writer');
  readonly replica = new TestNode('b', 'reader');
  readonly router: ReadRouter;

  constructor() {
    const reads = { consistency: 'session', maxLag: 200, fallback: 'writer', waitTimeout: 1_000 } as const;
    const monitor = { interval: INTERVAL_MS, timeout: 1_000 };
    const settings = { name: 'shop', reads, monitor, connectTimeout: 1_000, writer: undefined as never };
    this.router = new ReadRouter(settings, this.writes, this.clock);
  }

  /** Some time later, a look at a node has ended. */
  async look(node: TestNode, reading: Partial<NodeReading>, state: NodeState = 'up'): Promise<void> {
    await this.clock.advance(100);
    node.state = state;
    if (state === 'up') {
      node.reading = { ...node.reading, ...reading };
      node.watch = { reason: undefined, askedAt: this.clock.now(), readAt: this.clock.now() };
    }
    this.router.looked([this.writer, this.replica], this.writer);
  }

  /** How a read is served: by the replica, by it once it has come to the position, or by the writer for a reason. */
  served(consistency: 'session' | 'bounded' = 'session'): string {
    const wish = this.router.wishOf({ consistency });
    const choice = this.router.choose(wish, this.router.requiredBy(wish), undefined);
    if (choice.target === undefined) return choice.reason;
    return choice.wait === undefined ? choice.target.node.name : `${choice.target.node.name}, which waits`;
  }

  /** A read has waited until the replica had what was written. */
  replicaReached(position: string): void {
    const choice = this.router.choose(this.router.wishOf({ consistency: 'eventual' }), undefined, undefined);
    choice.target?.reached(Position.parse(position));
  }
}

async function withWriteThatReplicaReached(): Promise<Cluster> {
  const cluster = new Cluster();
  await cluster.look(cluster.writer, { executed: '0-1-5' });
  await cluster.look(cluster.replica, { executed: '0-1-5' });
  cluster.writes.committed('0-1-9');
  expect(cluster.served()).toBe('b, which waits');
  cluster.replicaReached('0-1-9');
  expect(cluster.served()).toBe('b');
  return cluster;
}

it('a replica that a read has waited for keeps the position until the next look shows it', async () => {
  const cluster = await withWriteThatReplicaReached();
  // It was asked before the wait was over.
  cluster.replica.watch = { reason: undefined, askedAt: cluster.clock.now() - 50, readAt: cluster.clock.now() };
  cluster.replica.reading = { ...cluster.replica.reading, executed: '0-1-7' };
  cluster.router.looked([cluster.writer, cluster.replica], cluster.writer);
  expect(cluster.served()).toBe('b');
  await cluster.look(cluster.replica, { executed: '0-1-9' });
  expect(cluster.served()).toBe('b');
});

it('a replica that is restored to before a position that reads had waited for is asked to come to it again', async () => {
  const cluster = await withWriteThatReplicaReached();
  await cluster.look(cluster.replica, {}, 'suspect');
  // Further than at its last look, and not as far as it was.
  await cluster.look(cluster.replica, { executed: '0-1-7' });
  expect(cluster.served()).toBe('b, which waits');
});

it('the same when no look has met it while it was away', async () => {
  const cluster = await withWriteThatReplicaReached();
  await cluster.look(cluster.replica, { executed: '0-1-7' });
  expect(cluster.served()).toBe('writer:no-reader');
  await cluster.look(cluster.writer, { executed: '0-1-10' });
  await cluster.look(cluster.replica, { executed: '0-1-8' });
  expect(cluster.served()).toBe('writer:no-reader');
  await cluster.look(cluster.replica, { executed: '0-1-10' });
  expect(cluster.served()).toBe('b');
});

it.each([
  ['was not in reach', {}, 'down'],
  ['did not replicate', { replicating: false, lagMs: undefined }, 'up'],
] as const)('a replica that %s serves bounded reads when it has what the writer had after it came back', async (_, reading, state) => {
  const cluster = new Cluster();
  await cluster.look(cluster.writer, { executed: '0-1-5' });
  await cluster.look(cluster.replica, { executed: '0-1-5' });
  expect(cluster.served('bounded')).toBe('b');
  await cluster.look(cluster.replica, reading, state);
  await cluster.look(cluster.writer, { executed: '0-1-50' });
  // Connected a moment ago, it has learned of nothing that it lacks.
  await cluster.look(cluster.replica, { executed: '0-1-5', replicating: true, lagMs: 0 });
  expect(cluster.served('bounded')).toBe('writer:lag');
  // What it had to hear before it came back is not enough.
  await cluster.look(cluster.replica, { executed: '0-1-50' });
  expect(cluster.served('bounded')).toBe('writer:lag');
  await cluster.look(cluster.writer, { executed: '0-1-60' });
  await cluster.look(cluster.replica, { executed: '0-1-60' });
  expect(cluster.served('bounded')).toBe('b');
});

it('what a lost writer had is not asked of replicas that come back', async () => {
  const cluster = new Cluster();
  await cluster.look(cluster.writer, { executed: '0-1-5' });
  await cluster.look(cluster.replica, { executed: '0-1-5' });
  await cluster.look(cluster.replica, {}, 'down');
  await cluster.look(cluster.replica, {});
  await cluster.look(cluster.writer, { executed: '0-1-100' });
  expect(cluster.served('bounded')).toBe('writer:lag');
  await cluster.look(cluster.writer, { serverId: 'c', executed: '0-3-60' });
  await cluster.look(cluster.replica, { executed: '0-3-60' });
  expect(cluster.served('bounded')).toBe('b');
});
