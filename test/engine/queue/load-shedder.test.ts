import { describe, expect, it } from 'vitest';
import type { AcquireOptions } from '../../../src/engine/lending/acquire-options.js';
import type { PoolOptions } from '../../../src/engine/contract/options.js';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { errorOf, PoolFixture } from '../support/pool-fixture.js';

interface Outcome {
  /** What calls that were served took, with the wait, in milliseconds of the fake clock; without those of the first second, in which it must be noticed. */
  readonly servedMs: readonly number[];
  readonly shed: number;
  readonly timedOut: number;
  /** Numbers of the calls that were not served. */
  readonly lost: readonly number[];
  readonly fixture: PoolFixture;
}

const TIMEOUT_MS = 1_000;

/**
 * Calls come at an even rate for 20 s to a database that answers 100 a second (10 entries, 100 ms each). A caller is lost when its
 * whole time is over, wherever it was spent.
 */
async function offered(
  callsPerSecond: number,
  options: PoolOptions,
  each: (call: number) => AcquireOptions = () => ({}),
): Promise<Outcome> {
  const fixture = new PoolFixture({ connectionLimit: 10, minIdle: 10, acquireTimeout: TIMEOUT_MS, ...options });
  const { clock } = fixture;
  await fixture.pool.ready();
  const servedMs: number[] = [];
  const begunAt = clock.now();
  const lost: number[] = [];
  let shed = 0;
  let timedOut = 0;
  const call = async (number: number): Promise<void> => {
    const startedAt = clock.now();
    try {
      const lease = await fixture.acquire(each(number));
      await clock.wait(100);
      lease.release();
      if (startedAt >= begunAt + 1_000) servedMs.push(clock.now() - startedAt);
    } catch (error) {
      lost.push(number);
      if (PoolError.is(error) && error.reason === 'overloaded') shed += 1;
      else timedOut += 1;
    }
  };
  const calls: Promise<void>[] = [];
  const everyMs = 1_000 / callsPerSecond;
  for (let ms = 0; ms < 20_000; ms += everyMs) {
    calls.push(call(calls.length));
    await clock.advance(everyMs);
  }
  await clock.advance(10_000);
  await Promise.all(calls);
  return { servedMs, shed, timedOut, lost, fixture };
}

const p99 = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] as number;

describe('three times the load that can be served', () => {
  it('without shedding: every caller waits until its patience ends, and many in vain', async () => {
    const { servedMs, timedOut, fixture } = await offered(300, {});
    await using _ = fixture;
    expect(timedOut).toBeGreaterThan(3_000);
    expect(servedMs.filter((ms) => ms > TIMEOUT_MS - 20).length).toBeGreaterThan(servedMs.length * 0.8);
  });

  it('with a target for the wait: callers that are served are served in time, and as many as can be', async () => {
    const { servedMs, shed, timedOut, fixture } = await offered(300, { waitTarget: 200 });
    await using _ = fixture;
    // 200 ms of waiting, 100 ms of work.
    expect(p99(servedMs)).toBeLessThanOrEqual(300);
    // 100 a second for 19 s.
    expect(servedMs.length).toBeGreaterThan(0.8 * 1_900);
    expect(timedOut).toBe(0);
    expect(shed).toBeGreaterThan(3_000);
    expect(fixture.stats).toMatchObject({ shed, refused: shed });
  });

  it('refuses the less urgent: what is urgent is served', async () => {
    const { servedMs, shed, lost, fixture } = await offered(300, { waitTarget: 200, scheduling: 'fair' }, (call) => ({
      priority: call % 10 === 0 ? 'high' : 'low',
    }));
    await using _ = fixture;
    expect(lost.filter((call) => call % 10 === 0)).toEqual([]);
    expect(servedMs.length).toBeGreaterThan(0.8 * 1_900);
    expect(shed).toBeGreaterThan(3_000);
  });
});

describe('less load than can be served', () => {
  it('is never shed', async () => {
    const { servedMs, shed, timedOut, fixture } = await offered(80, { waitTarget: 50 });
    await using _ = fixture;
    expect([servedMs.length, shed, timedOut]).toEqual([1_520, 0, 0]);
  });

  it('nor is a burst that is over within the target and the interval', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 10, minIdle: 10, waitTarget: 200, waitInterval: 500 });
    await fixture.pool.ready();
    for (let round = 0; round < 5; round += 1) {
      const burst = Array.from({ length: 60 }, () => fixture.use(100));
      await fixture.clock.advance(2_000);
      await Promise.all(burst);
    }
    expect(fixture.stats).toMatchObject({ shed: 0, refused: 0 });
  });
});

describe('a database that hangs', () => {
  it('has new callers refused after a while: their wait would be in vain', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, waitTarget: 100, waitInterval: 100, acquireTimeout: 60_000 });
    const held = await fixture.acquire();
    const first = fixture.acquire();
    await fixture.clock.advance(250);
    const error = await errorOf(fixture.acquire(), 'POOL_QUEUE_FULL');
    expect(error).toMatchObject({ reason: 'overloaded', message: expect.stringContaining('waiting longer than 100 ms') as string });
    held.resource.lent = false;
    held.release();
    (await first).release();
    await fixture.clock.advance(1_000);
    (await fixture.acquire()).release();
  });
});

describe('a suspended pool', () => {
  it('lets every caller wait: an operator wants it so', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, waitTarget: 50, waitInterval: 50 });
    fixture.pool.suspend();
    const all = Array.from({ length: 20 }, async () => {
      await fixture.clock.wait(100);
      return await fixture.use(1);
    });
    await fixture.clock.advance(5_000);
    expect(fixture.stats).toMatchObject({ waiting: 20, shed: 0 });
    fixture.pool.resume();
    await fixture.clock.advance(1_000);
    await Promise.all(all);
  });
});
