import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lease } from '../../../src/engine/entries/entry.js';
import type { AcquireOptions } from '../../../src/engine/lending/acquire-options.js';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { driverError, type FakeFactory, type FakeResource, hold } from '../support/fake-factory.js';
import { NotingWaiter } from '../support/noting-waiter.js';
import { expectCountersToAddUp, PoolFixture } from '../support/pool-fixture.js';
import { catchThrownInMicrotasks } from '../support/thrown-in-microtasks.js';

const bug = new Error('a bug of the caller');

function fail(): never {
  throw bug;
}

let thrown: unknown[] = [];
let restore: () => void = () => undefined;

beforeEach(() => {
  thrown = [];
  restore = catchThrownInMicrotasks(thrown);
});

afterEach(() => {
  restore();
});

function failing(before: (lease: Lease<FakeResource>) => void = () => undefined): NotingWaiter {
  return new NotingWaiter((lease) => {
    before(lease);
    fail();
  });
}

describe('a waiter whose granted() throws', () => {
  it('costs its own lease and nothing else: the queue is served on, and the error is thrown later', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    const [first, second] = [await fixture.acquire(), await fixture.acquire()];
    const [before, hostile, after] = [new NotingWaiter(), failing(), new NotingWaiter()];
    for (const waiter of [before, hostile, after]) fixture.pool.enqueue(waiter);
    expect(first.release()).toBe(true);
    expect(second.release()).toBe(true);
    expect(before.lease?.active).toBe(true);
    expect(hostile.lease?.active).toBe(false);
    await fixture.clock.settle();
    expect(after.lease?.active).toBe(true);
    expect(thrown).toEqual([bug]);
    expect(fixture.stats).toMatchObject({ waiting: 0, used: 2, closed: 1, closedByReason: { destroyed: 1 } });
    before.lease?.release();
    after.lease?.release();
    expect(hostile.lease?.release()).toBe(false);
    expect(fixture.pool.tryAcquire()?.release()).toBe(true);
  });

  it('does not stop the others of one round from being served', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3 });
    await fixture.warmUp(3);
    fixture.pool.suspend();
    const waiters = [new NotingWaiter(), failing(), new NotingWaiter()];
    for (const waiter of waiters) fixture.pool.enqueue(waiter);
    fixture.pool.resume();
    expect(waiters.map(({ lease }) => lease?.active)).toEqual([true, false, true]);
    await fixture.clock.settle();
    expect(thrown).toEqual([bug]);
    for (const { lease } of waiters) lease?.release();
    expectCountersToAddUp(fixture.stats);
  });

  it('gets an entry that was just opened, and the next one gets another', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    const [hostile, next] = [failing(), new NotingWaiter()];
    fixture.pool.enqueue(hostile);
    fixture.pool.enqueue(next);
    await fixture.clock.settle();
    expect(next.lease?.resource.id).toBe(2);
    next.lease?.release();
    expect(thrown).toEqual([bug]);
  });

  it('costs nothing when it had given its lease back before', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const next = new NotingWaiter();
    fixture.pool.enqueue(failing((granted) => granted.release()));
    fixture.pool.enqueue(next);
    lease.release();
    expect(next.lease?.resource).toBe(lease.resource);
    next.lease?.release();
    await fixture.clock.settle();
    expect(thrown).toEqual([bug]);
    expect(fixture.stats).toMatchObject({ opened: 1, closed: 0 });
  });

  it('may have closed, drained or suspended the pool before it throws', async () => {
    for (const act of ['close', 'drain', 'suspend'] as const) {
      await using fixture = new PoolFixture({ connectionLimit: 1 });
      const lease = await fixture.acquire();
      const next = new NotingWaiter();
      fixture.pool.enqueue(failing(() => void fixture.pool[act]()));
      fixture.pool.enqueue(next);
      lease.release();
      await fixture.clock.settle();
      fixture.pool.resume();
      await fixture.clock.settle();
      if (act === 'close') expect(next.error?.code).toBe('POOL_CLOSED');
      else expect(next.lease?.active).toBe(true);
      next.lease?.release();
      expect(thrown.splice(0)).toEqual([bug]);
    }
  });

  it('with fair scheduling gives its key’s share back', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, scheduling: 'fair', fairnessLimit: 1 });
    const next = new NotingWaiter();
    fixture.pool.enqueue(failing(), { fairnessKey: 'a' });
    fixture.pool.enqueue(next, { fairnessKey: 'a' });
    await fixture.clock.settle();
    expect(next.lease?.active).toBe(true);
    next.lease?.release();
    expect(thrown).toEqual([bug]);
  });
});

describe('a waiter whose refused() throws', () => {
  it('is counted, and the others are refused too, when the pool closes', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const [hostile, next] = [new NotingWaiter(undefined, fail), new NotingWaiter()];
    fixture.pool.enqueue(hostile);
    fixture.pool.enqueue(next);
    await fixture.pool.close();
    expect([hostile.error?.code, next.error?.code]).toEqual(['POOL_CLOSED', 'POOL_CLOSED']);
    expect(lease.active).toBe(false);
    expect(thrown).toEqual([bug]);
    expect(fixture.stats).toMatchObject({ refused: 2, waiting: 0, state: 'closed' });
  });

  it('does not keep a drain from ending when its time is up or its signal aborts', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, acquireTimeout: 100 });
    const lease = await fixture.acquire();
    const controller = new AbortController();
    const [late, aborted] = [new NotingWaiter(undefined, fail), new NotingWaiter(undefined, fail)];
    fixture.pool.enqueue(late);
    fixture.pool.enqueue(aborted, { signal: controller.signal, timeout: 0 });
    const drained = fixture.pool.drain({ timeout: 5_000 });
    await fixture.clock.advance(200);
    controller.abort();
    lease.release();
    await fixture.clock.settle();
    await expect(drained).resolves.toMatchObject({ complete: true });
    expect([late.error?.code, aborted.error?.code]).toEqual(['POOL_ACQUIRE_TIMEOUT', 'POOL_ABORTED']);
    expect(thrown).toEqual([bug, bug]);
  });

  it('settles when it is cancelled, times out, or is refused at once, and the caller sees no throw', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, acquireTimeout: 100 });
    const lease = await fixture.acquire();
    const waiters = Array.from({ length: 3 }, () => new NotingWaiter(undefined, fail));
    const [cancelled, late, invalid] = waiters as [NotingWaiter, NotingWaiter, NotingWaiter];
    fixture.pool.enqueue(cancelled);
    fixture.pool.enqueue(late);
    fixture.pool.enqueue(invalid, { timeout: -1 });
    expect(fixture.pool.cancel(cancelled, 'enough')).toBe(true);
    await fixture.clock.advance(200);
    expect(waiters.map(({ error }) => error?.code)).toEqual(['POOL_ABORTED', 'POOL_ACQUIRE_TIMEOUT', 'POOL_OPTION_INVALID']);
    expect(thrown).toEqual([bug, bug, bug]);
    lease.release();
  });

  it('does not keep the others from hearing that nothing can be opened', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.script('open', hold);
    const waiters = [new NotingWaiter(undefined, fail), new NotingWaiter()];
    for (const waiter of waiters) fixture.pool.enqueue(waiter);
    fixture.factory.take('open').fail(driverError('ECONNREFUSED'));
    await fixture.clock.settle();
    expect(waiters.map(({ error }) => error?.code)).toEqual(['POOL_CONNECT_FAILED', 'POOL_CONNECT_FAILED']);
    expect(thrown).toEqual([bug]);
  });

  it('makes room in a full queue anyway', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, scheduling: 'fair', queueLimit: 1 });
    const lease = await fixture.acquire();
    const [first, hostile, urgent] = [new NotingWaiter(), new NotingWaiter(undefined, fail), new NotingWaiter()];
    fixture.pool.enqueue(first);
    fixture.pool.enqueue(hostile, { priority: 'low' });
    fixture.pool.enqueue(urgent, { priority: 'high' });
    await fixture.clock.settle();
    expect(hostile.error?.code).toBe('POOL_QUEUE_FULL');
    expect(thrown).toEqual([bug]);
    expect(fixture.stats.waiting).toBe(1);
    lease.release();
    first.lease?.release();
    urgent.lease?.release();
  });
});

describe('options that cannot be read', () => {
  it('make acquire() reject and enqueue() throw, and leave no trace in the pool', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, scheduling: 'fair' });
    const before = fixture.stats;
    for (const name of ['timeout', 'signal', 'priority', 'fairnessKey']) {
      const options = Object.defineProperty({}, name, { get: fail, enumerable: true }) as AcquireOptions;
      await expect(fixture.pool.acquire(options)).rejects.toBe(bug);
      const waiter = new NotingWaiter();
      expect(() => fixture.pool.enqueue(waiter, options)).toThrow(bug);
      expect(waiter.queued).toBe(false);
    }
    expect(fixture.stats).toMatchObject({ acquires: before.acquires, waiting: 0 });
  });

  it('are read once: what a second look would find does not matter', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, scheduling: 'fair' });
    const lease = await fixture.acquire();
    let looks = 0;
    const options: AcquireOptions = {
      get priority(): 'low' {
        looks += 1;
        return looks > 1 ? fail() : 'low';
      },
    };
    const waiter = new NotingWaiter();
    fixture.pool.enqueue(waiter, options);
    expect([looks, waiter.queued]).toEqual([1, true]);
    lease.release();
    waiter.lease?.release();
  });

  it('a signal whose state cannot be read makes acquire() reject, and nothing is counted', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    await fixture.warmUp(1);
    const signal = Object.defineProperty(new EventTarget(), 'aborted', { get: fail }) as AbortSignal;
    const before = fixture.stats.acquires;
    await expect(fixture.pool.acquire({ signal })).rejects.toBe(bug);
    expect(fixture.stats.acquires).toBe(before);
  });

  it('a signal that cannot be listened to is refused', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const signal = { aborted: false, addEventListener: fail, removeEventListener: fail } as unknown as AbortSignal;
    const waiter = new NotingWaiter();
    fixture.pool.enqueue(waiter, { signal });
    expect(waiter.error).toMatchObject({ code: 'POOL_OPTION_INVALID', cause: bug });
    await expect(fixture.pool.acquire({ signal })).rejects.toMatchObject({ code: 'POOL_OPTION_INVALID', cause: bug });
    expect(fixture.stats).toMatchObject({ waiting: 0, refused: 2 });
  });

  it('a signal whose listener cannot be taken away costs nothing but a later throw', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const signal = { aborted: false, addEventListener: () => undefined, removeEventListener: fail } as unknown as AbortSignal;
    const [first, next] = [new NotingWaiter(), new NotingWaiter()];
    fixture.pool.enqueue(first, { signal });
    fixture.pool.enqueue(next);
    lease.release();
    expect(first.lease?.active).toBe(true);
    first.lease?.release();
    expect(next.lease?.active).toBe(true);
    next.lease?.release();
    await fixture.clock.settle();
    expect(thrown).toEqual([bug]);
  });

  it('a signal that aborts for a reason that cannot be read ends the wait', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const controller = new AbortController();
    Object.defineProperty(controller.signal, 'reason', { get: fail });
    const waiter = new NotingWaiter();
    fixture.pool.enqueue(waiter, { signal: controller.signal });
    controller.abort();
    expect(waiter.error?.code).toBe('POOL_ABORTED');
    lease.release();
  });
});

describe('what else runs foreign code in the middle of a transition', () => {
  it('refuseWaiting() passes on what its function throws, and the waiters continue to wait', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const waiters = [new NotingWaiter(), new NotingWaiter()];
    for (const waiter of waiters) fixture.pool.enqueue(waiter);
    expect(() => fixture.pool.refuseWaiting(fail)).toThrow(bug);
    expect(fixture.stats).toMatchObject({ waiting: 2, refused: 0 });
    lease.release();
    for (const waiter of waiters) waiter.lease?.release();
    expectCountersToAddUp(fixture.stats);
  });

  it('refuseWaiting() refuses each waiter once, even when its function takes one out', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const waiters = [new NotingWaiter(), new NotingWaiter()];
    for (const waiter of waiters) fixture.pool.enqueue(waiter);
    fixture.pool.refuseWaiting(() => {
      fixture.pool.cancel(waiters[1] as NotingWaiter, 'with the first');
      return new PoolError('POOL_BREAKER_OPEN', 'Refused.');
    });
    expect(waiters.map(({ error }) => error?.code)).toEqual(['POOL_BREAKER_OPEN', 'POOL_ABORTED']);
    expect(fixture.stats).toMatchObject({ refused: 1, cancelled: 1, waiting: 0 });
    lease.release();
  });

  it.each(['acquire', 'use', 'connect'] as const)(
    'an observer of %s durations that throws disturbs neither the pool nor the others',
    async (which) => {
      await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
      const heard: number[] = [];
      fixture.pool.observeDurations(which, fail);
      fixture.pool.observeDurations(which, (durationMs) => heard.push(durationMs));
      const lease = await fixture.acquire();
      const next = new NotingWaiter();
      fixture.pool.enqueue(next);
      lease.release();
      expect(next.lease?.active).toBe(true);
      next.lease?.release();
      await fixture.clock.settle();
      expect(heard.length).toBeGreaterThan(0);
      expect(thrown).toEqual(heard.map(() => bug));
    },
  );

  it.each(['acquire', 'use'] as const)('I1: an observer of %s durations that borrows and closes gets no entry twice', async (which) => {
    await using fixture = new PoolFixture({ connectionLimit: 2 });
    await fixture.warmUp(2);
    const taken: Lease<FakeResource>[] = [];
    const stop = fixture.pool.observeDurations(which, () => {
      const lease = fixture.pool.tryAcquire();
      if (lease === undefined || taken.length > 4) return;
      fixture.factory.borrowed(lease.resource);
      taken.push(lease);
    });
    const lease = await fixture.acquire();
    await fixture.clock.settle();
    lease.release();
    await fixture.clock.settle();
    expect(taken.length).toBeGreaterThan(0);
    stop();
    for (const one of taken) one.release();
    expect(fixture.factory.violations).toEqual([]);
  });

  it.each([
    ['has no text', Object.create(null)],
    ['has fields that throw', new Proxy({}, { get: fail, has: fail })],
    ['has a message that throws', Object.defineProperty(new Error('hidden'), 'message', { get: fail })],
    ['has a code that throws', Object.defineProperty(new Error('shown'), 'code', { get: fail })],
  ])('an opening that fails with an error that %s is a failed opening as any other', async (_, error: unknown) => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.answers.open = () => ({ kind: 'fail', error });
    const waiters = [new NotingWaiter(), new NotingWaiter()];
    for (const waiter of waiters) fixture.pool.enqueue(waiter);
    await fixture.clock.settle();
    expect(waiters.map((waiter) => waiter.error?.code)).toEqual(['POOL_CONNECT_FAILED', 'POOL_CONNECT_FAILED']);
    expect(fixture.stats).toMatchObject({ connectErrors: 1, waiting: 0 });
  });

  it('a cleaning that is no promise, or cannot be asked, closes the entry or lends it again', async () => {
    const cleanings: unknown[] = [true, new Proxy({}, { get: () => fail }), new Proxy({}, { get: fail })];
    for (const cleaning of cleanings) {
      await using fixture = new PoolFixture({ connectionLimit: 1 }, { methods: { recycle: () => cleaning as Promise<void> } });
      const lease = await fixture.pool.acquire();
      const next = new NotingWaiter();
      fixture.pool.enqueue(next);
      expect(lease.release()).toBe(true);
      await fixture.clock.settle();
      expect(next.lease?.active).toBe(true);
      next.lease?.release();
      await fixture.clock.settle();
    }
  });

  it('I7: a resource that is lost while it is cleaned, unparked or parked is not lent again', async () => {
    for (const method of ['recycle', 'unpark', 'park'] as const) {
      let losing: FakeResource | undefined;
      const prepare = (factory: FakeFactory): void => {
        const { [method]: original } = factory;
        factory[method] = (resource: FakeResource): undefined => {
          Reflect.apply(original, factory, [resource, 'lent']);
          if (losing === resource) resource.lose();
        };
      };
      await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 }, { prepare });
      await fixture.warmUp(1);
      losing = fixture.factory.resource(0);
      fixture.pool.tryAcquire()?.release();
      await fixture.clock.settle();
      expect(fixture.stats).toMatchObject({ idle: 0, used: 0, closed: 1, closedByReason: { lost: 1 } });
      const lease = await fixture.pool.acquire();
      expect(lease.resource.id).toBe(2);
      lease.release();
    }
  });
});
