import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Pool } from '../../../src/engine/pool.js';
import { Waiter } from '../../../src/engine/queue/wait-queue.js';
import { FakeClock } from '../support/fake-clock.js';

/** A waiter that holds nothing but what the engine needs. */
class BareWaiter extends Waiter<object> {
  ended = false;

  override granted(): void {
    this.ended = true;
  }

  override refused(): void {
    this.ended = true;
  }
}

async function exhaustedPool(): Promise<{ readonly pool: Pool<object>; readonly clock: FakeClock }> {
  const clock = new FakeClock(1_000);
  const factory = { open: () => Promise.resolve({}), close: () => undefined, validate: () => Promise.resolve() };
  const pool = new Pool<object>(factory, { connectionLimit: 1 }, { clock });
  await pool.acquire();
  return { pool, clock };
}

function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const MANY = 100_000;

function waitersOf(count: number): BareWaiter[] {
  return Array.from({ length: count }, () => new BareWaiter());
}

describe('a hundred thousand waiters', () => {
  it('take memory of their own, which is printed here', async () => {
    const { pool } = await exhaustedPool();
    const waiters = waitersOf(MANY);
    const before = usedBytes();
    const bare = waitersOf(MANY);
    const made = usedBytes();
    for (const waiter of waiters) pool.enqueue(waiter);
    const queued = usedBytes();
    expect([pool.waiting, bare.length]).toEqual([MANY, MANY]);
    const acquires = Array.from({ length: MANY }, () => pool.acquire());
    const acquired = usedBytes();
    expect(pool.waiting).toBe(2 * MANY);
    const bytes = (from: number, to: number): number => Math.round((to - from) / MANY);
    console.log(
      `Memory of one waiter: ${bytes(before, made)} B itself, ${bytes(made, queued)} B more when queued; ${bytes(queued, acquired)} B for one acquire() with its promises.`,
    );
    await pool.close();
    const outcomes = await Promise.allSettled(acquires);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(waiters.every(({ ended }) => ended)).toBe(true);
  });

  it('are cancelled, time out and are served at the same cost as one, for any number: no operation walks the queue', async () => {
    const { pool, clock } = await exhaustedPool();
    const waiters = waitersOf(MANY);
    const timersBefore = clock.timersSet;
    for (const waiter of waiters) pool.enqueue(waiter, { timeout: 500 });
    // From the middle outwards, so that neither end is near.
    for (let index = 0; index < MANY / 4; index += 1) {
      pool.cancel(waiters[MANY / 2 + index] as BareWaiter, 'enough');
      pool.cancel(waiters[MANY / 2 - 1 - index] as BareWaiter, 'enough');
    }
    expect(pool.stats()).toMatchObject({ cancelled: MANY / 2, waiting: MANY / 2 });
    await clock.advance(520);
    expect(pool.stats()).toMatchObject({ timedOut: MANY / 2, waiting: 0 });
    expect(clock.timersSet - timersBefore).toBeLessThanOrEqual(2);
    expect(waiters.every(({ ended }) => ended)).toBe(true);
    await pool.close();
  });
});
