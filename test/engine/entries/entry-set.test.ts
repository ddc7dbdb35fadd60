import { describe, expect, it } from 'vitest';
import { driverError, failWith, type FakeResource, hold, nothing, succeed, throwing } from '../support/fake-factory.js';
import { PoolFixture } from '../support/pool-fixture.js';
import { catchThrownInMicrotasks } from '../support/thrown-in-microtasks.js';

function loseIt(resource: FakeResource): void {
  resource.lose(driverError('EPIPE'));
}

describe('a resource that is lost', () => {
  it('I7: while idle is closed by force, and replaced for the minimum', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 1 });
    await fixture.clock.advance(1_000);
    const failures = fixture.record('failed');
    const error = driverError('PROTOCOL_CONNECTION_LOST');
    fixture.factory.resource(0).lose(error);
    expect(failures).toEqual([{ id: 1, error }]);
    expect(fixture.factory.resource(0).closes).toEqual([{ reason: 'lost', force: true }]);
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ idle: 1, opened: 2, closedByReason: { lost: 1 } });
  });

  it('I7: while lent ends the lease; releasing it later does nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    const lease = await fixture.acquire();
    lease.resource.lose();
    expect(lease.active).toBe(false);
    expect(lease.release()).toBe(false);
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ total: 0, used: 0, released: 1 });
  });

  it('I7: is replaced at once for waiters, where the limit leaves room', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    const leases = [await fixture.acquire(), await fixture.acquire()];
    const waiting = fixture.acquire();
    fixture.factory.script('close', hold);
    leases[0]?.resource.lose();
    expect(fixture.stats).toMatchObject({ closing: 1, opening: 0, waiting: 1 });
    fixture.factory.take('close').succeed();
    const served = await waiting;
    expect(served.resource.id).toBe(3);
    served.release();
    leases[1]?.release();
  });

  it('I7: while validated is closed; the answer that comes later changes nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    await fixture.warmUp(1);
    await fixture.clock.advance(600);
    fixture.factory.script('validate', hold);
    const waiting = fixture.acquire();
    fixture.factory.resource(0).lose();
    expect(fixture.factory.resource(0).closes).toEqual([{ reason: 'lost', force: true }]);
    fixture.factory.take('validate').succeed();
    const lease = await waiting;
    expect(lease.resource.id).toBe(2);
    lease.release();
    expect(fixture.stats).toMatchObject({ idle: 1, pings: 0 });
  });

  it('while cleaned is closed once; the failure that comes later changes nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    const failures = fixture.record('failed');
    fixture.factory.script('recycle', hold);
    const lease = await fixture.acquire();
    lease.release();
    lease.resource.lose();
    fixture.factory.take('recycle').fail(driverError('EPIPE'));
    await fixture.clock.settle();
    expect(failures).toHaveLength(1);
    expect(fixture.stats.closedByReason).toMatchObject({ lost: 1, hygiene: 0 });
  });

  it('while it is closed, is closed; afterwards, it is forgotten', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    const lease = await fixture.acquire();
    fixture.factory.script('close', hold);
    lease.destroy();
    expect(fixture.stats.closing).toBe(1);
    lease.resource.lose();
    expect(fixture.stats).toMatchObject({ closing: 0, closed: 1, closedByReason: { destroyed: 1 } });
    lease.resource.lose();
    fixture.factory.take('close').succeed();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ total: 0, closed: 1 });
  });
});

describe('a resource that is doomed', () => {
  it('I7: while idle is closed at once, and replaced for the minimum', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 1 });
    await fixture.clock.settle();
    fixture.factory.resource(0).context.doom();
    expect(fixture.pool.tryAcquire()).toBeUndefined();
    await fixture.clock.settle();
    expect(fixture.factory.resource(0).closes).toEqual([{ reason: 'lost', force: false }]);
    expect(fixture.stats).toMatchObject({ idle: 1, opened: 2 });
  });

  it('I7: while validated or cleaned is closed when that has ended', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    await fixture.warmUp(1);
    await fixture.clock.advance(600);
    fixture.factory.script('validate', hold);
    const waiting = fixture.acquire();
    fixture.factory.resource(0).context.doom();
    fixture.factory.take('validate').succeed();
    const lease = await waiting;
    expect(lease.resource.id).toBe(2);
    fixture.factory.script('recycle', hold);
    lease.release();
    lease.resource.context.doom();
    fixture.factory.take('recycle').succeed();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ total: 0, closedByReason: { lost: 2 } });
  });

  it('afterwards does nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    const lease = await fixture.acquire();
    lease.destroy();
    await fixture.clock.settle();
    lease.resource.context.doom();
    expect(lease.resource.closes).toHaveLength(1);
  });
});

describe('a resource that asks whether it is lent', () => {
  it('learns it, from its lending to its release', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.script('open', hold);
    const acquired = fixture.acquire();
    const { isLent } = fixture.factory.resource(0).context;
    expect(isLent()).toBe(false);
    fixture.factory.take('open').succeed();
    const lease = await acquired;
    expect(isLent()).toBe(true);
    fixture.factory.script('recycle', hold);
    lease.release();
    expect(isLent()).toBe(false);
    fixture.factory.take('recycle').succeed();
    await fixture.clock.settle();
    expect(isLent()).toBe(false);
    (await fixture.acquire()).destroy();
    expect(isLent()).toBe(false);
  });
});

describe('closing', () => {
  it('a goodbye that hangs is cut off after a second, and its place is free', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    await fixture.warmUp(1);
    fixture.factory.script('close', hold);
    fixture.pool.evict();
    const waiting = fixture.acquire();
    await fixture.clock.advance(900);
    expect(fixture.stats).toMatchObject({ closing: 1, opening: 0, waiting: 1 });
    await fixture.clock.advance(150);
    const resource = fixture.factory.resource(0);
    expect(resource.closes).toEqual([
      { reason: 'evicted', force: false },
      { reason: 'evicted', force: true },
    ]);
    (await waiting).release();
    fixture.factory.script('close', nothing);
    fixture.factory.take('close').fail(driverError('LATE'));
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ idle: 1, closed: 1 });
  });

  it('a close that throws or fails counts as closed', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.script('close', throwing(driverError('EPIPE')));
    (await fixture.acquire()).destroy();
    await fixture.clock.settle();
    fixture.factory.script('close', failWith(driverError('EPIPE')));
    (await fixture.acquire()).destroy();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ total: 0, opened: 2, closed: 2 });
  });

  it('I10: a resource that says goodbye may keep the process alive meanwhile, a lost one may not', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    fixture.factory.script('close', hold);
    await fixture.warmUp(2);
    const [idle, lost] = fixture.factory.resources;
    lost?.lose();
    fixture.pool.evict();
    expect(idle).toMatchObject({ parked: false, closes: [{ force: false }] });
    expect(lost).toMatchObject({ parked: true, closes: [{ force: true }] });
  });
});

describe('a factory that reports a loss while it is asked', () => {
  it('I1: to close: the entry is gone once, and nothing else is disturbed', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3, minIdle: 0 });
    await fixture.warmUp(3);
    fixture.factory.answers.close = (resource) => {
      loseIt(resource);
      return nothing;
    };
    fixture.pool.on('closed', () => {
      fixture.pool.tryAcquire()?.release();
    });
    fixture.pool.evict();
    expect(fixture.stats).toMatchObject({ total: 0, closed: 3 });
    const lease = await fixture.acquire();
    lease.destroy();
    expect(fixture.stats).toMatchObject({ total: 0, closed: 4, closedByReason: { destroyed: 1, evicted: 3 } });
  });

  it('I1: to close by force what would not say goodbye', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    await fixture.warmUp(1);
    fixture.factory.script('close', hold);
    fixture.pool.evict();
    fixture.factory.answers.close = (resource) => {
      loseIt(resource);
      return nothing;
    };
    const thrown: unknown[] = [];
    const restore = catchThrownInMicrotasks(thrown);
    await fixture.clock.advance(1_100);
    restore();
    expect(thrown).toEqual([]);
    expect(fixture.stats).toMatchObject({ total: 0, closed: 1 });
    (await fixture.acquire()).release();
    expect(fixture.stats.idle).toBe(1);
  });

  it('I7: to validate: the entry is closed, and never lent', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    await fixture.warmUp(1);
    await fixture.clock.advance(600);
    fixture.factory.answers.validate = (resource) => {
      loseIt(resource);
      return succeed;
    };
    const lease = await fixture.acquire();
    expect(lease.resource.id).toBe(2);
    expect(fixture.factory.resource(0).closes).toEqual([{ reason: 'lost', force: true }]);
    expect(fixture.stats).toMatchObject({ pings: 0, checking: 0, used: 1, total: 1 });
    lease.release();
  });

  it('I7: of what it has opened: the entry is closed, and counted', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    const opened = fixture.record('opened');
    fixture.pool.once('opened', () => fixture.factory.resource(0).lose());
    const lease = await fixture.pool.acquire();
    await fixture.clock.settle();
    expect(opened).toHaveLength(1);
    expect(lease.active).toBe(false);
    expect(fixture.stats).toMatchObject({ total: 0, opened: 1, closedByReason: { lost: 1 } });
  });
});

describe('a factory without its optional methods', () => {
  it('is enough', async () => {
    await using fixture = new PoolFixture(
      { name: 'bare', connectionLimit: 1 },
      { methods: { recycle: undefined, park: undefined, unpark: undefined, describe: undefined, isPermanent: undefined } },
    );
    const lease = await fixture.pool.acquire();
    expect(fixture.pool.borrowed()).toMatchObject([{ id: 1, description: '#1' }]);
    lease.release();
    fixture.factory.script('open', failWith(driverError('ECONNREFUSED')));
    fixture.pool.evict();
    await expect(fixture.pool.acquire()).rejects.toMatchObject({ code: 'POOL_CONNECT_FAILED' });
    expect(fixture.stats.connectErrorsByCode).toEqual({ ECONNREFUSED: 1 });
  });
});

describe('parking', () => {
  it('I11: a resource without a borrower is parked, even while it is validated', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 1, keepaliveInterval: 1_000 });
    await fixture.clock.settle();
    const resource = fixture.factory.resource(0);
    expect(resource.parked).toBe(true);
    fixture.factory.script('validate', hold);
    await fixture.clock.advance(2_000);
    expect([fixture.stats.checking, resource.parked]).toEqual([1, true]);
    fixture.factory.take('validate').succeed();
    await fixture.clock.settle();
    expect(resource.parked).toBe(true);
    const lease = await fixture.acquire();
    expect(resource.parked).toBe(false);
    const next = fixture.acquire();
    lease.release();
    const second = await next;
    expect(resource.parked).toBe(false);
    second.release();
    expect(resource.parked).toBe(true);
  });
});
