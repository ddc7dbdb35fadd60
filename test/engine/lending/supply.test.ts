import { describe, expect, it } from 'vitest';
import { driverError, failWith, hold, succeedAfter } from '../support/fake-factory.js';
import { PoolFixture } from '../support/pool-fixture.js';

describe('how many are opened', () => {
  it.each([0, 5])(
    'I5: a burst of fifty callers on five warm entries opens one more, and is served near the optimum (minIdle %i)',
    async (minIdle) => {
      await using fixture = new PoolFixture(
        { connectionLimit: 50, minIdle },
        { prepare: (factory) => factory.script('open', succeedAfter(150)) },
      );
      await fixture.clock.advance(150);
      await fixture.warmUp(5, 2);
      expect(fixture.stats).toMatchObject({ idle: 5, total: 5, opening: 0, waiting: 0 });
      const start = fixture.clock.now();
      const uses = Array.from({ length: 50 }, () => fixture.use(2));
      await fixture.clock.advance(30);
      const servedAt = await Promise.all(uses);
      expect(fixture.stats.total + fixture.stats.opening).toBeLessThanOrEqual(6);
      // Ten rounds of five callers: the last of them begins after nine uses, and the optimum ends at 20 ms.
      expect(Math.max(...servedAt) - start + 2).toBeLessThanOrEqual(20 * 1.25);
    },
  );

  it('I5: a burst on a warm pool whose uses are slow opens what helps', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 20, minIdle: 0 });
    fixture.factory.script('open', succeedAfter(50));
    await fixture.warmUp(2, 1_000);
    const uses = Array.from({ length: 20 }, () => fixture.use(1_000));
    await fixture.clock.advance(60);
    expect(fixture.stats.used).toBeGreaterThanOrEqual(12);
    await fixture.clock.advance(3_000);
    expect(await Promise.all(uses)).toHaveLength(20);
    expect(fixture.stats.total).toBeLessThanOrEqual(20);
  });

  it('a queue that is as long after each use is no burst: the pool grows after two of them until no caller waits, or to its limit', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 50, minIdle: 0 });
    fixture.factory.script('open', succeedAfter(150));
    await fixture.warmUp(5, 20);
    const start = fixture.clock.now();
    const callers = Array.from({ length: 50 }, async () => {
      for (let turn = 0; turn < 10; turn += 1) await fixture.use(20);
    });
    await fixture.clock.advance(19);
    // Until then it may be a burst that the five serve before anything that is opened could help.
    expect(fixture.stats.total + fixture.stats.opening).toBeLessThanOrEqual(15);
    await fixture.clock.advance(22);
    expect(fixture.stats.total + fixture.stats.opening).toBeGreaterThanOrEqual(45);
    let endedAt = 0;
    void Promise.all(callers).then(() => {
      endedAt = fixture.clock.now();
    });
    await fixture.clock.advance(900);
    await Promise.all(callers);
    // With five entries alone it would take two seconds, with fifty from the start 200 ms, and 340 ms with an opening for each waiter at once.
    expect(endedAt - start).toBeLessThanOrEqual(400);
  });

  it('callers who find an entry free do not add up to a queue that lasts', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 50, minIdle: 0 });
    fixture.factory.script('open', succeedAfter(150));
    await fixture.warmUp(5, 2);
    for (let burst = 0; burst < 100; burst += 1) {
      const uses = Array.from({ length: 10 }, () => fixture.use(2));
      await fixture.clock.advance(10);
      await Promise.all(uses);
    }
    expect(fixture.stats.total + fixture.stats.opening).toBeLessThanOrEqual(10);
  });

  it('I4: never more than the limit, and ten openings at a time, and twice as many with each that succeeds, up to 40', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 60, minIdle: 0 });
    fixture.factory.script('open', hold);
    const leases = Array.from({ length: 200 }, () => fixture.acquire());
    expect(fixture.stats).toMatchObject({ opening: 10, waiting: 200 });
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ opening: 20, used: 1 });
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ opening: 40, used: 2 });
    for (let opened = 2; opened < 60; opened += 1) {
      fixture.factory.take('open').succeed();
      await fixture.clock.settle();
      expect(fixture.stats.opening + fixture.stats.total).toBeLessThanOrEqual(60);
      expect(fixture.stats.opening).toBeLessThanOrEqual(40);
    }
    expect(fixture.stats).toMatchObject({ opening: 0, used: 60, waiting: 140 });
    for (const lease of leases) (await lease).release();
    expect(fixture.stats).toMatchObject({ acquired: 200, total: 60 });
  });

  it('I5: a waiter is served by an entry that is given back sooner than its own is open', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    const first = await fixture.acquire();
    fixture.factory.script('open', hold);
    const waiting = fixture.acquire();
    expect(fixture.stats.opening).toBe(1);
    first.release();
    const served = await waiting;
    expect(served.resource).toBe(first.resource);
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ used: 1, idle: 1 });
    served.release();
  });

  it('the reserve is not opened for a burst: the entries that it has taken come back', async () => {
    await using fixture = new PoolFixture(
      { connectionLimit: 50, minIdle: 5 },
      { prepare: (factory) => factory.script('open', succeedAfter(150)) },
    );
    await fixture.warmUp(5, 2);
    const uses = Array.from({ length: 50 }, () => fixture.use(2));
    await fixture.clock.advance(400);
    const servedAt = await Promise.all(uses);
    expect(Math.max(...servedAt) - Math.min(...servedAt)).toBeLessThanOrEqual(20);
    expect(fixture.stats.opened).toBeLessThanOrEqual(6);
    // Bursts that come one after the other find it full in between.
    for (let burst = 0; burst < 20; burst += 1) {
      const few = Array.from({ length: 5 }, () => fixture.use(20));
      await fixture.clock.advance(30);
      await Promise.all(few);
    }
    expect(fixture.stats.opened).toBeLessThanOrEqual(6);
  });

  it('a reserve that waits for lent entries makes no attempt after a failure, and no timer that fires without end', async () => {
    await using fixture = new PoolFixture(
      { connectionLimit: 50, minIdle: 2 },
      { prepare: (factory) => factory.script('open', succeedAfter(150)) },
    );
    await fixture.warmUp(2, 2);
    const leases = [await fixture.acquire(), await fixture.acquire()];
    fixture.factory.script('open', failWith(driverError('ECONNREFUSED')));
    const waiting = fixture.acquire();
    await fixture.clock.advance(10);
    for (const lease of leases) lease.release();
    const lease = await waiting;
    await fixture.clock.advance(5_000);
    lease.release();
    expect(fixture.stats).toMatchObject({ used: 0, waiting: 0 });
  });

  it('the reserve is opened when those that it lacks are away for as long as an opening takes, and at once when they are gone', async () => {
    await using fixture = new PoolFixture(
      { connectionLimit: 50, minIdle: 5 },
      { prepare: (factory) => factory.script('open', succeedAfter(150)) },
    );
    await fixture.warmUp(5, 2);
    const leases = [await fixture.acquire(), await fixture.acquire()];
    // The housekeeper looks once a second at the latest, and finds it short.
    await fixture.clock.advance(1_000);
    await fixture.clock.advance(500);
    expect(fixture.stats).toMatchObject({ used: 2, idle: 5 });
    for (const { status, lent, lose } of fixture.factory.resources.map((one) => ({
      status: one.status,
      lent: one.lent,
      lose: () => one.lose(),
    }))) {
      if (status === 'open' && !lent) lose();
    }
    await fixture.clock.settle();
    expect(fixture.stats.opening).toBeGreaterThanOrEqual(3);
    await fixture.clock.advance(500);
    expect(fixture.stats.idle).toBe(5);
    for (const lease of leases) lease.release();
  });

  it('I4: a factory that calls the pool while it opens does not make it open too many', async () => {
    let reentered = 0;
    await using fixture = new PoolFixture(
      { connectionLimit: 3, minIdle: 3 },
      {
        prepare: (factory) => {
          factory.answers.open = () => {
            // The first opening begins while the pool is being made.
            if (factory.resources.length > 1 && reentered < 2) {
              reentered += 1;
              fixture.pool.evict();
            }
            return hold;
          };
        },
      },
    );
    expect(fixture.stats.opening).toBe(3);
    expect(reentered).toBe(2);
    expect(fixture.factory.resources).toHaveLength(3);
  });
});
