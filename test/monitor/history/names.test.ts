/** The past of a pool's name: a pool that is made again finds it, and what is gone is not kept without a bound. */

import { expect, it } from 'vitest';
import type { Pool } from '../../../src/mysql/index.js';
import { judgedNow } from '../../../src/monitor/live/index.js';
import { busyPool, scriptedFeed } from '../support/busy-pool.js';

const BEGIN = Date.UTC(2026, 0, 1, 6, 0, 0);

it('is found by a pool that is made again, with the incidents that its closing cut short', async () => {
  await using first = busyPool('orders');
  let pools: Pool[] = [first.pool];
  const { feed, second } = scriptedFeed(() => pools, BEGIN);
  const pass = async (seconds: number): Promise<number> => {
    let now = 0;
    for (let passed = 0; passed < seconds; passed += 1) {
      now = second();
      // Pools are judged in the background, without I/O.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return now;
  };
  await pass(5);
  first.pool.suspend();
  const closed = await pass(20);
  expect(feed.historyOf(first.pool)?.incidents).toMatchObject([{ cause: 'suspended', end: null, cutShort: null }]);

  pools = [];
  await pass(5);
  await first[Symbol.asyncDispose]();
  await using again = busyPool('orders');
  expect(feed.historyOf(first.pool)).toBeUndefined();
  pools = [again.pool];
  again.work();
  const now = await pass(10);
  const history = feed.historyOf(again.pool);
  expect(history?.incidents).toMatchObject([{ cause: 'suspended', end: closed + 1_000, cutShort: 'pool-gone' }]);
  const { points } = history?.read({ from: BEGIN, to: now, most: 1_000 }) ?? { points: [] };
  // The first look at a pool counts nothing yet.
  expect(points).toHaveLength(25 + 9);
  expect(history?.verdict(await judgedNow(again.pool, { breakers: [], ofReplicas: new Set() }), now).headline).toContain(
    'or longer (the pool was closed then)',
  );

  // Pools of ever new names: of those that are gone, twenty are remembered.
  for (let index = 0; index < 30; index += 1) {
    await using job = busyPool(`job-${index}`);
    pools = [job.pool];
    await pass(2);
  }
  pools = [again.pool];
  await pass(2);
  expect(feed.historyOf(again.pool)?.incidents).toEqual([]);
  feed.stop();
});
