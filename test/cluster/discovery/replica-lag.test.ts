/** How far a MySQL replica lags, by what performance_schema says in the moments when nothing is being applied. */
import { expect, it } from 'vitest';
import type { Interview } from '../../../src/cluster/discovery/interview.js';
import { readChannels } from '../../../src/cluster/discovery/replica-lag.js';

async function lagOf(row: object): Promise<number | undefined> {
  const channel = { channel: '', receiving: 'ON', applying: 'ON', caughtUp: 0, pendingAgo: -1, heardAgo: 0, heartbeatSeconds: 1, ...row };
  const interview = { ask: () => Promise.resolve([channel]) } as unknown as Interview;
  return (await readChannels(interview))?.[0]?.lagMs;
}

it('a replica that has received more than it has applied, and applies nothing now, is as late as what it applied last is old', async () => {
  expect(await lagOf({ appliedAgo: 1_500_000 })).toBe(1_500);
});

it('how late one is that has applied nothing yet is not known', async () => {
  expect(await lagOf({ appliedAgo: null })).toBeUndefined();
});

it('one that has applied all that it has received is not late', async () => {
  expect(await lagOf({ caughtUp: 1, appliedAgo: 1_500_000 })).toBe(0);
});

it('one that applies is as late as what it applies is old', async () => {
  expect(await lagOf({ pendingAgo: 700_000, appliedAgo: 900_000 })).toBe(700);
});
