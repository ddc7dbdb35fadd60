import { describe, expect, it } from 'vitest';
import { driverError, failWith, hold, succeed } from '../support/fake-factory.js';
import { errorOf, PoolFixture } from '../support/pool-fixture.js';

const refused = driverError('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:3306');

describe('steps of an opening that go astray', () => {
  it('I6: an opening that takes too long counts as failed; what it opens later is closed by force', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, connectTimeout: 1_000 });
    fixture.factory.script('open', hold);
    const waiting = errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    await fixture.clock.advance(1_016);
    const error = await waiting;
    expect(error.message).toBe('Could not connect: Opening took longer than 1000 ms. (ETIMEDOUT).');
    const resource = fixture.factory.resource(0);
    expect(resource.context.signal.aborted).toBe(true);
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    expect(resource.closes).toMatchObject([{ force: true }]);
    expect(fixture.stats).toMatchObject({ total: 0, opening: 0, opened: 0, closed: 0, connectErrors: 1 });
  });

  it('an opening that takes too long and then fails counts once', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, connectTimeout: 1_000 });
    fixture.factory.script('open', hold);
    const waiting = errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    await fixture.clock.advance(1_016);
    await waiting;
    fixture.factory.take('open').fail(refused);
    await fixture.clock.settle();
    expect(fixture.stats.connectErrors).toBe(1);
  });

  it('without a connect timeout an opening may take forever', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, connectTimeout: 0, acquireTimeout: 0 });
    fixture.factory.script('open', hold);
    const waiting = fixture.acquire();
    await fixture.clock.advance(3_600_000);
    expect(fixture.stats).toMatchObject({ opening: 1, waiting: 1 });
    fixture.factory.take('open').succeed();
    (await waiting).release();
    expect(fixture.stats.connect.maxMs).toBe(3_600_000);
  });

  it('I7: a resource that is lost before its opening was reported is not lent, and counts as a failed opening', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.script('open', hold);
    const waiting = errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    const gone = driverError('ECONNRESET', 'read ECONNRESET');
    fixture.factory.resource(0).lose(gone);
    expect(fixture.stats.opening).toBe(1);
    fixture.factory.take('open').succeed();
    expect((await waiting).cause).toBe(gone);
    expect(fixture.factory.resource(0).closes).toMatchObject([{ force: true }]);
    expect(fixture.stats).toMatchObject({ opened: 0, connectErrors: 1, total: 0 });
  });

  it('an opening that is lost and fails is reported with the error of the opening', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.script('open', hold);
    const waiting = errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    fixture.factory.resource(0).lose(driverError('PROTOCOL_CONNECTION_LOST'));
    fixture.factory.take('open').fail(refused);
    expect((await waiting).cause).toBe(refused);
    expect(fixture.stats.connectErrors).toBe(1);
  });

  it('a resource that is doomed while it is opened is closed, not lent', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.script('open', hold);
    const waiting = fixture.acquire();
    fixture.factory.resource(0).context.doom();
    fixture.factory.script('open', succeed);
    fixture.factory.take('open').succeed();
    const lease = await waiting;
    expect(lease.resource.id).toBe(2);
    expect(fixture.factory.resource(0).closes).toHaveLength(1);
    lease.release();
    expect(fixture.stats).toMatchObject({ opened: 2, closed: 1 });
  });
});

describe('entries of an older generation', () => {
  it('a resource whose opening began before an evict is closed, and replaced', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 5, minIdle: 1 }, { prepare: (factory) => factory.script('open', hold) });
    fixture.pool.evict();
    fixture.factory.script('open', succeed);
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    expect(fixture.factory.resource(0).closes).toEqual([{ reason: 'evicted', force: false }]);
    expect(fixture.stats).toMatchObject({ idle: 1, opened: 2, closed: 1 });
  });

  it('I2: it serves a waiter rather than none, and is closed when it comes back', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.script('open', hold);
    const waiting = fixture.acquire();
    fixture.pool.evict();
    fixture.factory.take('open').succeed();
    const lease = await waiting;
    lease.release();
    await fixture.clock.settle();
    expect(lease.resource.closes).toEqual([{ reason: 'evicted', force: false }]);
    expect(fixture.stats.total).toBe(0);
  });

  it('a resource that is open after the limit was lowered is closed as surplus', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 5, minIdle: 2 }, { prepare: (factory) => factory.script('open', hold) });
    expect(fixture.stats.opening).toBe(2);
    fixture.pool.resize({ connectionLimit: 1 });
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    expect(fixture.factory.resource(0).closes).toEqual([{ reason: 'surplus', force: false }]);
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    expect(fixture.stats).toMatchObject({ idle: 1, opened: 2, closed: 1, limit: 1 });
  });
});

describe('entries under suspicion', () => {
  it('I7: after one failed, idle entries are validated before they are lent: once each, and no lease fails', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 5, minIdle: 0 });
    await fixture.warmUp(5);
    await fixture.clock.advance(10);
    // The server restarted: all are broken, but only one says so.
    const [speaking, ...silent] = fixture.factory.resources;
    speaking?.lose();
    fixture.factory.answers.validate = (resource) =>
      silent.includes(resource) ? failWith(driverError('PROTOCOL_CONNECTION_LOST')) : succeed;
    const leases = await Promise.all(Array.from({ length: 5 }, () => fixture.acquire()));
    expect(leases.every(({ resource }) => resource.id > 5)).toBe(true);
    expect(silent.map(({ validations }) => validations)).toEqual([1, 1, 1, 1]);
    expect(fixture.stats.closedByReason).toMatchObject({ lost: 1, validation: 4 });
    for (const lease of leases) lease.release();
    expect(fixture.pool.tryAcquire()?.release()).toBe(true);
    expect(leases.map(({ resource }) => resource.validations)).toEqual([0, 0, 0, 0, 0]);
  });

  it('a suspect that answers is lent, and trusted from then on', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    await fixture.warmUp(2);
    await fixture.clock.advance(10);
    fixture.factory.resource(0).lose();
    expect(fixture.pool.tryAcquire()).toBeUndefined();
    const lease = await fixture.acquire();
    expect(lease.resource).toBe(fixture.factory.resource(1));
    expect(lease.resource.validations).toBe(1);
    lease.release();
    expect(fixture.pool.tryAcquire()?.release()).toBe(true);
    expect(lease.resource.validations).toBe(1);
  });

  it('an entry that was idle for longer than validateAfterIdle is validated before it is lent, a younger one is not', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, validateAfterIdle: 500 });
    await fixture.warmUp(1);
    await fixture.clock.advance(500);
    (await fixture.acquire()).release();
    expect(fixture.factory.resource(0).validations).toBe(0);
    await fixture.clock.advance(501);
    (await fixture.acquire()).release();
    expect(fixture.factory.resource(0).validations).toBe(1);
    expect(fixture.stats.pings).toBe(1);
  });

  it('validateAfterIdle 0 validates always, Infinity never', async () => {
    await using always = new PoolFixture({ connectionLimit: 1, validateAfterIdle: 0 });
    await always.warmUp(1);
    await always.clock.advance(0.1);
    (await always.acquire()).release();
    expect(always.factory.resource(0).validations).toBe(1);
    await using never = new PoolFixture({
      connectionLimit: 1,
      validateAfterIdle: Number.POSITIVE_INFINITY,
      keepaliveInterval: 0,
      idleTimeout: 0,
    });
    await never.warmUp(1);
    await never.clock.advance(600_000);
    (await never.acquire()).release();
    expect(never.factory.resource(0).validations).toBe(0);
  });

  it('a validation that takes too long closes the entry; its late answer never lends it', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, validationTimeout: 200 });
    await fixture.warmUp(1);
    await fixture.clock.advance(600);
    fixture.factory.script('validate', hold);
    const waiting = fixture.acquire();
    expect(fixture.stats.checking).toBe(1);
    await fixture.clock.advance(216);
    const lease = await waiting;
    expect(lease.resource.id).toBe(2);
    fixture.factory.take('validate').succeed();
    await fixture.clock.settle();
    expect(fixture.factory.resource(0).closes).toEqual([{ reason: 'validation', force: true }]);
    expect(fixture.stats).toMatchObject({ used: 1, total: 1, pings: 0 });
    lease.release();
  });

  it('a validation that throws at once closes the entry', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    await fixture.warmUp(1);
    await fixture.clock.advance(600);
    fixture.factory.answers.validate = () => ({ kind: 'throw', error: driverError('EPIPE') });
    const lease = await fixture.acquire();
    expect(lease.resource.id).toBe(2);
    expect(fixture.factory.resource(0).closes).toEqual([{ reason: 'validation', force: true }]);
    lease.release();
  });

  it('an entry at the end of its life does not make a fresh one be validated', async () => {
    const draws = [0, 1];
    await using fixture = new PoolFixture(
      { connectionLimit: 2, minIdle: 0, maxLifetime: 900, idleTimeout: 0 },
      { random: () => draws.shift() ?? 0 },
    );
    const [longLived, shortLived] = [await fixture.acquire(), await fixture.acquire()];
    await fixture.clock.advance(820);
    longLived.release();
    shortLived.release();
    expect(fixture.stats).toMatchObject({ idle: 1, closing: 1 });
  });
});
