import { describe, expect, it } from 'vitest';
import { driverError, failWith, hold } from '../support/fake-factory.js';
import { PoolFixture } from '../support/pool-fixture.js';

describe('idle timeout', () => {
  it('closes what was idle for longer, from the oldest, down to the minimum', async () => {
    await using fixture = new PoolFixture({
      connectionLimit: 5,
      minIdle: 2,
      idleTimeout: 10_000,
      validateAfterIdle: Number.POSITIVE_INFINITY,
    });
    await fixture.warmUp(5);
    await fixture.clock.advance(5_000);
    (await fixture.acquire()).release();
    await fixture.clock.advance(7_000);
    expect(fixture.stats).toMatchObject({ idle: 2, closedByReason: { idle: 3 } });
    expect(fixture.factory.resources.filter(({ status }) => status === 'open').map(({ id }) => id)).toEqual([4, 5]);
    await fixture.clock.advance(60_000);
    expect(fixture.stats.idle).toBe(2);
  });

  it('closes each at its own time, and not up to half a timeout later', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0, idleTimeout: 5_000 });
    const leases = [await fixture.acquire(), await fixture.acquire()];
    await fixture.clock.advance(1_234);
    leases[0]?.release();
    await fixture.clock.advance(333);
    leases[1]?.release();
    await fixture.clock.advance(4_666);
    expect(fixture.stats.idle).toBe(2);
    await fixture.clock.advance(20);
    expect(fixture.stats.idle).toBe(1);
    await fixture.clock.advance(313);
    expect(fixture.stats.idle).toBe(1);
    await fixture.clock.advance(20);
    expect(fixture.stats.idle).toBe(0);
  });

  it('0 is never', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 5, minIdle: 0, idleTimeout: 0, maxLifetime: 0, keepaliveInterval: 0 });
    await fixture.warmUp(3);
    await fixture.clock.advance(3_600_000);
    expect(fixture.stats).toMatchObject({ idle: 3, closed: 0, pings: 0 });
  });

  it('leaves alone what is lent', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, idleTimeout: 1_000, maxLifetime: 2_000 });
    const lease = await fixture.acquire();
    await fixture.clock.advance(60_000);
    expect(lease.active).toBe(true);
    lease.release();
    expect(lease.resource.closes).toEqual([{ reason: 'lifetime', force: false }]);
  });
});

describe('maxIdle', () => {
  it('closes idle entries above it within about a second', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 5, minIdle: 0, maxIdle: 2 });
    await fixture.warmUp(5);
    expect(fixture.stats.idle).toBe(5);
    await fixture.clock.advance(1_000);
    expect(fixture.stats).toMatchObject({ idle: 2, closedByReason: { idle: 3 } });
  });
});

describe('lifetime', () => {
  it('ends after maxLifetime, minus up to a tenth at random', async () => {
    const draws = [0, 0.5, 0.999];
    await using fixture = new PoolFixture(
      { connectionLimit: 3, minIdle: 0, maxLifetime: 100_000, idleTimeout: 0, keepaliveInterval: 0 },
      { random: () => draws.shift() ?? 0 },
    );
    const closed = fixture.record('closed');
    await fixture.warmUp(3);
    await fixture.clock.advance(120_000);
    const ages = closed.map(({ id, reason, ageMs }) => [id, reason, Math.round(ageMs / 1_000)]);
    expect(ages).toEqual([
      [3, 'lifetime', 91],
      [2, 'lifetime', 95],
      [1, 'lifetime', 100],
    ]);
  });

  it('an entry at its end is not lent, but replaced', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, maxLifetime: 900, idleTimeout: 0 });
    const lease = await fixture.acquire();
    await fixture.clock.advance(850);
    lease.release();
    // Its life ends at 900 ms − 5 %.
    expect(lease.resource.closes).toHaveLength(0);
    fixture.clock.stall(10);
    const next = await fixture.acquire();
    expect(next.resource.id).toBe(2);
    expect(fixture.stats.closedByReason.lifetime).toBe(1);
    next.release();
  });

  it('an entry at its end does not make a fresh one be validated', async () => {
    const draws = [0, 1];
    await using fixture = new PoolFixture(
      { connectionLimit: 2, minIdle: 0, maxLifetime: 10_000, idleTimeout: 0, keepaliveInterval: 0 },
      { random: () => draws.shift() ?? 0 },
    );
    const [longLived, shortLived] = [await fixture.acquire(), await fixture.acquire()];
    await fixture.clock.advance(8_990);
    longLived.release();
    shortLived.release();
    fixture.clock.stall(20);
    const lease = await fixture.acquire();
    expect(lease.resource).toBe(longLived.resource);
    expect(lease.resource.validations).toBe(0);
    expect(shortLived.resource.closes).toEqual([{ reason: 'lifetime', force: false }]);
    lease.release();
  });

  it('entries that end are replaced for the minimum', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 5, minIdle: 3, maxLifetime: 10_000 });
    await fixture.clock.advance(60_000);
    expect(fixture.stats).toMatchObject({ idle: 3, total: 3 });
    expect(fixture.stats.closedByReason.lifetime).toBeGreaterThanOrEqual(15);
  });
});

describe('keepalive', () => {
  it('validates what was idle for longer, and keeps what answers', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 2, keepaliveInterval: 10_000 });
    await fixture.clock.advance(9_000);
    expect(fixture.stats.pings).toBe(0);
    await fixture.clock.advance(2_000);
    expect(fixture.stats).toMatchObject({ pings: 2, idle: 2, closed: 0 });
    expect(fixture.pool.tryAcquire()).toBeUndefined();
    await fixture.clock.advance(50_000);
    expect(fixture.stats.pings).toBeGreaterThanOrEqual(10);
  });

  it('I7: closes what does not answer, and replaces it', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 1, keepaliveInterval: 10_000, validationTimeout: 500 });
    await fixture.clock.settle();
    fixture.factory.answers.validate = (resource) => (resource.id === 1 ? hold : failWith(driverError('ECONNRESET')));
    const failures = fixture.record('failed');
    await fixture.clock.advance(11_000);
    expect(fixture.stats).toMatchObject({ idle: 1, closedByReason: { validation: 1 } });
    expect(failures).toMatchObject([{ id: 1, error: { code: 'ETIMEDOUT' } }]);
    await fixture.clock.advance(11_000);
    expect(fixture.stats).toMatchObject({ idle: 1, closedByReason: { validation: 2 } });
    expect(failures).toMatchObject([{ id: 1 }, { id: 2, error: { code: 'ECONNRESET' } }]);
  });
});

describe('minimum idle', () => {
  it('is opened ahead, and refilled within about a second', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 5, minIdle: 2 });
    await fixture.clock.settle();
    expect(fixture.stats.idle).toBe(2);
    const leases = [await fixture.acquire(), await fixture.acquire()];
    await fixture.clock.advance(1_000);
    expect(fixture.stats).toMatchObject({ used: 2, idle: 2 });
    for (const lease of leases) lease.release();
    expect(fixture.stats.idle).toBe(4);
  });

  it('I4: does not go above the limit', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3, minIdle: 3 });
    const leases = [await fixture.acquire(), await fixture.acquire()];
    await fixture.clock.advance(5_000);
    expect(fixture.stats).toMatchObject({ used: 2, idle: 1, opening: 0 });
    for (const lease of leases) lease.release();
    expect(fixture.stats.total).toBe(3);
  });
});

/** Its name is to be found in stacks. */
async function borrowForLong(fixture: PoolFixture): ReturnType<PoolFixture['acquire']> {
  return await fixture.acquire();
}

describe('leak detection', () => {
  it("reports a lease that lasts too long once, with its borrower's stack, and again when it comes back", async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, leakDetectionThreshold: 1_000 });
    const leaks = fixture.record('leak');
    const returns = fixture.record('leakReturned');
    const lease = await borrowForLong(fixture);
    await fixture.clock.advance(900);
    expect(leaks).toEqual([]);
    await fixture.clock.advance(10_000);
    expect(leaks).toHaveLength(1);
    expect(leaks[0]).toMatchObject({ id: 1, description: 'fake 1' });
    expect(leaks[0]?.heldMs).toBeGreaterThanOrEqual(1_000);
    expect(leaks[0]?.heldMs).toBeLessThanOrEqual(1_500);
    expect(leaks[0]?.stack).toContain('borrowForLong');
    expect(Object.isFrozen(leaks[0])).toBe(true);
    expect(fixture.stats.leaks).toBe(1);
    lease.release();
    await fixture.clock.settle();
    expect(returns).toEqual([{ id: 1, heldMs: 10_900 }]);
    const again = await fixture.acquire();
    await fixture.clock.advance(2_000);
    expect(fixture.stats.leaks).toBe(2);
    again.destroy();
    await fixture.clock.settle();
    expect(returns).toHaveLength(2);
  });

  it('does not count the time in which the borrower works: a long use is reported once, and its leak when it has ended', async () => {
    let workedUntil = Number.POSITIVE_INFINITY;
    const fixture: PoolFixture = new PoolFixture(
      { connectionLimit: 1, leakDetectionThreshold: 1_000 },
      { methods: { quietMs: () => Math.max(0, fixture.clock.now() - workedUntil) } },
    );
    await using _end = fixture;
    const leaks = fixture.record('leak');
    const longUses = fixture.record('longUse');
    const lease = await borrowForLong(fixture);
    await fixture.clock.advance(60_000);
    expect([leaks.length, longUses.length, fixture.stats.leaks, fixture.pool.glance().leaked]).toEqual([0, 1, 0, 0]);
    expect(longUses[0]).toMatchObject({ id: 1, quietMs: 0, place: expect.stringMatching(/^support\/pool-fixture\.ts:\d+$/) as string });
    workedUntil = fixture.clock.now();
    await fixture.clock.advance(5_000);
    expect([leaks.length, longUses.length, fixture.pool.glance().leaked]).toEqual([1, 1, 1]);
    expect(fixture.pool.borrowed()).toMatchObject([{ id: 1, leaked: true, quietMs: 5_000 }]);
    workedUntil = Number.POSITIVE_INFINITY;
    expect(fixture.pool.glance().leaked).toBe(0);
    lease.release();
  });

  it('of an acquire that was queued, the stack is of the acquire, not of the release that served it', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, leakDetectionThreshold: 1_000 });
    const leaks = fixture.record('leak');
    const first = await fixture.acquire();
    const queued = borrowForLong(fixture);
    await fixture.clock.advance(100);
    first.release();
    const lease = await queued;
    expect(fixture.pool.borrowed()[0]?.stack).toContain('borrowForLong');
    await fixture.clock.advance(2_000);
    expect(leaks[0]?.stack).toContain('borrowForLong');
    lease.release();
  });

  it('a leak that was lost, or cut off at the end of the pool, came back too', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0, leakDetectionThreshold: 1_000 });
    const returns = fixture.record('leakReturned');
    const lost = await fixture.acquire();
    await fixture.acquire();
    await fixture.clock.advance(2_000);
    lost.resource.lose();
    await fixture.clock.settle();
    expect(returns.map(({ id }) => id)).toEqual([1]);
    await fixture.pool.close();
    expect(returns.map(({ id }) => id)).toEqual([1, 2]);
  });

  it('off, it captures no stacks', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, leakDetectionThreshold: 0 });
    const lease = await borrowForLong(fixture);
    await fixture.clock.advance(3_600_000);
    expect(fixture.pool.borrowed()).toEqual([{ id: 1, heldMs: 3_600_000, description: 'fake 1' }]);
    expect(fixture.stats.leaks).toBe(0);
    lease.release();
  });

  it('a factory that fails to describe its resource does not stop the report, nor the housekeeper', async () => {
    await using fixture = new PoolFixture(
      { connectionLimit: 1, leakDetectionThreshold: 1_000 },
      {
        methods: {
          describe: () => {
            throw new Error('a bug in the factory');
          },
        },
      },
    );
    const leaks = fixture.record('leak');
    const lease = await fixture.acquire();
    await fixture.clock.advance(2_000);
    expect(leaks).toMatchObject([{ id: 1, description: '#1' }]);
    lease.release();
  });
});

describe('the housekeeper itself', () => {
  it('I11: has one timer, which does not keep the process alive, at least once a second', async () => {
    await using fixture = new PoolFixture({ minIdle: 0 });
    expect([fixture.clock.pendingTimers, fixture.clock.referencedTimers]).toEqual([1, 0]);
    const before = fixture.clock.timersSet;
    await fixture.clock.advance(60_000);
    expect(fixture.clock.timersSet - before).toBe(60);
    expect([fixture.clock.pendingTimers, fixture.clock.referencedTimers]).toEqual([1, 0]);
  });

  it.each([
    [{ leakDetectionThreshold: 500 }, 250],
    [{ idleTimeout: 100 }, 50],
    [{ keepaliveInterval: 1 }, 20],
    [{ maxLifetime: 1_000 }, 500],
  ])('sweeps often enough for %o: every %i ms', async (options, periodMs) => {
    await using fixture = new PoolFixture({ minIdle: 0, ...options });
    const before = fixture.clock.timersSet;
    await fixture.clock.advance(10_000);
    expect(fixture.clock.timersSet - before).toBe(10_000 / periodMs);
  });

  it('I1: leaves alone an entry that a caller took when another one went', async () => {
    const idleFor = { idleTimeout: 10_000, keepaliveInterval: 10_000, validateAfterIdle: Number.POSITIVE_INFINITY };
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0, ...idleFor });
    await fixture.warmUp(2);
    fixture.factory.answers.close = (resource) => {
      resource.lose();
      return hold;
    };
    let taken: ReturnType<typeof fixture.pool.tryAcquire>;
    fixture.pool.once('closed', () => {
      taken = fixture.pool.tryAcquire();
      if (taken !== undefined) fixture.factory.borrowed(taken.resource);
    });
    await fixture.clock.advance(11_500);
    expect(taken?.active).toBe(true);
    expect(taken?.resource.validations).toBe(0);
    expect(fixture.stats).toMatchObject({ used: 1, total: 1, closed: 1 });
    taken?.release();
  });

  it('continues after a stall of the event loop, with one sweep for all that was missed', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 2, keepaliveInterval: 10_000 });
    await fixture.clock.settle();
    fixture.clock.stall(60_000);
    await fixture.clock.advance(0);
    expect(fixture.stats).toMatchObject({ pings: 2, idle: 2 });
  });
});
