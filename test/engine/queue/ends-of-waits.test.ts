import { afterEach, describe, expect, it } from 'vitest';
import type { PoolError } from '../../../src/engine/contract/errors.js';
import { Rejection } from '../../../src/engine/waiting/rejection.js';
import { errorOf, PoolFixture } from '../support/pool-fixture.js';
import { NotingWaiter } from '../support/noting-waiter.js';

const MANY = 10_000;

describe('a wait that ends in two ways at once', () => {
  it('I2: a time-out whose caller aborts the next waiter, of the same deadline: each has one error, and the counts agree', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, acquireTimeout: 100 });
    const lease = await fixture.acquire();
    const second = new AbortController();
    const errors: string[] = [];
    fixture.pool.enqueue(
      new NotingWaiter(undefined, ({ code }) => {
        errors.push(code);
        second.abort();
      }),
    );
    const aborted = fixture.pool.acquire({ signal: second.signal }).catch(({ code }: PoolError) => void errors.push(code));
    await fixture.clock.advance(200);
    await aborted;
    expect(errors).toEqual(['POOL_ACQUIRE_TIMEOUT', 'POOL_ABORTED']);
    expect(fixture.stats).toMatchObject({ timedOut: 1, cancelled: 1, waiting: 0, acquires: 3, acquired: 1 });
    lease.release();
  });

  it('I3: a caller that aborts in the turn in which it was served has the lease', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const controller = new AbortController();
    const waiting = fixture.acquire({ signal: controller.signal });
    lease.release();
    controller.abort();
    (await waiting).release();
    expect(fixture.stats).toMatchObject({ cancelled: 0, acquired: 2, released: 2, idle: 1 });
  });

  it('I3: a caller that aborts in the turn before it would have been served has an error, and the next one the lease', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const controller = new AbortController();
    const aborted = errorOf(fixture.acquire({ signal: controller.signal }), 'POOL_ABORTED');
    const next = fixture.acquire();
    controller.abort('enough');
    lease.release();
    expect(await aborted).toMatchObject({ cause: 'enough', pool: { waiting: 1 } });
    (await next).release();
    expect(fixture.stats).toMatchObject({ cancelled: 1, acquired: 2, released: 2, idle: 1 });
  });
});

describe('the end of a pool for which ten thousand wait', () => {
  it.each([
    { queue: 'refuse', outcome: 'POOL_DRAINING' },
    { queue: 'serve', outcome: 'served' },
  ] as const)('I10: drain({ queue: $queue }) ends each wait once: $outcome', async ({ queue, outcome }) => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const ends: string[] = [];
    const waits = Array.from({ length: MANY }, async () => {
      try {
        (await fixture.pool.acquire()).release();
        ends.push('served');
      } catch (error) {
        ends.push((error as PoolError).code);
      }
    });
    const drained = fixture.pool.drain({ queue });
    lease.release();
    await Promise.all(waits);
    await fixture.clock.advance(1_000);
    await drained;
    expect([ends.length, new Set(ends)]).toEqual([MANY, new Set([outcome])]);
  });
});

describe('the error of a wait that ended by itself', () => {
  const limit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit') as PropertyDescriptor;

  afterEach(() => {
    Object.defineProperty(Error, 'stackTraceLimit', limit);
  });

  async function bothEnds(): Promise<readonly Error[]> {
    await using fixture = new PoolFixture({ connectionLimit: 1, acquireTimeout: 100 });
    const lease = await fixture.acquire();
    const controller = new AbortController();
    const aborted = errorOf(fixture.acquire({ signal: controller.signal }), 'POOL_ABORTED');
    const late = errorOf(fixture.acquire(), 'POOL_ACQUIRE_TIMEOUT');
    controller.abort();
    await fixture.clock.advance(200);
    const errors = [await aborted, await late];
    lease.release();
    return errors;
  }

  it('has no frames, which would be those of a timer and of a signal, and leaves those of other errors', async () => {
    for (const error of await bothEnds()) expect(error.stack).toBe(`PoolError: ${error.message}`);
    expect(new Error('of another').stack).toContain('ends-of-waits.test.ts');
  });

  it('has them where an application has frozen their number', async () => {
    Object.defineProperty(Error, 'stackTraceLimit', { ...limit, writable: false });
    for (const error of await bothEnds()) expect(error.stack).toContain('    at ');
  });

  it('rejects a promise by what resolves it', async () => {
    const reason = new Error('late');
    await expect(new Promise((resolve) => resolve(new Rejection(reason)))).rejects.toBe(reason);
  });
});
