import { describe, expect, it } from 'vitest';
import { hold, nothing } from '../support/fake-factory.js';
import { errorOf, PoolFixture } from '../support/pool-fixture.js';

const goodbye = { reason: 'pool', force: false };

describe('close()', () => {
  it('refuses the waiters, and closes everything', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 2 });
    const leases = [await fixture.acquire(), await fixture.acquire()];
    leases[0]?.release();
    const [, second] = leases;
    const blocked = await fixture.acquire();
    const waiting = errorOf(fixture.acquire(), 'POOL_CLOSED');
    const closed = fixture.pool.close();
    expect(fixture.pool.state).toBe('closed');
    expect((await waiting).message).toBe('Pool is closed.');
    await closed;
    expect([second?.active, blocked.active]).toEqual([false, false]);
    expect(fixture.stats).toMatchObject({ total: 0, released: 3, closedByReason: { pool: 2 } });
    expect(fixture.factory.resources.map(({ closes }) => closes)).toEqual([[goodbye], [goodbye]]);
    expect(fixture.clock.pendingTimers).toBe(0);
    expect(fixture.pool.tryAcquire()).toBeUndefined();
  });

  it("lets a borrower's resource finish for ten seconds, then frees it by force", async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    fixture.factory.script('close', hold);
    let done = false;
    const closed = fixture.pool.close().then(() => {
      done = true;
    });
    await fixture.clock.advance(9_900);
    expect(done).toBe(false);
    await fixture.clock.advance(116);
    await closed;
    expect(lease.resource.closes).toEqual([
      { reason: 'pool', force: false },
      { reason: 'pool', force: true },
    ]);
    expect(fixture.clock.pendingTimers).toBe(0);
  });

  it('may be called again, during and after', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    await fixture.warmUp(1);
    fixture.factory.script('close', hold);
    const calls = [fixture.pool.close(), fixture.pool.close()];
    fixture.factory.take('close').succeed();
    await Promise.all(calls);
    await fixture.pool.close();
    expect(await fixture.pool.drain()).toMatchObject({ complete: true, cutOff: [], refused: 0 });
    expect(fixture.factory.resource(0).closes).toHaveLength(1);
  });

  it('I10: during a drain cuts it short, and its report says who was out and how many waited', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const waiting = errorOf(fixture.acquire(), 'POOL_CLOSED');
    const report = fixture.pool.drain({ timeout: 60_000 });
    await fixture.clock.advance(500);
    await fixture.pool.close();
    await waiting;
    expect(lease.active).toBe(false);
    expect(await report).toEqual({
      complete: false,
      durationMs: 500,
      cutOff: [{ id: 1, heldMs: 500, description: 'fake 1' }],
      refused: 1,
    });
    expect(fixture.clock.pendingTimers).toBe(0);
  });

  it('I10: during a drain keeps its deadline', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    await fixture.acquire();
    fixture.factory.script('close', hold);
    const report = fixture.pool.drain({ timeout: 1_000 });
    await fixture.clock.advance(900);
    const closed = fixture.pool.close();
    await fixture.clock.advance(1_116);
    await closed;
    expect((await report).durationMs).toBeLessThanOrEqual(2_016);
    expect(await report).toMatchObject({ complete: false, cutOff: [{ id: 1 }] });
  });

  it('during a drain that only says goodbye still is complete', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    await fixture.warmUp(1);
    fixture.factory.script('close', hold);
    const report = fixture.pool.drain();
    const closed = fixture.pool.close();
    fixture.factory.take('close').succeed();
    await closed;
    expect(await report).toMatchObject({ complete: true, cutOff: [], refused: 0 });
  });

  it('gives up what is being opened, even when the factory does not listen', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 });
    fixture.factory.script('open', hold);
    const waiting = errorOf(fixture.acquire(), 'POOL_CLOSED');
    await fixture.pool.close();
    await waiting;
    fixture.factory.take('open').succeed();
    await fixture.clock.settle();
    expect(fixture.factory.resource(0).closes).toEqual([{ reason: 'pool', force: true }]);
  });

  it('while checking closes by the engine’s own bound; late answers change nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    fixture.factory.script('recycle', hold);
    const lease = await fixture.acquire();
    lease.release();
    const closed = fixture.pool.close();
    fixture.factory.take('recycle').succeed();
    await closed;
    expect(fixture.stats).toMatchObject({ resets: 0, closed: 1, total: 0 });
  });

  it('from a listener of the drain ends it, and leaves no timer', async () => {
    await using fixture = new PoolFixture({ minIdle: 0 });
    fixture.pool.once('stateChanged', () => void fixture.pool.close());
    const report = await fixture.pool.drain({ timeout: 60_000 });
    expect(report).toMatchObject({ complete: true, durationMs: 0 });
    expect(fixture.clock.pendingTimers).toBe(0);
  });

  it('what is left to others after it does nothing', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    fixture.factory.script('close', nothing);
    await fixture.pool.close();
    fixture.pool.resize({ connectionLimit: 5, minIdle: 5 });
    fixture.pool.evict();
    fixture.pool.suspend();
    fixture.pool.resume();
    lease.resource.lose();
    lease.resource.context.doom();
    expect([lease.release(), lease.destroy()]).toEqual([false, false]);
    await fixture.clock.advance(5_000);
    expect(fixture.stats).toMatchObject({ state: 'closed', total: 0, opening: 0, closed: 1 });
    expect(fixture.clock.pendingTimers).toBe(0);
  });
});
