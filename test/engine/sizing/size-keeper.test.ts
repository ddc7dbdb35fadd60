import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { PoolFixture } from '../support/pool-fixture.js';

/** So many callers use the pool without a pause, each for `useMs`, until the time is over. */
async function load(fixture: PoolFixture, callers: number, seconds: number, useMs: () => number): Promise<void> {
  const until = fixture.clock.now() + seconds * 1_000;
  const caller = async (): Promise<void> => {
    while (fixture.clock.now() < until) {
      const lease = await fixture.acquire();
      await fixture.clock.wait(useMs());
      lease.release();
    }
  };
  const all = Promise.all(Array.from({ length: callers }, caller));
  await fixture.clock.advance(seconds * 1_000 + 2_000);
  await all;
}

describe('a pool with a range', () => {
  it('starts at the default size, or at the nearest bound', async () => {
    for (const [connectionLimit, start] of [
      [{ min: 5, max: 50 }, 20],
      [{ min: 2, max: 8 }, 8],
      [{ min: 30, max: 40 }, 30],
      ['5-50', 20],
    ] as const) {
      await using fixture = new PoolFixture({ connectionLimit: connectionLimit as never, minIdle: 0 });
      const max = typeof connectionLimit === 'string' ? 50 : connectionLimit.max;
      expect(fixture.stats).toMatchObject({ limit: start, connectionLimit: max, ceilings: { size: start } });
    }
  });

  it('grows while callers wait and more entries end more uses', async () => {
    await using fixture = new PoolFixture({ connectionLimit: { min: 5, max: 50 }, minIdle: 0 });
    await load(fixture, 60, 6, () => 20);
    expect(fixture.stats.limit).toBe(50);
  });

  it('shrinks when fewer entries end as many uses', async () => {
    await using fixture = new PoolFixture({ connectionLimit: { min: 5, max: 50 }, minIdle: 0 });
    // One at a time, no matter what else holds an entry.
    await load(fixture, 60, 8, () => 5 * fixture.stats.used);
    expect(fixture.stats.limit).toBe(5);
  });

  it('keeps its size while no caller waits', async () => {
    await using fixture = new PoolFixture({ connectionLimit: { min: 5, max: 50 }, minIdle: 0 });
    await load(fixture, 15, 5, () => 20);
    await fixture.clock.advance(60_000);
    expect(fixture.stats).toMatchObject({ limit: 20, ceilings: { size: 20 } });
  });

  it('stays below the ceiling of a fleet, and uses what that gives later', async () => {
    await using fixture = new PoolFixture({ connectionLimit: { min: 2, max: 50 }, minIdle: 0 });
    fixture.pool.setCeiling('fleet', 8);
    await load(fixture, 60, 4, () => 20);
    expect(fixture.stats.limit).toBe(8);
    fixture.pool.setCeiling('fleet', 30);
    await load(fixture, 60, 6, () => 20);
    expect(fixture.stats.limit).toBe(30);
  });

  it('does not take a pause, an outage or a suspended pool for a workload', async () => {
    await using fixture = new PoolFixture({ connectionLimit: { min: 5, max: 50 }, minIdle: 0, acquireTimeout: 0 });
    await load(fixture, 15, 2, () => 20);
    fixture.pool.suspend();
    const waiting = Array.from({ length: 40 }, () => fixture.use(1));
    await fixture.clock.advance(20_000);
    expect(fixture.stats).toMatchObject({ limit: 20, waiting: 40 });
    fixture.pool.resume();
    await fixture.clock.advance(1_000);
    await Promise.all(waiting);
    expect(fixture.stats.limit).toBe(20);
  });

  it('leaves no timer behind, and a fixed size has none', async () => {
    await using fixed = new PoolFixture({ connectionLimit: 5, minIdle: 0 });
    await using ranged = new PoolFixture({ connectionLimit: { min: 2, max: 5 }, minIdle: 0 });
    expect(ranged.clock.pendingTimers).toBe(fixed.clock.pendingTimers + 1);
    expect(ranged.clock.referencedTimers).toBe(fixed.clock.referencedTimers);
  });
});

describe('resize()', () => {
  it('turns a fixed size into a range that begins there, and back', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 7, minIdle: 0 });
    fixture.pool.resize({ connectionLimit: { min: 2, max: 40 } });
    expect(fixture.stats).toMatchObject({ limit: 7, connectionLimit: 40, ceilings: { size: 7 } });
    expect(fixture.pool.options).toMatchObject({ connectionLimit: 40, sizeRange: { min: 2, max: 40 }, maxIdle: 40 });
    await load(fixture, 60, 6, () => 20);
    expect(fixture.stats.limit).toBe(40);
    fixture.pool.resize({ minIdle: 3 });
    expect(fixture.stats).toMatchObject({ limit: 40, ceilings: { size: 40 } });
    fixture.pool.resize({ connectionLimit: 9 });
    expect(fixture.stats).toMatchObject({ limit: 9, connectionLimit: 9, ceilings: {} });
    expect(fixture.pool.options.sizeRange).toBeUndefined();
    expect(fixture.clock.referencedTimers).toBe(0);
  });

  it('opens nothing above the limit of before when a fixed size becomes a range', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    const leases = await Promise.all([fixture.acquire(), fixture.acquire()]);
    const waiting = [fixture.acquire(), fixture.acquire()];
    fixture.pool.resize({ connectionLimit: { min: 1, max: 40 } });
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ total: 2, opening: 0, waiting: 2 });
    for (const lease of leases) lease.release();
    for (const lease of await Promise.all(waiting)) lease.release();
  });

  it('refuses a wrong range, and changes nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: { min: 2, max: 6 } });
    const before = fixture.pool.options;
    for (const connectionLimit of [{ min: 7, max: 6 }, { min: 0, max: 6 }, { min: 2 }, '6-2']) {
      expect(() => fixture.pool.resize({ connectionLimit: connectionLimit as never })).toThrow(PoolError);
    }
    expect(fixture.pool.options).toBe(before);
    expect(fixture.stats.limit).toBe(6);
  });
});
