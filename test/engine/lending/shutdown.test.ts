import { describe, expect, it } from 'vitest';
import { driverError, failWith, hold, succeed } from '../support/fake-factory.js';
import { NotingWaiter } from '../support/noting-waiter.js';
import { errorOf, PoolFixture } from '../support/pool-fixture.js';

const goodbye = { reason: 'pool', force: false };

describe('drain()', () => {
  it('I10: lets borrowers finish, says goodbye on every connection, and reports that nothing was lost', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3 });
    await fixture.warmUp(3);
    const leases = [await fixture.acquire(), await fixture.acquire()];
    const states = fixture.record('stateChanged');
    const report = fixture.pool.drain({ timeout: 5_000 });
    expect(fixture.pool.state).toBe('draining');
    await fixture.clock.advance(1_000);
    expect(fixture.stats).toMatchObject({ used: 2, total: 2, closedByReason: { pool: 1 } });
    leases[0]?.release();
    await fixture.clock.advance(1_000);
    leases[1]?.release();
    expect(await report).toEqual({ complete: true, durationMs: 2_000, cutOff: [], refused: 0 });
    expect(Object.isFrozen(await report)).toBe(true);
    expect(fixture.factory.resources.map(({ closes }) => closes)).toEqual([[goodbye], [goodbye], [goodbye]]);
    expect(states).toEqual([
      { from: 'running', to: 'draining' },
      { from: 'draining', to: 'closed' },
    ]);
    expect(fixture.clock.pendingTimers).toBe(0);
  });

  it('refuses new acquires', async () => {
    await using fixture = new PoolFixture({ name: 'orders', connectionLimit: 1 });
    const lease = await fixture.acquire();
    const report = fixture.pool.drain();
    expect(fixture.pool.tryAcquire()).toBeUndefined();
    const error = await errorOf(fixture.acquire(), 'POOL_DRAINING');
    expect(error.message).toBe("Pool 'orders' is draining: it takes no new work.");
    expect(error.pool).toMatchObject({ state: 'draining', used: 1 });
    lease.release();
    await report;
    expect((await errorOf(fixture.acquire(), 'POOL_CLOSED')).message).toBe('Pool is closed.');
  });

  it('I10: serves the callers that wait already', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const waiting = [fixture.acquire(), fixture.acquire()];
    const report = fixture.pool.drain();
    lease.release();
    for (const one of waiting) (await one).release();
    expect(await report).toMatchObject({ complete: true, refused: 0 });
    expect(fixture.stats.acquired).toBe(3);
  });

  it('I10: or refuses them, when it is asked to', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const waiting = errorOf(fixture.acquire(), 'POOL_DRAINING');
    const report = fixture.pool.drain({ queue: 'refuse' });
    await waiting;
    expect(lease.active).toBe(true);
    lease.release();
    expect(await report).toMatchObject({ complete: true, refused: 0 });
  });

  it('I10: keeps its deadline, and says who was out and how many waited', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, acquireTimeout: 0 });
    const lease = await fixture.acquire();
    await fixture.clock.advance(500);
    const waiting = [errorOf(fixture.acquire(), 'POOL_DRAINING'), errorOf(fixture.acquire(), 'POOL_DRAINING')];
    const start = fixture.clock.now();
    const report = fixture.pool.drain({ timeout: 2_000 });
    await fixture.clock.advance(2_000);
    await Promise.all(waiting);
    expect(await report).toEqual({
      complete: false,
      durationMs: 2_000,
      cutOff: [{ id: 1, heldMs: 2_500, description: 'fake 1' }],
      refused: 2,
    });
    expect(fixture.clock.now() - start).toBe(2_000);
    expect(lease.active).toBe(false);
    expect(lease.release()).toBe(false);
    expect(lease.resource.closes).toEqual([{ reason: 'pool', force: true }]);
  });

  it('I10: keeps its deadline no matter what hangs, give or take the second that a close by force may take', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 4, minIdle: 0, validateAfterIdle: 100 });
    await fixture.warmUp(3);
    await fixture.clock.advance(200);
    for (const method of ['open', 'validate', 'recycle', 'close'] as const) fixture.factory.script(method, hold);
    const waiting = Array.from({ length: 6 }, () => errorOf(fixture.acquire({ timeout: 0 }), 'POOL_DRAINING'));
    expect(fixture.stats).toMatchObject({ checking: 3, opening: 1, waiting: 6 });
    const report = fixture.pool.drain({ timeout: 1_000 });
    await fixture.clock.advance(2_100);
    await Promise.all(waiting);
    expect(await report).toMatchObject({ complete: false, refused: 6 });
    expect((await report).durationMs).toBeLessThanOrEqual(2_016);
  });

  it('a second call returns the same report, for any options', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const first = fixture.pool.drain({ timeout: 1_000 });
    const second = fixture.pool.drain({ timeout: 60_000, queue: 'refuse' });
    await fixture.clock.advance(1_000);
    expect(await second).toBe(await first);
    expect(await fixture.pool.drain()).toBe(await first);
    expect(lease.active).toBe(false);
  });

  it('a timeout of zero cuts off at once', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const report = fixture.pool.drain({ timeout: 0 });
    await fixture.clock.advance(0);
    expect(await report).toMatchObject({ complete: false, durationMs: 0, cutOff: [{ id: 1 }] });
    expect(lease.active).toBe(false);
  });

  it('a timeout of Infinity has no deadline', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const report = fixture.pool.drain({ timeout: Number.POSITIVE_INFINITY });
    await fixture.clock.advance(24 * 3_600_000);
    expect(lease.active).toBe(true);
    lease.release();
    expect(await report).toMatchObject({ complete: true, durationMs: 24 * 3_600_000 });
  });

  it('refuses wrong options, and changes nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const timeout = await errorOf(fixture.pool.drain({ timeout: -1 }), 'POOL_OPTION_INVALID');
    expect(timeout.message).toBe('timeout must be a number of milliseconds, at least 0; given: -1.');
    const queue = await errorOf(fixture.pool.drain({ queue: 'ignore' as 'serve' }), 'POOL_OPTION_INVALID');
    expect(queue.message).toBe("queue must be 'serve' or 'refuse'; given: 'ignore'.");
    expect(fixture.pool.state).toBe('running');
    (await fixture.acquire()).release();
  });

  it('ends at once when the pool is empty, or everything is idle', async () => {
    await using empty = new PoolFixture({ minIdle: 0 });
    expect(await empty.pool.drain()).toEqual({ complete: true, durationMs: 0, cutOff: [], refused: 0 });
    await using idle = new PoolFixture({ minIdle: 5 });
    await idle.clock.settle();
    expect(await idle.pool.drain()).toEqual({ complete: true, durationMs: 0, cutOff: [], refused: 0 });
    expect(idle.stats.closed).toBe(5);
  });

  it('I11: keeps the process alive until its deadline', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const report = fixture.pool.drain({ timeout: 1_000 });
    expect(fixture.clock.referencedTimers).toBe(1);
    lease.release();
    await report;
    expect(fixture.clock.pendingTimers).toBe(0);
  });

  it('gives up openings without a waiter; what they open later is closed', async () => {
    await using fixture = new PoolFixture({ minIdle: 2 }, { prepare: (factory) => factory.script('open', hold) });
    expect(await fixture.pool.drain()).toMatchObject({ complete: true, durationMs: 0 });
    const [resource] = fixture.factory.resources;
    expect(resource?.context.signal.aborted).toBe(true);
    expect(String(resource?.context.signal.reason)).toContain('The opening was given up (pool).');
    fixture.factory.take('open').succeed();
    fixture.factory.take('open').fail(driverError('ABORT_ERR'));
    await fixture.clock.settle();
    expect(resource?.closes).toEqual([{ reason: 'pool', force: true }]);
    expect(fixture.stats).toMatchObject({ opened: 0, closed: 0, connectErrors: 0, total: 0 });
  });

  it('I10: opens what the waiters need', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    fixture.factory.script('open', hold);
    const waiting = fixture.acquire();
    const report = fixture.pool.drain();
    fixture.factory.take('open').succeed();
    const lease = await waiting;
    expect(fixture.pool.state).toBe('draining');
    lease.release();
    expect(await report).toMatchObject({ complete: true });
  });

  it('I10: waiters are refused when nothing can be opened', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    fixture.factory.script('open', hold);
    const waiting = errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    const report = fixture.pool.drain();
    fixture.factory.take('open').fail(driverError('ECONNREFUSED'));
    await waiting;
    expect(await report).toMatchObject({ complete: true, refused: 0, durationMs: 0 });
    expect(fixture.clock.pendingTimers).toBe(0);
  });

  it('I10: keeps trying to open for the waiters while borrowers are out', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    const lease = await fixture.acquire();
    fixture.factory.script('open', failWith(driverError('ECONNREFUSED')));
    const waiting = fixture.acquire();
    await fixture.clock.advance(10);
    const report = fixture.pool.drain();
    fixture.factory.script('open', succeed);
    await fixture.clock.advance(1_000);
    const served = await waiting;
    expect(served.resource).not.toBe(lease.resource);
    served.release();
    lease.release();
    expect(await report).toMatchObject({ complete: true });
  });

  it('waits for what is cleaned or validated, and closes it then', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 2, keepaliveInterval: 1_000 });
    fixture.factory.script('validate', hold);
    await fixture.clock.advance(2_000);
    expect(fixture.stats.checking).toBe(2);
    const report = fixture.pool.drain();
    await fixture.clock.settle();
    expect(fixture.pool.state).toBe('draining');
    fixture.factory.take('validate').succeed();
    fixture.factory.take('validate').fail(driverError('ECONNRESET'));
    expect(await report).toMatchObject({ complete: true });
    expect(fixture.stats.closedByReason).toMatchObject({ pool: 1, validation: 1 });
  });

  it('of a suspended pool refuses the waiters: nothing would serve them', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    fixture.pool.suspend();
    const waiting = errorOf(fixture.acquire(), 'POOL_DRAINING');
    expect(await fixture.pool.drain()).toMatchObject({ complete: true });
    await waiting;
    fixture.pool.resume();
    expect(fixture.pool.state).toBe('closed');
  });

  it('of a suspended pool lets borrowers finish', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    fixture.pool.suspend();
    const report = fixture.pool.drain();
    await fixture.clock.advance(1_000);
    expect(lease.active).toBe(true);
    lease.release();
    expect(await report).toMatchObject({ complete: true, durationMs: 1_000 });
  });

  it('ends when the last waiter gives up, or is out of time', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0, acquireTimeout: 500 });
    fixture.factory.script('open', hold);
    const timedOut = errorOf(fixture.acquire(), 'POOL_ACQUIRE_TIMEOUT');
    const waiter = new NotingWaiter();
    fixture.pool.enqueue(waiter, { timeout: 0 });
    const report = fixture.pool.drain();
    await fixture.clock.advance(600);
    await timedOut;
    expect(fixture.pool.state).toBe('draining');
    fixture.pool.cancel(waiter, 'enough');
    expect(await report).toMatchObject({ complete: true, durationMs: 600 });
    expect(fixture.stats.opening).toBe(0);
  });

  it('I7: replaces for the waiters what is lost meanwhile', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const waiting = fixture.acquire();
    const report = fixture.pool.drain();
    lease.resource.lose();
    const served = await waiting;
    expect(served.resource.id).toBe(2);
    served.release();
    expect(await report).toMatchObject({ complete: true });
  });

  it('keeps no minimum any more', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 5, minIdle: 3 });
    const lease = await fixture.acquire();
    const report = fixture.pool.drain();
    await fixture.clock.advance(5_000);
    expect(fixture.stats).toMatchObject({ total: 1, opening: 0 });
    fixture.pool.resize({ connectionLimit: 10, minIdle: 8 });
    fixture.pool.evict();
    expect(fixture.stats.opening).toBe(0);
    lease.release();
    expect(await report).toMatchObject({ complete: true });
  });
});
