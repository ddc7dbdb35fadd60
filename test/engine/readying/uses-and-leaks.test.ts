import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { resolvePoolOptions } from '../../../src/engine/contract/options.js';
import { PoolFixture } from '../support/pool-fixture.js';

describe('maxUses', () => {
  it('closes a resource after so many borrowers, and counts it under its own reason', async () => {
    await using fixture = new PoolFixture({ maxUses: 3, minIdle: 0 }, { random: () => 0 });
    for (let i = 0; i < 4; i += 1) (await fixture.acquire()).release();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ opened: 2, closedByReason: { uses: 1 } });
    expect(fixture.factory.resource(0).closes).toEqual([{ reason: 'uses', force: false }]);
  });

  it('ends resources that were opened together at different uses, and none later than it says', async () => {
    const numbers = [0, 0.5, 0.999];
    await using fixture = new PoolFixture(
      { maxUses: 100, minIdle: 0, connectionLimit: 1, maxLifetime: 0 },
      { random: () => numbers.shift() ?? 0 },
    );
    const opened: number[] = [];
    for (let i = 0; i < 300; i += 1) {
      (await fixture.acquire()).release();
      opened.push(fixture.stats.opened);
    }
    const uses = [1, 2, 3].map((life) => opened.filter((count) => count === life).length);
    expect(uses).toEqual([100, 95, 91]);
  });

  it('is off by default', async () => {
    await using fixture = new PoolFixture({ minIdle: 0 });
    for (let i = 0; i < 500; i += 1) (await fixture.acquire()).release();
    expect(fixture.stats.opened).toBe(1);
  });
});

describe("leakAction: 'reclaim'", () => {
  it('takes back what was not used for the threshold, once it was reported, and serves the next waiter', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, leakDetectionThreshold: 1_000, leakAction: 'reclaim' });
    const leaks = fixture.record('leak');
    const returned = fixture.record('leakReturned');
    const lease = await fixture.acquire();
    const next = fixture.acquire();
    await fixture.clock.advance(1_600);
    expect(lease.active).toBe(false);
    expect(lease.reclaimed).toBe(true);
    expect(leaks).toHaveLength(1);
    expect(leaks[0]?.stack).toContain('uses-and-leaks.test.ts');
    expect(lease.release()).toBe(false);
    expect((await next).resource).not.toBe(lease.resource);
    expect(fixture.stats).toMatchObject({ leaks: 1, closedByReason: { reclaimed: 1 }, used: 1 });
    expect(returned).toEqual([]);
    (await next).release();
    expect((await next).reclaimed).toBe(false);
  });

  it('leaves alone what is in use, as long as it is', async () => {
    let unused = false;
    const quietMs = (): number => (unused ? 1_000 : 999);
    await using fixture = new PoolFixture({ leakDetectionThreshold: 1_000, leakAction: 'reclaim' }, { methods: { quietMs } });
    const lease = await fixture.acquire();
    await fixture.clock.advance(5_000);
    expect(lease.active).toBe(true);
    unused = true;
    await fixture.clock.advance(1_000);
    expect(lease.reclaimed).toBe(true);
  });

  it('takes nothing back by default, nor what a listener of the report gives back', async () => {
    await using reporting = new PoolFixture({ leakDetectionThreshold: 1_000 });
    const lease = await reporting.acquire();
    await reporting.clock.advance(5_000);
    expect(lease.active).toBe(true);
    lease.release();
    await using fixture = new PoolFixture({ leakDetectionThreshold: 1_000, leakAction: 'reclaim' });
    const other = await fixture.acquire();
    fixture.pool.on('leak', () => void other.release());
    await fixture.clock.advance(1_600);
    expect([other.active, other.reclaimed]).toEqual([false, false]);
    expect(fixture.stats.closedByReason.reclaimed).toBe(0);
  });

  it('is taken back before the pool is closed meanwhile, and ends with it', async () => {
    await using fixture = new PoolFixture({ leakDetectionThreshold: 1_000, leakAction: 'reclaim' });
    const lease = await fixture.acquire();
    fixture.pool.on('leak', () => void fixture.pool.close());
    await fixture.clock.advance(1_600);
    expect(lease.active).toBe(false);
    await fixture.clock.advance(12_000);
    expect(fixture.pool.state).toBe('closed');
  });

  it('needs a threshold', () => {
    expect(() => resolvePoolOptions({ leakAction: 'reclaim' })).toThrow(PoolError);
    expect(() => resolvePoolOptions({ leakAction: 'reclaim' })).toThrow('leakDetectionThreshold');
  });
});
