import { describe, expect, it } from 'vitest';
import { driverError, failWith, hold, succeed, succeedAfter } from '../support/fake-factory.js';
import { NotingWaiter } from '../support/noting-waiter.js';
import { errorOf, PoolFixture } from '../support/pool-fixture.js';
import { seededRandom } from '../support/random.js';

function broken(): never {
  throw new Error('a bug in the factory');
}

const refused = driverError('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:3306');

describe('openings that fail', () => {
  it('I6: are reported to the waiters, with the cause, when nothing else can serve them', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.script('open', failWith(refused));
    const errors = await Promise.all([1, 2, 3].map(() => errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED')));
    for (const error of errors) {
      expect(error.cause).toBe(refused);
      expect(error.message).toBe('Could not connect: connect ECONNREFUSED 127.0.0.1:3306 (ECONNREFUSED).');
      expect(error.pool).toMatchObject({ total: 0, limit: 1 });
    }
    expect(fixture.stats).toMatchObject({
      refused: 3,
      connectErrors: 1,
      connectErrorsByCode: { ECONNREFUSED: 1 },
      lastConnectError: { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:3306', agoMs: 0 },
    });
  });

  it('I6: with connectPatience, callers outlast an outage that is shorter, and the first failed attempt after that time refuses the others', async () => {
    await using fixture = new PoolFixture({ minIdle: 0, connectPatience: 2_000 });
    fixture.factory.script('open', failWith(refused));
    const early = fixture.acquire();
    await fixture.clock.advance(1_500);
    expect(fixture.stats).toMatchObject({ refused: 0, waiting: 1 });
    const late = fixture.acquire();
    const told = errorOf(early, 'POOL_CONNECT_FAILED');
    await fixture.clock.advance(1_500);
    expect((await told).cause).toBe(refused);
    expect(fixture.stats).toMatchObject({ refused: 1, waiting: 1 });
    fixture.factory.script('open', succeed);
    await fixture.clock.advance(1_000);
    (await late).release();
    expect(fixture.stats).toMatchObject({ refused: 1, acquired: 1 });
  });

  it('I6: connectPatience does not wait for a failure that will come again', async () => {
    await using fixture = new PoolFixture({ minIdle: 0, connectPatience: 60_000 });
    const denied = driverError('ER_ACCESS_DENIED_ERROR', "Access denied for user 'app'");
    fixture.factory.permanentCodes.add('ER_ACCESS_DENIED_ERROR');
    fixture.factory.script('open', failWith(denied));
    expect((await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED')).cause).toBe(denied);
  });

  it('I2: acquireTimeout ends a patient wait', async () => {
    await using fixture = new PoolFixture({ minIdle: 0, acquireTimeout: 500, connectPatience: 60_000 });
    fixture.factory.script('open', failWith(refused));
    const told = errorOf(fixture.acquire(), 'POOL_ACQUIRE_TIMEOUT');
    await fixture.clock.advance(1_000);
    expect((await told).message).toContain('ECONNREFUSED');
  });

  it('I6: callers who have another pool to go to are refused until the next attempt is due, and make it then', async () => {
    await using fixture = new PoolFixture({ minIdle: 0, connectPatience: 60_000 }, { patience: 'impatient' });
    fixture.factory.script('open', failWith(refused));
    await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    for (let caller = 0; caller < 3; caller += 1) expect((await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED')).cause).toBe(refused);
    expect(fixture.stats).toMatchObject({ connectErrors: 1, refused: 4, waiting: 0 });
    fixture.factory.script('open', succeed);
    await fixture.clock.advance(1_000);
    (await fixture.acquire()).release();
    expect(fixture.stats).toMatchObject({ opened: 1, acquired: 1 });
  });

  it('I6: an always failing factory with a thousand waiters is tried a bounded number of times', async () => {
    await using fixture = new PoolFixture({ minIdle: 0, acquireTimeout: 0 }, { random: seededRandom(1) });
    fixture.factory.script('open', failWith(refused, 5));
    let told = 0;
    let mostOpening = 0;
    const insist = (): void => {
      fixture.pool.enqueue(
        new NotingWaiter(undefined, ({ code }) => {
          told += 1;
          mostOpening = Math.max(mostOpening, fixture.pool.summary().opening);
          if (code === 'POOL_CONNECT_FAILED') insist();
        }),
      );
    };
    for (let caller = 0; caller < 1_000; caller += 1) insist();
    expect(fixture.stats.opening).toBe(10);
    await fixture.clock.advance(1_000);
    const attemptsBefore = fixture.factory.resources.length;
    await fixture.clock.advance(10_000);
    // The mean of the delays when they have grown is some 400 ms.
    expect(fixture.factory.resources.length - attemptsBefore).toBeLessThan(60);
    expect(fixture.factory.resources.length - attemptsBefore).toBeGreaterThan(12);
    expect(mostOpening).toBeLessThanOrEqual(1);
    expect(told).toBeGreaterThan(10_000);
    await fixture.pool.close();
    expect(fixture.stats).toMatchObject({ waiting: 0, acquired: 0 });
  });

  it('I6: with one used entry and ten thousand patient waiters too, for sixty seconds', async () => {
    await using fixture = new PoolFixture({ minIdle: 0, acquireTimeout: 0 }, { random: seededRandom(2) });
    const lease = await fixture.acquire();
    fixture.factory.script('open', failWith(refused, 5));
    const waiting = Array.from({ length: 10_000 }, () => fixture.pool.acquire());
    await fixture.clock.advance(60_000);
    expect(fixture.pool.waiting).toBe(10_000);
    expect(fixture.factory.resources.length).toBeLessThan(300);
    expect(fixture.factory.resources.length).toBeGreaterThan(75);
    const closed = fixture.pool.close();
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    await closed;
    expect(lease.active).toBe(false);
  });

  it('I6: without a waiter the minimum is retried as rarely, and not at all when there is none', async () => {
    await using asked = new PoolFixture(
      { minIdle: 3 },
      { random: seededRandom(3), prepare: (factory) => factory.script('open', failWith(refused)) },
    );
    await asked.clock.advance(60_000);
    expect(asked.factory.resources.length).toBeLessThan(300);
    expect(asked.factory.resources.length).toBeGreaterThan(75);
    expect(asked.clock.referencedTimers).toBe(0);
    await using unasked = new PoolFixture({ minIdle: 0 }, { prepare: (factory) => factory.script('open', failWith(refused)) });
    await errorOf(unasked.acquire(), 'POOL_CONNECT_FAILED');
    await unasked.clock.advance(60_000);
    expect(unasked.factory.resources).toHaveLength(1);
  });

  it('I6: a server that accepts and drops at once is tried as rarely as one that refuses', async () => {
    await using fixture = new PoolFixture(
      { minIdle: 5 },
      { random: seededRandom(5), prepare: (factory) => factory.script('open', succeedAfter(1)) },
    );
    fixture.pool.on('opened', ({ id }) => {
      void fixture.clock.wait(1).then(() => fixture.factory.resource(id - 1).lose());
    });
    await fixture.clock.advance(60_000);
    expect(fixture.factory.resources.length).toBeGreaterThan(75);
    expect(fixture.factory.resources.length).toBeLessThan(1_200);
    expect(fixture.stats.closedByReason.lost).toBeGreaterThan(75);
  });

  it('an entry that was of use, or idle for a long time, is replaced at once when it is lost', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3, minIdle: 2 });
    await fixture.clock.advance(2_000);
    const lease = await fixture.acquire();
    await fixture.clock.advance(1_000);
    fixture.factory.script('open', hold);
    lease.resource.lose();
    fixture.factory.resources.find(({ parked, status }) => parked && status === 'open')?.lose();
    await fixture.clock.settle();
    expect(fixture.stats.opening).toBe(1);
    expect(fixture.stats.closedByReason.lost).toBe(2);
  });

  it('I6: the delays between attempts follow the injected random numbers', async () => {
    const draws = [0, 0.5, 0.999, 0.999, 0.999, 0];
    await using fixture = new PoolFixture(
      { minIdle: 1 },
      { random: () => draws.shift() ?? 0, prepare: (factory) => factory.script('open', failWith(refused)) },
    );
    const failures = fixture.record('connectFailed');
    await fixture.clock.advance(3_000);
    const delays = failures.map(({ retryInMs }) => Math.round(retryInMs));
    expect(delays.slice(0, 6)).toEqual([50, 100, 300, 750, 750, 50]);
    expect(failures[0]).toMatchObject({ id: 1, error: refused, code: 'ECONNREFUSED' });
  });

  it('I6: after a failure one opening is tried at a time; after a success all that are needed', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 10, minIdle: 0, acquireTimeout: 0 });
    const lease = await fixture.acquire();
    fixture.factory.script('open', hold);
    const waiting = Array.from({ length: 5 }, () => fixture.acquire());
    expect(fixture.stats.opening).toBe(5);
    for (let failed = 0; failed < 5; failed += 1) fixture.factory.take('open').fail(refused);
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ opening: 0, waiting: 5, connectErrors: 5 });
    await fixture.clock.advance(750);
    expect(fixture.stats.opening).toBe(1);
    fixture.factory.script('open', succeed);
    fixture.factory.take('open').succeed();
    for (const one of await Promise.all(waiting)) one.release();
    lease.release();
    expect(fixture.stats.total).toBe(6);
  });

  it('I4: a factory that calls the pool while it opens does not make it open more than the limit', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0, acquireTimeout: 0 });
    const waiters = [new NotingWaiter(), new NotingWaiter(), new NotingWaiter()];
    let called = false;
    fixture.factory.answers.open = () => {
      if (!called) {
        called = true;
        for (const waiter of waiters) fixture.pool.enqueue(waiter);
      }
      return hold;
    };
    fixture.pool.resize({ minIdle: 2 });
    expect(called).toBe(true);
    expect(fixture.stats).toMatchObject({ opening: 2, total: 0, waiting: 3 });
    fixture.factory.script('open', succeed);
    for (let answered = 0; answered < 2; answered += 1) fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    for (const waiter of waiters) waiter.lease?.release();
    for (const waiter of waiters) waiter.lease?.release();
    expect(fixture.stats).toMatchObject({ opened: 2, waiting: 0, used: 0 });
  });

  it('I6: where the limit leaves no room, no timer is set to try again: there is nothing to try', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0, acquireTimeout: 0 });
    const lease = await fixture.acquire();
    fixture.factory.script('open', failWith(refused));
    const waiting = fixture.acquire();
    await fixture.clock.settle();
    fixture.pool.resize({ connectionLimit: 1 });
    const before = fixture.clock.timersSet;
    await fixture.clock.advance(10_000);
    // The housekeeper's.
    expect(fixture.clock.timersSet - before).toBeLessThanOrEqual(11);
    fixture.factory.script('open', succeed);
    lease.destroy();
    await fixture.clock.advance(1_000);
    (await waiting).release();
    expect(fixture.stats).toMatchObject({ waiting: 0, opened: 2 });
  });

  it('I2: waiters continue to wait for the borrowed entries when an opening fails', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    const lease = await fixture.acquire();
    fixture.factory.script('open', failWith(refused));
    const waiting = fixture.acquire();
    await fixture.clock.advance(1_000);
    expect(fixture.stats.waiting).toBe(1);
    lease.release();
    (await waiting).release();
    expect(fixture.stats).toMatchObject({ refused: 0, acquired: 2 });
  });

  it('I6: an acquire that comes during the backoff waits for the next attempt, and is served by it', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    fixture.factory.script('open', failWith(refused));
    await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    fixture.factory.script('open', succeed);
    const start = fixture.clock.now();
    const waiting = fixture.acquire();
    expect(fixture.factory.resources).toHaveLength(1);
    await fixture.clock.advance(150);
    (await waiting).release();
    expect(fixture.stats.acquire.maxMs).toBe(100);
    expect(fixture.clock.now() - start).toBe(150);
  });

  it('service resumes within a second of the server accepting again, however long it was away', async () => {
    await using fixture = new PoolFixture(
      { minIdle: 1 },
      { random: seededRandom(4), prepare: (factory) => factory.script('open', failWith(refused)) },
    );
    await fixture.clock.advance(3_600_000);
    fixture.factory.script('open', succeed);
    const waiting = fixture.acquire();
    await fixture.clock.advance(1_000);
    (await waiting).release();
    expect(fixture.stats.acquire.maxMs).toBeLessThan(1_000);
  });

  it('an opening that throws at once, or fails with nothing, is a failure like any other', async () => {
    let thrown: unknown = new TypeError('no such host');
    await using fixture = new PoolFixture(
      { minIdle: 0 },
      {
        methods: {
          open: () => {
            throw thrown;
          },
        },
      },
    );
    expect((await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED')).message).toBe('Could not connect: no such host (TypeError).');
    await fixture.clock.advance(1_000);
    thrown = undefined;
    expect((await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED')).message).toBe('Could not connect: undefined (unknown).');
    expect(fixture.stats.connectErrorsByCode).toEqual({ TypeError: 1, unknown: 1 });
  });

  it('I2: a factory that fails to say what its error is leaves no caller waiting', async () => {
    await using fixture = new PoolFixture(
      { minIdle: 0 },
      { methods: { isPermanent: broken, codeOf: broken }, prepare: (factory) => factory.script('open', failWith(refused)) },
    );
    await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    expect(fixture.stats.connectErrorsByCode).toEqual({ ECONNREFUSED: 1 });
    expect(fixture.stats.lastConnectError?.code).toBe('ECONNREFUSED');
  });

  it("labels an error with the factory's own word for it", async () => {
    await using fixture = new PoolFixture(
      { minIdle: 0 },
      { methods: { codeOf: () => '1040' }, prepare: (factory) => factory.script('open', failWith(refused)) },
    );
    await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    expect(fixture.stats.connectErrorsByCode).toEqual({ 1040: 1 });
    expect(fixture.stats.lastConnectError?.code).toBe('1040');
  });
});

describe('failures that will come again', () => {
  const denied = driverError('ER_ACCESS_DENIED_ERROR', "Access denied for user 'app'");

  it('refuse at once until the next attempt is due, which is at most five seconds away', async () => {
    await using fixture = new PoolFixture({ minIdle: 0 }, { random: () => 0.999 });
    fixture.factory.permanentCodes.add('ER_ACCESS_DENIED_ERROR');
    fixture.factory.script('open', failWith(denied));
    for (let round = 0; round < 20; round += 1) {
      await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
      await fixture.clock.advance(5_000);
    }
    const attempts = fixture.factory.resources.length;
    await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    expect(fixture.factory.resources).toHaveLength(attempts + 1);
    const error = await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    expect(error.message).toBe("Could not connect: Access denied for user 'app' (ER_ACCESS_DENIED_ERROR).");
    expect(error.cause).toBe(denied);
    expect(fixture.factory.resources).toHaveLength(attempts + 1);
    await fixture.clock.advance(5_000);
    fixture.factory.script('open', succeed);
    (await fixture.acquire()).release();
    expect(fixture.stats.idle).toBe(1);
  });

  it('do not refuse waiters while an entry is borrowed and will come back', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    fixture.factory.permanentCodes.add('ER_ACCESS_DENIED_ERROR');
    const lease = await fixture.acquire();
    fixture.factory.script('open', failWith(denied));
    const waiting = [fixture.acquire(), fixture.acquire()];
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ waiting: 2, connectErrors: 1 });
    lease.release();
    for (const one of waiting) (await one).release();
    expect(fixture.stats.refused).toBe(0);
  });
});
