import { describe, expect, it } from 'vitest';
import { driverError, failWith, hold, succeed } from '../support/fake-factory.js';
import { errorOf, PoolFixture } from '../support/pool-fixture.js';
import { catchThrownInMicrotasks } from '../support/thrown-in-microtasks.js';

const refused = driverError('ECONNREFUSED', 'connect ECONNREFUSED');
const denied = driverError('ER_ACCESS_DENIED_ERROR', 'Access denied');

describe('ready()', () => {
  it('resolves when the minimum is open', async () => {
    await using fixture = new PoolFixture({ minIdle: 2 }, { prepare: (factory) => factory.script('open', hold) });
    let ready = false;
    const waiting = fixture.pool.ready().then(() => {
      ready = true;
    });
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    expect(ready).toBe(false);
    fixture.factory.take('open').succeed();
    await waiting;
    expect(fixture.stats.idle).toBe(2);
    expect(fixture.clock.referencedTimers).toBe(0);
  });

  it('resolves at once when the minimum is open already, lent or not', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 1 });
    const lease = await fixture.acquire();
    await fixture.pool.ready({ timeout: 0 });
    expect(lease.active).toBe(true);
    lease.release();
  });

  it('opens one when there is no minimum', async () => {
    await using fixture = new PoolFixture({ minIdle: 0 });
    await fixture.clock.advance(5_000);
    expect(fixture.factory.resources).toHaveLength(0);
    await fixture.pool.ready();
    expect(fixture.stats.idle).toBe(1);
  });

  it('keeps trying until the timeout, then says what is missing and why', async () => {
    await using fixture = new PoolFixture({ minIdle: 2 }, { prepare: (factory) => factory.script('open', failWith(refused)) });
    const waiting = errorOf(fixture.pool.ready({ timeout: 3_000 }), 'POOL_CONNECT_FAILED');
    await fixture.clock.advance(3_000);
    const error = await waiting;
    expect(error.message).toBe('Not ready within 3000 ms: 0 of 2 connections are open; connect ECONNREFUSED (ECONNREFUSED).');
    expect(error.cause).toBe(refused);
    expect(fixture.factory.resources.length).toBeGreaterThan(3);
  });

  it('resolves when the server comes up in time', async () => {
    await using fixture = new PoolFixture({ minIdle: 2 }, { prepare: (factory) => factory.script('open', failWith(refused)) });
    const waiting = fixture.pool.ready({ timeout: 5_000 });
    await fixture.clock.advance(3_000);
    fixture.factory.script('open', succeed);
    await fixture.clock.advance(1_000);
    await waiting;
    expect(fixture.stats.idle).toBe(2);
  });

  it('says that there was no answer when there was none', async () => {
    await using fixture = new PoolFixture({ minIdle: 1, connectTimeout: 0 }, { prepare: (factory) => factory.script('open', hold) });
    const waiting = errorOf(fixture.pool.ready(), 'POOL_CONNECT_FAILED');
    await fixture.clock.advance(30_000);
    const error = await waiting;
    expect(error.message).toBe('Not ready within 30000 ms: 0 of 1 connections are open; no answer yet.');
    expect('cause' in error).toBe(false);
  });

  it('waits by default as long as an opening may take', async () => {
    await using fixture = new PoolFixture({ minIdle: 1, connectTimeout: 700 }, { prepare: (factory) => factory.script('open', hold) });
    const waiting = errorOf(fixture.pool.ready(), 'POOL_CONNECT_FAILED');
    await fixture.clock.advance(700);
    expect((await waiting).message).toContain('Not ready within 700 ms');
  });

  it('I11: a caller that awaits it keeps the process alive', async () => {
    await using fixture = new PoolFixture({ minIdle: 1 }, { prepare: (factory) => factory.script('open', hold) });
    expect(fixture.clock.referencedTimers).toBe(0);
    const waiting = fixture.pool.ready();
    expect(fixture.clock.referencedTimers).toBe(1);
    fixture.factory.take('open').succeed();
    await waiting;
    expect(fixture.clock.referencedTimers).toBe(0);
  });

  it('rejects at once for a failure that will come again', async () => {
    await using fixture = new PoolFixture({ minIdle: 1 }, { prepare: (factory) => factory.script('open', failWith(denied)) });
    fixture.factory.permanentCodes.add('ER_ACCESS_DENIED_ERROR');
    const error = await errorOf(fixture.pool.ready(), 'POOL_CONNECT_FAILED');
    expect(error.message).toBe('Could not connect: 0 of 1 connections are open; Access denied (ER_ACCESS_DENIED_ERROR).');
    expect(error.cause).toBe(denied);
    await errorOf(fixture.pool.ready(), 'POOL_CONNECT_FAILED');
    expect(fixture.factory.resources).toHaveLength(1);
  });

  it('tries again what failed long ago, before it says so', async () => {
    await using fixture = new PoolFixture({ minIdle: 0 });
    fixture.factory.permanentCodes.add('ER_ACCESS_DENIED_ERROR');
    fixture.factory.script('open', failWith(denied));
    await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    await fixture.clock.advance(3_600_000);
    fixture.factory.script('open', succeed);
    await fixture.pool.ready();
    expect(fixture.stats.idle).toBe(1);
  });

  it('resolves when the minimum was lowered to what is open', async () => {
    await using fixture = new PoolFixture({ minIdle: 2 }, { prepare: (factory) => factory.script('open', hold) });
    const waiting = fixture.pool.ready({ timeout: 5_000 });
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    fixture.pool.resize({ minIdle: 1 });
    await fixture.clock.advance(5_000);
    await waiting;
    expect(fixture.stats.idle).toBe(1);
  });

  it('rejects when the pool is closed or drained, before or meanwhile', async () => {
    await using fixture = new PoolFixture({ minIdle: 1 }, { prepare: (factory) => factory.script('open', hold) });
    const waiting = errorOf(fixture.pool.ready(), 'POOL_CLOSED');
    const report = fixture.pool.drain();
    expect((await waiting).message).toBe('Pool is closed.');
    await errorOf(fixture.pool.ready(), 'POOL_CLOSED');
    await report;
    await errorOf(fixture.pool.ready(), 'POOL_CLOSED');
    expect(fixture.clock.pendingTimers).toBe(0);
  });

  it('refuses a wrong timeout', async () => {
    await using fixture = new PoolFixture({ minIdle: 0 });
    for (const timeout of [-1, Number.NaN, '5' as unknown as number]) {
      const error = await errorOf(fixture.pool.ready({ timeout }), 'POOL_OPTION_INVALID');
      expect(error.message).toContain('timeout must be a number of milliseconds, at least 0');
    }
    expect(fixture.factory.resources).toHaveLength(0);
  });

  it('a listener that throws does not keep it waiting', async () => {
    const thrown: unknown[] = [];
    await using fixture = new PoolFixture({ minIdle: 1 }, { prepare: (factory) => factory.script('open', hold) });
    const restore = catchThrownInMicrotasks(thrown);
    try {
      const bug = new Error('a bug in a listener');
      fixture.pool.on('opened', () => {
        throw bug;
      });
      const waiting = fixture.pool.ready({ timeout: 5_000 });
      fixture.factory.take('open').succeed();
      await waiting;
      expect(thrown).toEqual([bug]);
      expect(fixture.clock.now()).toBe(1_000);
    } finally {
      restore();
    }
  });

  it('can be awaited by any number of callers', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => {
      warnings.push(warning);
    };
    process.on('warning', onWarning);
    await using fixture = new PoolFixture({ minIdle: 1 }, { prepare: (factory) => factory.script('open', hold) });
    const all = Promise.all(Array.from({ length: 50 }, () => fixture.pool.ready()));
    fixture.factory.take('open').succeed();
    expect(await all).toHaveLength(50);
    await fixture.clock.settle();
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });
});
