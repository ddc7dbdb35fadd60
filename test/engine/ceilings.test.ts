import { describe, expect, it } from 'vitest';
import { PoolError } from '../../src/engine/contract/errors.js';
import { hold } from './support/fake-factory.js';
import { PoolFixture } from './support/pool-fixture.js';

describe('setCeiling()', () => {
  it('the least of connectionLimit and of all ceilings is in force, and statistics show each of them', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 6, minIdle: 0 });
    expect(fixture.stats).toMatchObject({ limit: 6, connectionLimit: 6, ceilings: {} });
    fixture.pool.setCeiling('fleet', 4);
    fixture.pool.setCeiling('size', 3);
    expect(fixture.pool.limit).toBe(3);
    expect(fixture.stats).toMatchObject({ limit: 3, connectionLimit: 6, ceilings: { fleet: 4, size: 3 } });
    fixture.pool.resize({ connectionLimit: 2 });
    expect(fixture.stats).toMatchObject({ limit: 2, connectionLimit: 2 });
    fixture.pool.resize({ connectionLimit: 50 });
    expect(fixture.stats).toMatchObject({ limit: 3, connectionLimit: 50 });
    fixture.pool.setCeiling('size', undefined);
    expect(fixture.stats).toMatchObject({ limit: 4, ceilings: { fleet: 4 } });
    fixture.pool.setCeiling('fleet', 1_000);
    expect(fixture.pool.limit).toBe(50);
    expect(fixture.pool.options.connectionLimit).toBe(50);
  });

  it('I4: a lowered ceiling closes idle entries at once, and lent ones when they are released', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 6, minIdle: 0 });
    await fixture.warmUp(6);
    const leases = [await fixture.acquire(), await fixture.acquire(), await fixture.acquire()];
    fixture.pool.setCeiling('size', 2);
    expect(fixture.stats).toMatchObject({ used: 3, idle: 0, closing: 3, limit: 2 });
    for (const lease of leases) lease.release();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ idle: 2, total: 2, closedByReason: { surplus: 4 } });
  });

  it('I4: nothing is opened above it, though callers wait; a raised one serves them', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 6, minIdle: 0 });
    fixture.pool.setCeiling('fleet', 1);
    const lease = await fixture.acquire();
    const waiting = [fixture.acquire(), fixture.acquire()];
    await fixture.clock.advance(5_000);
    expect(fixture.stats).toMatchObject({ total: 1, opening: 0, waiting: 2 });
    fixture.pool.setCeiling('fleet', 3);
    for (const one of waiting) (await one).release();
    expect(fixture.stats).toMatchObject({ total: 3, waiting: 0 });
    lease.release();
  });

  it('what is opened ahead keeps below it, and ready() waits for no more', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 6, minIdle: 5 });
    fixture.pool.setCeiling('fleet', 2);
    await fixture.pool.ready();
    await fixture.clock.advance(5_000);
    expect(fixture.stats).toMatchObject({ idle: 2, total: 2, opening: 0 });
    fixture.pool.setCeiling('fleet', undefined);
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ idle: 5 });
  });

  it('a bound that is asked before each opening stops openings by itself, and closes nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 6, minIdle: 0 });
    let allowed = 2;
    fixture.pool.setCeiling('fleet', 4, () => allowed);
    const leases = [await fixture.acquire(), await fixture.acquire()];
    const waiting = fixture.acquire();
    await fixture.clock.advance(1_000);
    expect(fixture.stats).toMatchObject({ total: 2, opening: 0, waiting: 1, limit: 4 });
    allowed = 1;
    for (const lease of leases) lease.release();
    (await waiting).release();
    expect(fixture.stats).toMatchObject({ total: 2, idle: 2, waiting: 0 });
    fixture.pool.setCeiling('fleet', 4);
    const more = [await fixture.acquire(), await fixture.acquire(), await fixture.acquire()];
    expect(fixture.stats).toMatchObject({ total: 3 });
    for (const lease of more) lease.release();
  });

  it('with a time that has passed nothing is opened for the reserve either', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 6, minIdle: 3 });
    await fixture.pool.ready();
    fixture.pool.setCeiling('fleet', 3, () => 1);
    fixture.pool.evict();
    await fixture.clock.advance(5_000);
    expect(fixture.stats).toMatchObject({ total: 1 });
  });

  it('one that does not change the limit in force does nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    fixture.factory.script('open', hold);
    const waiting = fixture.acquire();
    fixture.pool.setCeiling('size', 2);
    fixture.pool.setCeiling('fleet', 9);
    fixture.pool.setCeiling('size', undefined);
    expect(fixture.stats).toMatchObject({ opening: 1, limit: 2 });
    fixture.factory.take('open').succeed();
    (await waiting).release();
  });

  it('counts as no place a caller could hope for when it decides who may wait', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 6, minIdle: 0, waitForConnections: false });
    fixture.pool.setCeiling('fleet', 1);
    const lease = await fixture.acquire();
    await expect(fixture.acquire()).rejects.toMatchObject({ code: 'POOL_QUEUE_FULL' });
    lease.release();
  });

  it('is refused below 1, in parts, and when it is no number; nothing changes then', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 6, minIdle: 0 });
    fixture.pool.setCeiling('fleet', 3);
    for (const count of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '4', null]) {
      expect(() => fixture.pool.setCeiling('fleet', count as number)).toThrow(PoolError);
    }
    expect(() => fixture.pool.setCeiling('fleet', 0)).toThrow("The ceiling 'fleet' must be a whole number, at least 1; given: 0.");
    expect(fixture.stats).toMatchObject({ limit: 3, ceilings: { fleet: 3 } });
  });

  it('may change while the pool drains and after its end', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3, minIdle: 0 });
    const leases = [await fixture.acquire(), await fixture.acquire()];
    const drained = fixture.pool.drain();
    fixture.pool.setCeiling('size', 1);
    for (const lease of leases) lease.release();
    await fixture.clock.settle();
    expect((await drained).complete).toBe(true);
    fixture.pool.setCeiling('size', undefined);
    expect(fixture.stats).toMatchObject({ state: 'closed', total: 0 });
  });
});
