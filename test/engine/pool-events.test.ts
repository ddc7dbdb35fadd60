import { describe, expect, it } from 'vitest';
import { driverError, failWith, succeed } from './support/fake-factory.js';
import { NotingWaiter } from './support/noting-waiter.js';
import { errorOf, expectCountersToAddUp, PoolFixture } from './support/pool-fixture.js';
import { catchThrownInMicrotasks } from './support/thrown-in-microtasks.js';

describe('events', () => {
  it('report what happens to entries', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    const [opened, closed, connectFailed] = [fixture.record('opened'), fixture.record('closed'), fixture.record('connectFailed')];
    fixture.factory.script('open', { kind: 'succeed', afterMs: 30 });
    const waiting = fixture.acquire();
    await fixture.clock.advance(30);
    const lease = await waiting;
    await fixture.clock.advance(70);
    lease.destroy();
    await fixture.clock.settle();
    const refused = driverError('ECONNREFUSED');
    fixture.factory.script('open', failWith(refused));
    await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    expect(opened).toEqual([{ id: 1, openMs: 30 }]);
    expect(closed).toEqual([{ id: 1, reason: 'destroyed', ageMs: 100 }]);
    expect(connectFailed).toEqual([{ id: 2, error: refused, code: 'ECONNREFUSED', retryInMs: 100 }]);
  });

  it('a listener that throws is the process’s problem: the pool and the other listeners continue', async () => {
    const thrown: unknown[] = [];
    const restore = catchThrownInMicrotasks(thrown);
    try {
      await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 1, leakDetectionThreshold: 100 });
      const heard: string[] = [];
      const events = ['opened', 'closed', 'connectFailed', 'failed', 'leak', 'leakReturned', 'stateChanged'] as const;
      for (const event of events) {
        fixture.pool.on(event, () => {
          throw new Error(`a bug in a listener of ${event}`);
        });
        fixture.pool.on(event, () => heard.push(event));
      }
      const lease = await fixture.acquire();
      const waiting = fixture.acquire();
      await fixture.clock.advance(1_000);
      lease.release();
      (await waiting).resource.lose();
      fixture.factory.script('open', failWith(driverError('ECONNREFUSED')));
      fixture.pool.evict();
      await fixture.clock.advance(1_000);
      fixture.pool.suspend();
      fixture.factory.script('open', succeed);
      fixture.pool.resume();
      await fixture.clock.advance(1_000);
      (await fixture.acquire()).release();
      expectCountersToAddUp(fixture.stats);
      await fixture.pool.close();
      await fixture.clock.settle();
      expect(new Set(heard)).toEqual(new Set(events));
      expect(thrown).toHaveLength(heard.length);
    } finally {
      restore();
    }
  });

  it('a listener that listens once is called once', async () => {
    await using fixture = new PoolFixture({ minIdle: 0 });
    let heard = 0;
    fixture.pool.once('stateChanged', () => {
      heard += 1;
    });
    fixture.pool.suspend();
    fixture.pool.resume();
    expect(heard).toBe(1);
  });
});

describe('what a listener does to the pool while it runs', () => {
  it('I7: of a failure: taking an entry never takes the one that failed', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    await fixture.warmUp(1);
    const taken: (number | undefined)[] = [];
    fixture.pool.on('failed', () => {
      const lease = fixture.pool.tryAcquire();
      taken.push(lease?.resource.id);
      lease?.release();
    });
    // In the moment in which it was proven to work.
    fixture.factory.resource(0).lose();
    expect(taken).toEqual([undefined]);
    await fixture.clock.settle();
    expectCountersToAddUp(fixture.stats);
    expect(fixture.stats.total).toBe(0);
  });

  it('of a failure: closing the pool closes the failed entry once', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    const lease = await fixture.acquire();
    let closed: Promise<void> | undefined;
    fixture.pool.on('failed', () => {
      closed = fixture.pool.close();
    });
    lease.resource.lose();
    await closed;
    expect(lease.resource.closes).toEqual([{ reason: 'lost', force: true }]);
    expect(fixture.stats).toMatchObject({ total: 0, closed: 1 });
  });

  it('of a leak that came back: closing the pool, or losing the resource, happens once to it', async () => {
    for (const act of ['close', 'lose', 'evict'] as const) {
      await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, leakDetectionThreshold: 100 });
      const lease = await fixture.acquire();
      await fixture.clock.advance(1_000);
      expect(fixture.stats.leaks).toBe(1);
      fixture.pool.on('leakReturned', () => {
        if (act === 'close') void fixture.pool.close();
        else if (act === 'lose') lease.resource.lose();
        else fixture.pool.evict();
      });
      lease.release();
      await fixture.clock.settle();
      expect(lease.resource.closes).toHaveLength(1);
      expect(fixture.stats).toMatchObject({ total: 0, closed: 1, released: 1 });
    }
  });

  it('of an end: acquiring is served as usual', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    const waiter = new NotingWaiter((lease) => lease.release());
    fixture.pool.once('closed', () => fixture.pool.enqueue(waiter));
    (await fixture.acquire()).destroy();
    await fixture.clock.settle();
    expect(waiter.lease?.resource.id).toBe(2);
    expect(fixture.stats).toMatchObject({ idle: 1, waiting: 0 });
  });

  it('of a failed opening: closing the pool, or acquiring, settles every waiter', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.script('open', failWith(driverError('ECONNREFUSED')));
    const waiter = new NotingWaiter();
    fixture.pool.once('connectFailed', () => fixture.pool.enqueue(waiter));
    await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    expect(waiter.error?.code).toBe('POOL_CONNECT_FAILED');
    let closed: Promise<void> | undefined;
    fixture.pool.once('connectFailed', () => {
      closed = fixture.pool.close();
    });
    const waiting = errorOf(fixture.acquire(), 'POOL_CLOSED');
    await fixture.clock.advance(750);
    await waiting;
    await closed;
    expect(fixture.clock.pendingTimers).toBe(0);
  });

  it('of a change of state: changing it again', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.pool.once('stateChanged', () => fixture.pool.resume());
    fixture.pool.suspend();
    expect(fixture.pool.state).toBe('running');
    fixture.pool.suspend();
    fixture.pool.once('stateChanged', () => fixture.pool.suspend());
    const waiting = fixture.acquire();
    fixture.pool.resume();
    expect(fixture.stats).toMatchObject({ state: 'suspended', waiting: 1 });
    fixture.pool.resume();
    (await waiting).release();
  });

  it('of a leak: taking the entry away from its borrower', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0, leakDetectionThreshold: 100 });
    const leases = [await fixture.acquire(), await fixture.acquire()];
    fixture.pool.on('leak', ({ id }) => leases.find(({ resource }) => resource.id === id)?.destroy());
    await fixture.clock.advance(1_000);
    expect(leases.map(({ active }) => active)).toEqual([false, false]);
    expect(fixture.stats).toMatchObject({ leaks: 2, total: 0, closedByReason: { destroyed: 2 } });
  });
});
