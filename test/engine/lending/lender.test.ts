import { describe, expect, it } from 'vitest';
import { driverError, hold, succeed, throwing } from '../support/fake-factory.js';
import { PoolFixture } from '../support/pool-fixture.js';

describe('acquire and release', () => {
  it('lends the most recently used idle entry, at once', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3 });
    const leases = [await fixture.acquire(), await fixture.acquire(), await fixture.acquire()];
    for (const index of [1, 0, 2]) leases[index]?.release();
    const lease = fixture.pool.tryAcquire();
    expect(lease?.resource).toBe(leases[2]?.resource);
    expect(fixture.stats).toMatchObject({ used: 1, idle: 2, acquired: 4, released: 3 });
    lease?.release();
  });

  it('I1: a second release after the entry was lent again does nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const first = await fixture.acquire();
    expect(first.release()).toBe(true);
    const second = await fixture.acquire();
    expect(second.resource).toBe(first.resource);
    expect([first.active, second.active]).toEqual([false, true]);
    expect(first.release()).toBe(false);
    expect(first.destroy()).toBe(false);
    first.evict();
    first[Symbol.dispose]();
    expect(second.active).toBe(true);
    expect(fixture.stats).toMatchObject({ used: 1, idle: 0, released: 1 });
    second.release();
    expect(fixture.stats).toMatchObject({ used: 0, idle: 1 });
  });

  it('I1: a second release while the entry is cleaned, idle or closing does nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    fixture.factory.script('recycle', hold);
    const lease = await fixture.acquire();
    lease.release();
    expect(fixture.stats.checking).toBe(1);
    expect(lease.release()).toBe(false);
    fixture.factory.take('recycle').succeed();
    await fixture.clock.settle();
    expect(lease.release()).toBe(false);
    expect(fixture.stats).toMatchObject({ idle: 1, released: 1, resets: 1 });
    fixture.factory.script('close', hold);
    fixture.pool.evict();
    expect(fixture.stats.closing).toBe(1);
    expect(lease.release()).toBe(false);
    expect(lease.destroy()).toBe(false);
    fixture.factory.take('close').succeed();
  });

  it('I1: destroy ends a lease, and closes its resource at once', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    const lease = await fixture.acquire();
    expect(lease.destroy()).toBe(true);
    expect(lease.active).toBe(false);
    expect(lease.release()).toBe(false);
    await fixture.clock.settle();
    expect(lease.resource.closes).toEqual([{ reason: 'destroyed', force: true }]);
    expect(fixture.stats).toMatchObject({ total: 0, released: 1, closed: 1 });
  });

  it('a lease is given back at the end of the block that it was declared in', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    {
      using lease = await fixture.acquire();
      expect(lease.active).toBe(true);
    }
    expect(fixture.stats).toMatchObject({ used: 0, idle: 1 });
  });

  it('an evicted lease stays valid, and its resource is closed when it is released', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    const lease = await fixture.acquire();
    lease.evict();
    expect(lease.active).toBe(true);
    expect(fixture.stats.used).toBe(1);
    lease.release();
    expect(lease.resource.closes).toEqual([{ reason: 'evicted', force: false }]);
    await fixture.clock.settle();
    expect(fixture.stats.closedByReason.evicted).toBe(1);
  });

  it('a resource that was doomed while lent is closed when it is released', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    const lease = await fixture.acquire();
    lease.resource.context.doom();
    expect(lease.active).toBe(true);
    lease.release();
    expect(lease.resource.closes).toEqual([{ reason: 'lost', force: false }]);
    await fixture.clock.settle();
    expect(fixture.stats.total).toBe(0);
  });

  it('tryAcquire never waits, never opens and never throws', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    expect(fixture.pool.tryAcquire()).toBeUndefined();
    expect(fixture.factory.resources).toHaveLength(0);
    expect(fixture.stats.acquires).toBe(0);
    const lease = await fixture.acquire();
    expect(fixture.pool.tryAcquire()).toBeUndefined();
    lease.release();
    fixture.pool.suspend();
    expect(fixture.pool.tryAcquire()).toBeUndefined();
    fixture.pool.resume();
    expect(fixture.pool.tryAcquire()?.release()).toBe(true);
    await fixture.clock.advance(501);
    expect(fixture.pool.tryAcquire()).toBeUndefined();
    expect(fixture.stats.checking).toBe(0);
  });

  it('cleaning: the next waiter gets the entry when it is clean, and another when cleaning fails', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    fixture.factory.script('recycle', hold);
    const first = await fixture.acquire();
    const second = fixture.acquire();
    first.release();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ checking: 1, waiting: 1, used: 0 });
    fixture.factory.take('recycle').succeed();
    const lease = await second;
    expect(lease.resource).toBe(first.resource);
    const third = fixture.acquire();
    lease.release();
    fixture.factory.take('recycle').fail(driverError('ER_UNKNOWN'));
    const replacement = await third;
    expect(replacement.resource).not.toBe(lease.resource);
    expect(lease.resource.closes).toEqual([{ reason: 'hygiene', force: true }]);
    fixture.factory.answers.recycle = () => succeed;
    replacement.release();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ resets: 2, idle: 1 });
  });

  it('a cleaning that throws at once closes the entry', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    const lease = await fixture.acquire();
    fixture.factory.script('recycle', throwing(driverError('ER_BUG')));
    expect(lease.release()).toBe(true);
    await fixture.clock.settle();
    expect(lease.resource.closes).toEqual([{ reason: 'hygiene', force: true }]);
  });

  it('a cleaning that takes too long closes the entry for its hygiene, and a late answer changes nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, validationTimeout: 100 });
    const failures = fixture.record('failed');
    fixture.factory.script('recycle', hold);
    const lease = await fixture.acquire();
    lease.release();
    await fixture.clock.advance(120);
    expect(lease.resource.closes).toEqual([{ reason: 'hygiene', force: true }]);
    expect(failures).toMatchObject([{ error: { message: 'No answer within 100 ms.', code: 'ETIMEDOUT' } }]);
    fixture.factory.take('recycle').succeed();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ total: 0, resets: 0 });
  });
});
