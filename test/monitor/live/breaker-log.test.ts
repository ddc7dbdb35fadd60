/** The log of breakers' changes: each change once, and the tries of a breaker that stays open as a count. */

import { describe, expect, it } from 'vitest';
import { BreakerLog } from '../../../src/monitor/live/breaker-log.js';
import { Breaker } from '../../../src/resilience/breaker/breaker.js';
import { FakeClock } from '../../engine/support/fake-clock.js';

describe('the log of breakers', () => {
  it('counts the tries of a breaker that stays open, and reports what comes after', async () => {
    const clock = new FakeClock();
    const breaker = new Breaker({ name: 'rates', consecutiveFailures: 1, probes: 1, shortestOpen: 1_000, longestOpen: 1_000 }, { clock });
    const log = new BreakerLog();
    log.watch([{ pool: null, name: 'rates', breaker }]);
    const told = () => log.changes.map(({ from, to, probes }) => [from, to, probes]);
    breaker.failed(new Error('away'), 1);
    for (let round = 0; round < 300; round += 1) {
      await clock.advance(2_000);
      expect(breaker.refusal()).toBeUndefined();
      await clock.advance(50);
      breaker.failed(new Error('away'), 1);
    }
    expect(told()).toEqual([['closed', 'open', 300]]);
    await clock.advance(2_000);
    expect(breaker.refusal()).toBeUndefined();
    expect(told()).toEqual([
      ['open', 'half-open', 0],
      ['closed', 'open', 300],
    ]);
    await clock.advance(50);
    breaker.succeeded(1);
    expect(told()[0]).toEqual(['half-open', 'closed', 0]);
  });
});
