import { expect, it } from 'vitest';
import type { NodeReading } from '../../../src/cluster/contract/index.js';
import { type ReadableNode, ReadRouter, WriteLog } from '../../../src/cluster/reading/index.js';
import { FakeClock } from '../../engine/support/fake-clock.js';

const INTERVAL_MS = 1_000;
const MAX_LAG_MS = 200;

const READING: NodeReading = {
  serverId: 'b',
  version: '9.7.4',
  role: 'reader',
  lagMs: 0,
  replicating: true,
  executed: undefined,
  commitsInOrder: true,
  peers: [],
  complaints: [],
};

/** A router whose only replica was last looked at when it was so far behind. */
function routerWith(lagMs: number) {
  const clock = new FakeClock();
  const reads = { consistency: 'bounded', maxLag: MAX_LAG_MS, fallback: 'writer', waitTimeout: 1_000 } as const;
  const monitor = { interval: INTERVAL_MS, timeout: 1_000 };
  const cluster = { name: 'shop', reads, monitor, connectTimeout: 1_000, writer: undefined as never };
  const router = new ReadRouter(cluster, new WriteLog(), clock);
  const at = clock.now();
  const node: ReadableNode = {
    name: 'b:3306',
    state: 'up',
    reading: { ...READING, lagMs },
    latencyMs: 1,
    watch: { reason: undefined, askedAt: at, readAt: at },
    readPool: () => {
      throw new Error('bug: nothing is read');
    },
    doubt: () => undefined,
  };
  router.looked([node], undefined);
  const reason = (): string => {
    const choice = router.choose(router.wishOf(undefined), undefined, undefined);
    return choice.target === undefined ? choice.reason : choice.target.node.name;
  };
  return { clock, reason };
}

it('a replica serves bounded reads for as long as it cannot be further behind than the bound and one interval', async () => {
  const { clock, reason } = routerWith(0);
  await clock.advance(INTERVAL_MS + MAX_LAG_MS);
  expect(reason()).toBe('b:3306');
  // Such as a process that was stalled, and reads before it looks again.
  await clock.advance(1);
  expect(reason()).toBe('writer:lag');
});

it('a replica that was behind has less time until it is looked at again', async () => {
  const { clock, reason } = routerWith(MAX_LAG_MS);
  await clock.advance(INTERVAL_MS);
  expect(reason()).toBe('b:3306');
  await clock.advance(1);
  expect(reason()).toBe('writer:lag');
});
