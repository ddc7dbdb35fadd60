import { describe, expect, it, vi } from 'vitest';
import { Pool, PoolError, systemClock } from '../../src/engine/index.js';
import { driverError, hold, nothing, succeed } from './support/fake-factory.js';
import { errorOf, PoolFixture } from './support/pool-fixture.js';

describe('making a pool', () => {
  it('refuses options that it does not know or cannot take, and leaves no timer', () => {
    const setTimer = vi.spyOn(systemClock, 'setTimer');
    const factory = { open: () => Promise.resolve({}), close: () => undefined, validate: () => Promise.resolve() };
    expect(() => new Pool(factory, { connectionLimit: 0 })).toThrow(PoolError);
    expect(() => new Pool(factory, { conectionLimit: 5 } as object)).toThrow('Did you mean connectionLimit?');
    expect(setTimer).not.toHaveBeenCalled();
    setTimer.mockRestore();
  });

  it('works on the system’s clock without further ado', async () => {
    const closed: string[] = [];
    const pool = new Pool({
      open: () => Promise.resolve('a resource'),
      close: (resource: string) => {
        closed.push(resource);
        return undefined;
      },
      validate: () => Promise.resolve(),
    });
    const lease = await pool.acquire();
    expect(lease.resource).toBe('a resource');
    lease.release();
    expect(pool.tryAcquire()?.release()).toBe(true);
    await pool.close();
    expect(closed).toContain('a resource');
    expect(pool.stats().acquired).toBe(2);
  });

  it('shows its name, options and state', async () => {
    await using fixture = new PoolFixture({ name: 'orders', connectionLimit: 7 });
    expect(fixture.pool.name).toBe('orders');
    expect(fixture.pool.options).toMatchObject({ connectionLimit: 7, maxIdle: 7 });
    expect(Object.isFrozen(fixture.pool.options)).toBe(true);
    expect([fixture.pool.state, fixture.pool.waiting]).toEqual(['running', 0]);
  });
});

describe('resources()', () => {
  it('lists what is open, and which of it is not borrowed', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 6, minIdle: 0 });
    await fixture.warmUp(4);
    const [lent, cleaned, closing] = [await fixture.acquire(), await fixture.acquire(), await fixture.acquire()];
    fixture.factory.script('recycle', hold);
    cleaned.release();
    fixture.factory.script('close', hold);
    closing.destroy();
    fixture.factory.script('open', hold);
    const waiting = [fixture.acquire(), fixture.acquire()];
    (await (waiting[0] as Promise<typeof lent>)).evict();
    const [, , , idle] = [closing, cleaned, lent, fixture.factory.resource(0)];
    expect(fixture.stats).toMatchObject({ used: 2, checking: 1, closing: 1, opening: 0, waiting: 1 });
    expect(fixture.pool.used).toBe(2);
    expect(new Set(fixture.pool.resources('all'))).toEqual(new Set([lent.resource, cleaned.resource, idle]));
    expect(fixture.pool.resources('idle')).toEqual([]);
    fixture.factory.take('recycle').succeed();
    const served = await (waiting[1] as Promise<typeof lent>);
    fixture.factory.script('recycle', nothing);
    served.release();
    expect(fixture.pool.resources('idle')).toEqual([served.resource]);
    lent.release();
    expect(fixture.pool.used).toBe(1);
  });
});

describe('resize()', () => {
  it('I4: a lowered limit closes idle entries at once, from the oldest, and lent ones when they are released', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 6, minIdle: 0 });
    await fixture.warmUp(6);
    const leases = [await fixture.acquire(), await fixture.acquire(), await fixture.acquire()];
    fixture.pool.resize({ connectionLimit: 2 });
    expect(fixture.stats).toMatchObject({ used: 3, idle: 0, closing: 3, limit: 2 });
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ total: 3, closedByReason: { surplus: 3 } });
    for (const lease of leases) lease.release();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ idle: 2, total: 2, closedByReason: { surplus: 4 } });
  });

  it('closes no more than the surplus, however many are released in one turn', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 6, minIdle: 0 });
    const leases = await Promise.all(Array.from({ length: 6 }, () => fixture.acquire()));
    fixture.factory.script('close', hold);
    fixture.pool.resize({ connectionLimit: 4 });
    for (const lease of leases) lease.release();
    expect(fixture.stats).toMatchObject({ idle: 4, closing: 2 });
    fixture.factory.take('close').succeed();
    fixture.factory.take('close').succeed();
  });

  it('I4: nothing is opened while a lowered limit is worked off, though a caller waits', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3, minIdle: 0 });
    const leases = await Promise.all(Array.from({ length: 3 }, () => fixture.acquire()));
    const waiting = fixture.acquire();
    fixture.pool.resize({ connectionLimit: 1 });
    leases[0]?.release();
    leases[1]?.release();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ used: 1, opening: 0, waiting: 1, closedByReason: { surplus: 2 } });
    leases[2]?.release();
    const lease = await waiting;
    expect(lease.resource).toBe(leases[2]?.resource);
    lease.release();
  });

  it('a raised limit serves the waiters', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    const lease = await fixture.acquire();
    const waiting = [fixture.acquire(), fixture.acquire()];
    fixture.pool.resize({ connectionLimit: 3 });
    for (const one of waiting) (await one).release();
    expect(lease.active).toBe(true);
    lease.release();
  });

  it('a raised minimum is opened, a lowered maxIdle is worked off', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 5, minIdle: 0 });
    fixture.pool.resize({ minIdle: 4 });
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ idle: 4, minIdle: 4 });
    fixture.pool.resize({ maxIdle: 1 });
    await fixture.clock.advance(1_000);
    expect(fixture.stats).toMatchObject({ idle: 1, minIdle: 1, maxIdle: 1 });
  });

  it('refuses what it would refuse at the start, and changes nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 5 });
    const before = fixture.pool.options;
    for (const change of [{ connectionLimit: 0 }, { minIdle: 6 }, { connectionLimit: 'ten' }, { acquireTimeout: 5 }]) {
      expect(() => fixture.pool.resize(change as object)).toThrow(PoolError);
    }
    expect(fixture.pool.options).toBe(before);
  });
});

describe('evict()', () => {
  it('closes what is idle now and what is lent when it is released; new ones are opened as needed', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 4, minIdle: 1 });
    await fixture.warmUp(3);
    const lease = await fixture.acquire();
    fixture.pool.evict();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ used: 1, idle: 1, closedByReason: { evicted: 3 } });
    expect(lease.active).toBe(true);
    lease.release();
    await fixture.clock.settle();
    expect(lease.resource.closes).toEqual([{ reason: 'evicted', force: false }]);
    expect(fixture.pool.tryAcquire()?.release()).toBe(true);
  });

  it('closes what is being validated or cleaned when that has ended', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.script('recycle', hold);
    const lease = await fixture.acquire();
    lease.release();
    fixture.pool.evict();
    fixture.factory.take('recycle').succeed();
    await fixture.clock.settle();
    expect(lease.resource.closes).toEqual([{ reason: 'evicted', force: false }]);
    expect(fixture.stats.total).toBe(0);
  });

  it('I2, I4: a storm of it starves no waiter and never goes above the limit', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 5, minIdle: 3 });
    fixture.factory.script('open', { kind: 'succeed', afterMs: 150 });
    const uses: Promise<number>[] = [];
    for (let round = 0; round < 100; round += 1) {
      uses.push(fixture.use(20));
      fixture.pool.evict();
      await fixture.clock.advance(30);
      const { total, opening } = fixture.stats;
      expect(total + opening).toBeLessThanOrEqual(5);
    }
    await fixture.clock.advance(5_000);
    expect(await Promise.all(uses)).toHaveLength(100);
    expect(fixture.stats).toMatchObject({ waiting: 0, used: 0, acquired: 100 });
  });
});

describe('suspend() and resume()', () => {
  it('lends nothing until it is resumed; borrowers are not disturbed', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2 });
    const states = fixture.record('stateChanged');
    const lease = await fixture.acquire();
    fixture.pool.suspend();
    expect(fixture.pool.state).toBe('suspended');
    const waiting = fixture.acquire();
    expect(lease.release()).toBe(true);
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ waiting: 1, used: 0 });
    fixture.pool.resume();
    (await waiting).release();
    expect(states).toEqual([
      { from: 'running', to: 'suspended' },
      { from: 'suspended', to: 'running' },
    ]);
  });

  it('I2: deadlines still pass meanwhile, and the errors say why', async () => {
    await using fixture = new PoolFixture({ name: 'orders', connectionLimit: 1, acquireTimeout: 1_000 });
    fixture.pool.suspend();
    const waiting = errorOf(fixture.acquire(), 'POOL_SUSPENDED');
    await fixture.clock.advance(1_016);
    expect((await waiting).message).toMatch(/^No connection within 10\d\d ms: pool 'orders' is suspended\.$/u);
    expect(fixture.stats.timedOut).toBe(1);
  });

  it('opens nothing while suspended, and reports failed openings to no waiter; afterwards every waiter is served', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3, minIdle: 1 }, { prepare: (factory) => factory.script('open', hold) });
    fixture.pool.suspend();
    const waiting = [fixture.acquire({ timeout: 0 }), fixture.acquire({ timeout: 0 })];
    fixture.factory.take('open').fail(driverError('ECONNREFUSED'));
    await fixture.clock.advance(30_000);
    expect(fixture.stats).toMatchObject({ waiting: 2, opening: 0, connectErrors: 1 });
    fixture.factory.script('open', succeed);
    fixture.pool.resume();
    for (const one of waiting) (await one).release();
    expect(fixture.stats.acquired).toBe(2);
  });

  it('an opening that ends while suspended joins the pool, or goes when it is outdated', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3, minIdle: 0 });
    fixture.factory.script('open', hold);
    const waiting = [fixture.acquire(), fixture.acquire()];
    fixture.pool.suspend();
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ idle: 1, opening: 1, waiting: 2 });
    fixture.pool.evict();
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ idle: 0, opening: 0, closedByReason: { evicted: 2 } });
    fixture.factory.script('open', succeed);
    fixture.pool.resume();
    for (const one of waiting) (await one).release();
    expect(fixture.stats.waiting).toBe(0);
  });

  it('suspending twice, and resuming what runs, does nothing', async () => {
    await using fixture = new PoolFixture({ minIdle: 0 });
    const states = fixture.record('stateChanged');
    fixture.pool.resume();
    fixture.pool.suspend();
    fixture.pool.suspend();
    fixture.pool.resume();
    fixture.pool.resume();
    expect(states).toHaveLength(2);
  });
});
