import { describe, expect, it } from 'vitest';
import { driverError, failWith, hold } from '../support/fake-factory.js';
import { errorOf, expectCountersToAddUp, PoolFixture } from '../support/pool-fixture.js';

describe('stats()', () => {
  it('I12: counters add up after every step', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3, minIdle: 0, acquireTimeout: 1_000, queueLimit: 3 });
    const check = (): void => expectCountersToAddUp(fixture.stats);
    check();
    fixture.factory.script('open', hold);
    const controller = new AbortController();
    const waiting = [fixture.acquire(), fixture.acquire(), fixture.acquire(), fixture.acquire({ signal: controller.signal })];
    check();
    const late = errorOf(fixture.acquire({ timeout: 100 }), 'POOL_ACQUIRE_TIMEOUT');
    check();
    await errorOf(fixture.acquire({ timeout: -1 }), 'POOL_OPTION_INVALID');
    check();
    controller.abort();
    await errorOf(waiting.pop() as Promise<unknown>, 'POOL_ABORTED');
    check();
    for (let opening = 0; opening < 3; opening += 1) {
      fixture.factory.take('open').succeed();
      await fixture.clock.settle();
      check();
    }
    const leases = await Promise.all(waiting);
    check();
    await fixture.clock.advance(120);
    await late;
    check();
    leases[0]?.destroy();
    check();
    leases[1]?.resource.lose();
    check();
    leases[2]?.release();
    check();
    await fixture.clock.settle();
    check();
    fixture.pool.evict();
    check();
    await fixture.pool.drain();
    check();
    await errorOf(fixture.acquire(), 'POOL_CLOSED');
    check();
    expect(fixture.stats).toMatchObject({
      acquires: 7,
      acquired: 3,
      released: 3,
      timedOut: 1,
      cancelled: 1,
      refused: 2,
      waiting: 0,
      opened: 3,
      closed: 3,
      closedByReason: { destroyed: 1, lost: 1, evicted: 1 },
    });
  });

  it('I12: counters add up inside every callback of the pool', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 1, leakDetectionThreshold: 100 });
    let checks = 0;
    const check = (): void => {
      checks += 1;
      expectCountersToAddUp(fixture.stats);
    };
    for (const event of ['opened', 'closed', 'connectFailed', 'failed', 'leak', 'leakReturned', 'stateChanged'] as const) {
      fixture.pool.on(event, check);
    }
    const { recycle, validate, close } = fixture.factory.answers;
    fixture.factory.answers.validate = (resource) => {
      check();
      return validate(resource);
    };
    fixture.factory.answers.close = (resource) => {
      check();
      return close(resource);
    };
    await fixture.clock.settle();
    const lease = await fixture.acquire();
    await fixture.clock.advance(1_000);
    lease.release();
    await fixture.clock.advance(600);
    (await fixture.acquire()).resource.lose();
    fixture.factory.answers.recycle = recycle;
    fixture.factory.script('open', failWith(driverError('ECONNREFUSED')));
    fixture.pool.evict();
    await fixture.clock.advance(1_000);
    await fixture.pool.close();
    expect(checks).toBeGreaterThan(9);
  });

  it('is a frozen value that does not change any more', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    fixture.factory.script('open', failWith(driverError('ECONNREFUSED')));
    await fixture.clock.settle();
    const { stats } = fixture;
    const lease = await fixture.acquire();
    expect(stats).toMatchObject({ used: 0, acquired: 0, idle: 1 });
    for (const part of [stats, stats.closedByReason, stats.connectErrorsByCode, stats.acquire, stats.use, stats.connect]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(Object.isFrozen(fixture.pool.summary())).toBe(true);
    expect(Object.isFrozen(fixture.pool.borrowed())).toBe(true);
    lease.destroy();
    fixture.pool.evict();
    await fixture.clock.settle();
    expect(Object.isFrozen(fixture.stats.lastConnectError)).toBe(true);
    expect(stats.closedByReason.destroyed).toBe(0);
  });

  it('reports how long acquires waited, resources were used, and openings took', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.script('open', { kind: 'succeed', afterMs: 40 });
    const first = fixture.acquire();
    await fixture.clock.advance(40);
    const lease = await first;
    const second = fixture.acquire();
    await fixture.clock.advance(100);
    expect(fixture.stats.longestWaitMs).toBe(100);
    lease.release();
    (await second).release();
    fixture.pool.tryAcquire()?.release();
    expect(fixture.stats).toMatchObject({
      longestWaitMs: 0,
      connect: { count: 1, sumMs: 40, maxMs: 40 },
      acquire: { count: 3, sumMs: 140, p50Ms: 40, maxMs: 100 },
      use: { count: 3, sumMs: 100, maxMs: 100 },
    });
    expect(fixture.pool.durationCounts('acquire', [1, 50, 100])).toEqual({ count: 3, sumMs: 140, cumulative: [1, 2, 3] });
    expect(fixture.pool.durationCounts('use', [1, 100]).cumulative).toEqual([2, 3]);
    expect(fixture.pool.durationCounts('connect', [10, 40]).cumulative).toEqual([0, 1]);
  });

  it('reports the last connect error until an opening succeeds', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.script('open', failWith(driverError('ECONNREFUSED', 'connect ECONNREFUSED')));
    await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    await fixture.clock.advance(250);
    expect(fixture.stats.lastConnectError).toEqual({ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED', agoMs: 250 });
    fixture.factory.script('open', { kind: 'succeed' });
    (await fixture.acquire()).release();
    expect(fixture.stats.lastConnectError).toBeUndefined();
    expect(fixture.stats.connectErrors).toBe(1);
  });
});

describe('borrowed()', () => {
  it('lists who holds entries, the longest-held first', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3, minIdle: 0 });
    const leases = [];
    for (let index = 0; index < 3; index += 1) {
      leases.push(await fixture.acquire());
      await fixture.clock.advance(100);
    }
    leases[1]?.release();
    expect(fixture.pool.borrowed()).toEqual([
      { id: 1, heldMs: 300, description: 'fake 1' },
      { id: 3, heldMs: 100, description: 'fake 3' },
    ]);
    leases[0]?.release();
    leases[2]?.release();
    expect(fixture.pool.borrowed()).toEqual([]);
  });

  it.each([
    ['words alone', 'fake 1', { description: 'fake 1' }],
    ['words and data', { description: 'fake 1', statement: 'PING' }, { description: 'fake 1', statement: 'PING' }],
    ['nothing', undefined, { description: '#1' }],
    ['null, as a factory in JavaScript may', null, { description: '#1' }],
    ['what throws when it is read', Object.defineProperty({}, 'description', { enumerable: true, get: throws }), { description: '#1' }],
  ])('says what the factory describes: %s', async (_, described, expected) => {
    await using fixture = new PoolFixture({ connectionLimit: 1 }, { methods: { describe: () => described as string } });
    const lease = await fixture.acquire();
    expect(fixture.pool.borrowed()).toEqual([{ id: 1, heldMs: 0, ...expected }]);
    lease.release();
  });
});

function throws(): never {
  throw new Error('a bug in the factory');
}
