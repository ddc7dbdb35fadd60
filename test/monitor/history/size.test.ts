/** How large the past of ten busy pools is: the first message of the feed, and a day in memory. */

import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { Timeline } from '../../../src/monitor/history/index.js';
import { type LivePoint, PointMaker } from '../../../src/monitor/points/index.js';
import type { LiveSnapshot } from '../../../src/monitor/live/index.js';
import { busyPool, scriptedFeed } from '../support/busy-pool.js';

const BEGIN = Date.UTC(2026, 0, 1, 6, 0, 0);
const MOST_OF_FIRST_MESSAGE = 300_000;
/** What docs/dashboard.md says of a busy pool. */
const MOST_OF_A_DAY = 1_000_000;

it('sends at most 300 kB, compressed, to a page that is opened on ten busy pools', async () => {
  // They have no connections, so they need no end.
  const busy = Array.from({ length: 10 }, (_, index) => busyPool(`pool-${index}`));
  const pools = busy.map(({ pool }) => pool);
  const { feed, second } = scriptedFeed(() => pools, BEGIN);
  for (let passed = 0; passed < 660; passed += 1) {
    for (const one of busy) one.work();
    second();
  }
  const { value } = (await feed.listen(undefined).next()) as { readonly value: LiveSnapshot };
  const text = JSON.stringify(value);
  const compressed = gzipSync(text).length;
  const points = value.pools[0]?.points ?? [];
  process.stderr.write(
    `first message: ${text.length} bytes, ${compressed} compressed, ${points.length} points of each of ${value.pools.length} pools\n`,
  );
  expect(compressed).toBeLessThan(MOST_OF_FIRST_MESSAGE);
  // Ten minutes without a hole: where one point begins, the one before it has ended.
  const last = points.at(-1)?.at ?? 0;
  const first = points[0];
  expect(last - (first?.at ?? 0) + (first?.sinceMs ?? 0)).toBeGreaterThanOrEqual(590_000);
  for (const [index, point] of points.entries()) if (index > 0) expect(point.at - point.sinceMs).toBe(points[index - 1]?.at);
  feed.stop();
});

it('keeps a day of a busy pool in little memory', async () => {
  await using busy = busyPool('orders');
  const maker = new PointMaker(busy.pool, BEGIN);
  const seconds = Array.from({ length: 120 }, (_, second) => {
    busy.work();
    return maker.next(busy.pool.stats(), BEGIN + (second + 1) * 1_000);
  });
  const timeline = new Timeline();
  // A minute more than a day and an hour: each tier is full.
  for (let second = 1; second <= 90_060; second += 1)
    timeline.add({ ...(seconds[second % seconds.length] as LivePoint), at: BEGIN + second * 1_000 });
  process.stderr.write(`a day of a busy pool: ${timeline.bytes} bytes\n`);
  expect(timeline.bytes).toBeLessThan(MOST_OF_A_DAY);
});
