import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Lease } from '../../../src/engine/entries/entry.js';
import { type FakeResource, hold } from '../support/fake-factory.js';
import { NotingWaiter } from '../support/noting-waiter.js';
import { errorOf, expectCountersToAddUp, PoolFixture } from '../support/pool-fixture.js';

describe('the queue', () => {
  it('I3: serves waiters in order of arrival, no matter who releases', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2 });
    const leases = [await fixture.acquire(), await fixture.acquire()];
    const order: number[] = [];
    const served = [0, 1, 2, 3, 4].map(async (index) => {
      const lease = await fixture.acquire();
      order.push(index);
      return lease;
    });
    expect(fixture.pool.waiting).toBe(5);
    leases[1]?.release();
    leases[0]?.release();
    (await (served[0] as Promise<Lease<FakeResource>>)).release();
    (await (served[1] as Promise<Lease<FakeResource>>)).release();
    (await (served[2] as Promise<Lease<FakeResource>>)).release();
    for (const lease of await Promise.all(served)) lease.release();
    expect(order).toEqual([0, 1, 2, 3, 4]);
    expect(fixture.stats).toMatchObject({ acquired: 7, released: 7, waiting: 0, idle: 2 });
  });

  it('I3: no caller overtakes the waiters, not even with an entry that came free in this turn', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const waiting = fixture.acquire();
    lease.release();
    expect(fixture.pool.tryAcquire()).toBeUndefined();
    const late = fixture.acquire();
    (await waiting).release();
    (await late).release();
    expect(fixture.stats.acquired).toBe(3);
  });

  it('I2: an acquire with a timeout that is no number of milliseconds is refused', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    for (const [timeout, given] of [
      [-1, '-1'],
      [Number.NaN, 'NaN'],
      ['5', "'5'"],
      [null, 'null'],
    ]) {
      const error = await errorOf(fixture.acquire({ timeout: timeout as number }), 'POOL_OPTION_INVALID');
      expect(error.message).toBe(`timeout must be a number of milliseconds, at least 0; given: ${given}.`);
    }
    expect(fixture.stats).toMatchObject({ refused: 4, acquires: 4 });
  });

  it('I2, I12: an acquire with a value that is not a signal is refused', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const wrong: readonly (readonly [unknown, string])[] = [
      [{ aborted: false }, 'an object'],
      ['abort', "'abort'"],
      [null, 'null'],
    ];
    for (const [signal, given] of wrong) {
      const error = await errorOf(fixture.acquire({ signal: signal as AbortSignal }), 'POOL_OPTION_INVALID');
      expect(error.message).toBe(`signal must be an AbortSignal; given: ${given}.`);
    }
    expectCountersToAddUp(fixture.stats);
    expect(fixture.stats).toMatchObject({ refused: 3, waiting: 0 });
  });

  it('I2: a timeout of zero or Infinity waits forever', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const waiting = [fixture.acquire({ timeout: 0 }), fixture.acquire({ timeout: Number.POSITIVE_INFINITY })];
    await fixture.clock.advance(3600 * 1000);
    expect(fixture.pool.waiting).toBe(2);
    lease.release();
    for (const one of waiting) (await one).release();
    expect(fixture.stats.acquired).toBe(3);
  });

  it('I2: a deadline is absolute: set once, counted from the acquire', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, acquireTimeout: 1_000 });
    const lease = await fixture.acquire();
    const timedOut = errorOf(fixture.acquire(), 'POOL_ACQUIRE_TIMEOUT');
    await fixture.clock.advance(600);
    fixture.pool.suspend();
    await fixture.clock.advance(200);
    fixture.pool.resume();
    await fixture.clock.advance(199);
    expect(fixture.stats).toMatchObject({ waiting: 1, longestWaitMs: 999 });
    await fixture.clock.advance(17);
    expect((await timedOut).message).toContain('No connection within');
    expect(fixture.stats).toMatchObject({ waiting: 0, timedOut: 1 });
    lease.release();
  });

  it('ten thousand waiters share one timer, however they end', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, acquireTimeout: 500 });
    const lease = await fixture.acquire();
    const before = fixture.clock.timersSet;
    const waiters = Array.from({ length: 10_000 }, () => new NotingWaiter());
    for (const waiter of waiters) fixture.pool.enqueue(waiter);
    expect(fixture.clock.timersSet - before).toBeLessThanOrEqual(1);
    for (const waiter of waiters.slice(0, 5_000)) expect(fixture.pool.cancel(waiter, 'enough')).toBe(true);
    expect(fixture.clock.timersSet - before).toBeLessThanOrEqual(1);
    await fixture.clock.advance(520);
    expect(waiters.slice(0, 5_000).every(({ error }) => error?.code === 'POOL_ABORTED')).toBe(true);
    expect(waiters.slice(5_000).every(({ error }) => error?.code === 'POOL_ACQUIRE_TIMEOUT')).toBe(true);
    expect(fixture.stats).toMatchObject({ cancelled: 5_000, timedOut: 5_000, waiting: 0 });
    lease.release();
  });

  it('I11: a process stays alive while a caller waits, even without a deadline, and not otherwise', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    expect(fixture.clock.referencedTimers).toBe(0);
    const patient = fixture.acquire({ timeout: 0 });
    expect(fixture.clock.referencedTimers).toBe(1);
    lease.release();
    const second = await patient;
    expect(fixture.clock.referencedTimers).toBe(0);
    const controller = new AbortController();
    const aborted = errorOf(fixture.acquire({ signal: controller.signal, timeout: 50 }), 'POOL_ABORTED');
    expect(fixture.clock.referencedTimers).toBe(1);
    controller.abort();
    await aborted;
    expect(fixture.clock.referencedTimers).toBe(0);
    second.release();
  });

  it('I3: a waiter whose time is over in the turn in which an entry comes free gets either, not both', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, acquireTimeout: 1_000 });
    const lease = await fixture.acquire();
    const waiter = new NotingWaiter();
    fixture.pool.enqueue(waiter);
    await fixture.clock.advance(1_016);
    lease.release();
    expect(waiter.error?.code).toBe('POOL_ACQUIRE_TIMEOUT');
    expect(waiter.lease).toBeUndefined();
    expect(fixture.stats).toMatchObject({ idle: 1, used: 0, timedOut: 1 });
  });
});

describe('giving up', () => {
  it('I3: a waiter that was cancelled never gets an entry', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const [first, second] = [new NotingWaiter(), new NotingWaiter()];
    fixture.pool.enqueue(first);
    fixture.pool.enqueue(second);
    expect(fixture.pool.cancel(first, new Error('the client went away'))).toBe(true);
    expect(fixture.pool.cancel(first, 'again')).toBe(false);
    expect(first.error).toMatchObject({
      code: 'POOL_ABORTED',
      message: 'The caller stopped waiting for a connection.',
      cause: new Error('the client went away'),
      pool: { waiting: 1, used: 1 },
    });
    lease.release();
    expect(first.lease).toBeUndefined();
    expect(second.lease?.active).toBe(true);
    expect(fixture.pool.cancel(second, 'too late')).toBe(false);
    second.lease?.release();
    expect(fixture.stats).toMatchObject({ cancelled: 1, acquired: 2 });
  });

  it('a waiter that waits elsewhere, or nowhere, cannot be cancelled here', async () => {
    await using here = new PoolFixture({ connectionLimit: 1 });
    await using elsewhere = new PoolFixture({ connectionLimit: 1 });
    const lease = await elsewhere.acquire();
    const waiter = new NotingWaiter();
    expect(here.pool.cancel(waiter, 'x')).toBe(false);
    elsewhere.pool.enqueue(waiter);
    expect(here.pool.cancel(waiter, 'x')).toBe(false);
    expect([here.pool.waiting, elsewhere.pool.waiting]).toEqual([0, 1]);
    lease.release();
    waiter.lease?.release();
    expect(elsewhere.stats.released).toBe(2);
  });

  it('a waiter that waits already cannot be queued again', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const waiter = new NotingWaiter();
    fixture.pool.enqueue(waiter);
    expect(waiter.queued).toBe(true);
    expect(() => fixture.pool.enqueue(waiter)).toThrow('already waiting');
    expectCountersToAddUp(fixture.stats);
    expect(fixture.pool.waiting).toBe(1);
    lease.release();
    expect(waiter.queued).toBe(false);
    waiter.lease?.release();
    expect(fixture.stats.idle).toBe(1);
  });

  it('a signal that has aborted before refuses at once, even if an entry is idle', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    await fixture.warmUp(1);
    const error = await errorOf(fixture.acquire({ signal: AbortSignal.abort('gone') }), 'POOL_ABORTED');
    expect(error.cause).toBe('gone');
    expect(fixture.stats).toMatchObject({ cancelled: 1, idle: 1, acquired: 1 });
  });

  it('a signal that aborts while its acquire waits ends it with the reason', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const controller = new AbortController();
    const waiting = errorOf(fixture.acquire({ signal: controller.signal }), 'POOL_ABORTED');
    controller.abort('gone');
    expect((await waiting).cause).toBe('gone');
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    lease.release();
    expect(fixture.stats).toMatchObject({ idle: 1, cancelled: 1 });
  });

  it('a signal that aborts in the turn of the grant comes too late: the lease is its borrower’s', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const controller = new AbortController();
    const waiting = fixture.acquire({ signal: controller.signal });
    lease.release();
    controller.abort();
    const served = await waiting;
    expect(served.active).toBe(true);
    served.release();
    expect(fixture.stats).toMatchObject({ cancelled: 0, acquired: 2 });
  });

  it('a signal that aborts before its acquire is queued for an idle entry leaves nothing behind', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    await fixture.warmUp(1);
    const controller = new AbortController();
    const lease = await fixture.acquire({ signal: controller.signal });
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    controller.abort();
    expect(lease.active).toBe(true);
    lease.release();
  });

  it('the listeners of a signal are gone however its acquires end', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, acquireTimeout: 100, queueLimit: 3 });
    const { signal } = new AbortController();
    const listeners = (): number => getEventListeners(signal, 'abort').length;
    const first = await fixture.acquire({ signal });
    const served = fixture.acquire({ signal, timeout: 0 });
    const timedOut = errorOf(fixture.acquire({ signal }), 'POOL_ACQUIRE_TIMEOUT');
    const refused = errorOf(fixture.acquire({ signal, timeout: 0 }), 'POOL_CLOSED');
    await errorOf(fixture.acquire({ signal }), 'POOL_QUEUE_FULL');
    expect(listeners()).toBe(1);
    await fixture.clock.advance(120);
    await timedOut;
    first.release();
    await served;
    expect(listeners()).toBe(1);
    void fixture.pool.close();
    await refused;
    expect(listeners()).toBe(0);
  });

  it('I5: giving up never cancels the opening of a connection: it joins the pool', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 5, minIdle: 0 });
    fixture.factory.script('open', hold);
    const controller = new AbortController();
    const given = errorOf(fixture.acquire({ signal: controller.signal }), 'POOL_ABORTED');
    expect(fixture.stats.opening).toBe(1);
    controller.abort();
    await given;
    expect(fixture.factory.resource(0).context.signal.aborted).toBe(false);
    expect(fixture.stats.opening).toBe(1);
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ idle: 1, opening: 0, opened: 1 });
  });

  it('I3: an entry that arrives after its waiter timed out joins the pool', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 5, minIdle: 0, acquireTimeout: 100 });
    fixture.factory.script('open', hold);
    const late = errorOf(fixture.acquire(), 'POOL_ACQUIRE_TIMEOUT');
    await fixture.clock.advance(120);
    expect((await late).reason).toBe('unreachable');
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ idle: 1, used: 0 });
  });
});

describe('a pool that does not wait', () => {
  it('refuses when everything is taken, and says so as mysql2 does', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, waitForConnections: false });
    const leases = [await fixture.acquire(), await fixture.acquire()];
    const error = await errorOf(fixture.acquire(), 'POOL_QUEUE_FULL');
    expect(error.message).toMatch(/^No connections available\. all 2 connections are taken\./u);
    expect(error.pool).toMatchObject({ used: 2, limit: 2, waiting: 0 });
    for (const lease of leases) lease.release();
    expect(fixture.stats.refused).toBe(1);
  });

  it('callers that will get an entry that is opened, checked or idle now do not wait for others', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3, minIdle: 0, waitForConnections: false });
    await fixture.warmUp(1);
    await fixture.clock.advance(600);
    fixture.factory.script('validate', hold);
    fixture.factory.script('open', hold);
    const served = [fixture.acquire(), fixture.acquire(), fixture.acquire()];
    await errorOf(fixture.acquire(), 'POOL_QUEUE_FULL');
    expect(fixture.stats).toMatchObject({ checking: 1, opening: 2, waiting: 3, refused: 1 });
    fixture.factory.take('validate').succeed();
    fixture.factory.take('open').succeed();
    fixture.factory.take('open').succeed();
    for (const lease of await Promise.all(served)) lease.release();
    expect(fixture.stats.acquired).toBe(4);
  });

  it('an entry that is closing is still taken', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, waitForConnections: false });
    fixture.factory.script('close', hold);
    (await fixture.acquire()).destroy();
    expect(fixture.stats.closing).toBe(1);
    await errorOf(fixture.acquire(), 'POOL_QUEUE_FULL');
    fixture.factory.take('close').succeed();
    await fixture.clock.settle();
    (await fixture.acquire()).release();
    expect(fixture.stats.opened).toBe(2);
  });

  it('suspended, it says that it is', async () => {
    await using fixture = new PoolFixture({ name: 'orders', connectionLimit: 1, waitForConnections: false });
    fixture.pool.suspend();
    expect((await errorOf(fixture.acquire(), 'POOL_SUSPENDED')).message).toBe("Pool 'orders' is suspended.");
    fixture.pool.resume();
    (await fixture.acquire()).release();
    expect(fixture.stats.refused).toBe(1);
  });
});

describe('the queue limit', () => {
  it('refuses who would wait for others beyond the limit, at once', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, queueLimit: 2 });
    const lease = await fixture.acquire();
    const waiting = [fixture.acquire(), fixture.acquire()];
    const error = await errorOf(fixture.acquire(), 'POOL_QUEUE_FULL');
    expect(error.message).toMatch(/^Queue limit reached\. 2 callers are already waiting: all 1 connections are taken\./u);
    expect(error.message).toContain('fake 1 for 0 ms');
    lease.release();
    for (const one of waiting) (await one).release();
    expect(fixture.stats).toMatchObject({ refused: 1, acquired: 3 });
  });

  it('does not count those for whom the limit leaves room to open', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3, minIdle: 0, queueLimit: 1 });
    fixture.factory.script('open', hold);
    const waiters = [1, 2, 3, 4].map(() => new NotingWaiter());
    for (const waiter of waiters) fixture.pool.enqueue(waiter);
    expect(fixture.pool.waiting).toBe(4);
    const fifth = new NotingWaiter();
    fixture.pool.enqueue(fifth);
    await nextTurn();
    expect(fifth.error?.code).toBe('POOL_QUEUE_FULL');
    for (const waiter of waiters) fixture.pool.cancel(waiter, 'done');
    expect(fixture.stats).toMatchObject({ cancelled: 4, refused: 1 });
  });

  it('counts every waiter while suspended', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3, queueLimit: 1 });
    fixture.pool.suspend();
    const waiting = fixture.acquire();
    await errorOf(fixture.acquire(), 'POOL_QUEUE_FULL');
    fixture.pool.resume();
    (await waiting).release();
    expect(fixture.stats.refused).toBe(1);
  });
});
