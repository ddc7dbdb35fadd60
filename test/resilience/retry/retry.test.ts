import { describe, expect, it, vi } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { retry, type RetryOptions } from '../../../src/resilience/retry/retry.js';
import { RetryBudget } from '../../../src/resilience/retry/retry-budget.js';
import { FakeClock } from '../../engine/support/fake-clock.js';

const down = new Error('nobody listens');

/** Work that fails so many times, then succeeds; and when it was tried. */
function failing(times: number, clock: FakeClock): { readonly work: () => Promise<string>; readonly triedAt: number[] } {
  const triedAt: number[] = [];
  const work = async (): Promise<string> => {
    triedAt.push(clock.now());
    if (triedAt.length <= times) throw down;
    return 'done';
  };
  return { work, triedAt };
}

/** Runs it to its end, with time to pass. */
async function ended<T>(clock: FakeClock, running: Promise<T>): Promise<{ readonly value: T } | { readonly error: unknown }> {
  const outcome = running.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await clock.advance(60_000);
  return await outcome;
}

describe('retry()', () => {
  it('runs work again until it succeeds, with growing, jittered delays', async () => {
    const clock = new FakeClock();
    const { work, triedAt } = failing(3, clock);
    const onRetry = vi.fn<NonNullable<RetryOptions['onRetry']>>();
    const options = { attempts: 4, shortestDelay: 20, longestDelay: 100, onRetry };
    expect(await ended(clock, retry(work, options, { clock, random: () => 1 - 1e-9 }))).toEqual({ value: 'done' });
    expect(triedAt.map((at) => Math.round(at))).toEqual([0, 60, 160, 260]);
    expect(onRetry.mock.calls.map(([{ attempt, error }]) => [attempt, error])).toEqual([2, 3, 4].map((attempt) => [attempt, down]));
  });

  it('throws the last error when the attempts are used up', async () => {
    const clock = new FakeClock();
    const { work, triedAt } = failing(9, clock);
    expect(await ended(clock, retry(work, {}, { clock }))).toEqual({ error: down });
    expect(triedAt).toHaveLength(3);
  });

  it('begins no retry after its total time', async () => {
    const clock = new FakeClock();
    const { work, triedAt } = failing(99, clock);
    const options = { attempts: 100, shortestDelay: 100, longestDelay: 100, totalTime: 450 };
    expect(await ended(clock, retry(work, options, { clock }))).toEqual({ error: down });
    expect(triedAt).toEqual([0, 100, 200, 300, 400]);
  });

  it('does not run again what was given up, what a breaker refused, or what its caller calls final', async () => {
    const clock = new FakeClock();
    const errors = [
      new PoolError('POOL_ABORTED', 'gone'),
      new PoolError('POOL_BREAKER_OPEN', 'open'),
      new DOMException('gone', 'AbortError'),
    ];
    for (const error of errors) {
      const work = vi.fn<() => Promise<never>>().mockRejectedValue(error);
      expect(await ended(clock, retry(work, {}, { clock }))).toEqual({ error });
      expect(work).toHaveBeenCalledTimes(1);
    }
    const { work, triedAt } = failing(1, clock);
    expect(await ended(clock, retry(work, { retryable: () => false }, { clock }))).toEqual({ error: down });
    expect(triedAt).toHaveLength(1);
  });

  it('stops waiting when its signal aborts, and starts nothing when it has', async () => {
    const clock = new FakeClock();
    const { work, triedAt } = failing(9, clock);
    const controller = new AbortController();
    const running = retry(work, { attempts: 9, shortestDelay: 1_000, signal: controller.signal }, { clock });
    const outcome = running.catch((error: unknown) => error);
    await clock.settle();
    controller.abort('gone');
    expect(await outcome).toMatchObject({ code: 'POOL_ABORTED', cause: 'gone' });
    expect(triedAt).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
    await expect(retry(work, { signal: controller.signal }, { clock })).rejects.toMatchObject({ code: 'POOL_ABORTED' });
    expect(triedAt).toHaveLength(1);
  });

  it('refuses options that it does not know', async () => {
    await expect(retry(() => 1, { attempt: 3 } as never)).rejects.toThrow('Unknown option attempt. Did you mean attempts?');
    await expect(retry(() => 1, { attempts: 0 })).rejects.toThrow('attempts must be');
    await expect(retry(() => 1, { signal: 5 as never })).rejects.toThrow('signal must be an AbortSignal');
  });
});

describe('a retry budget', () => {
  it('allows a share of the calls in the window, and a few in any case', async () => {
    const clock = new FakeClock();
    const budget = new RetryBudget({ percent: 10, minimum: 3, window: 1_000, clock });
    expect([1, 2, 3, 4].map(() => budget.take())).toEqual([true, true, true, false]);
    for (let call = 0; call < 50; call += 1) budget.called();
    expect([1, 2, 3].map(() => budget.take())).toEqual([true, true, false]);
    await clock.advance(1_100);
    expect([1, 2, 3, 4].map(() => budget.take())).toEqual([true, true, true, false]);
  });

  it('keeps the load within its bounds when everything fails', async () => {
    const clock = new FakeClock();
    const budget = new RetryBudget({ percent: 10, minimum: 5, window: 10_000, clock });
    let runs = 0;
    const work = async (): Promise<never> => {
      runs += 1;
      throw down;
    };
    const all = Promise.allSettled(Array.from({ length: 1_000 }, () => retry(work, { attempts: 5, budget }, { clock })));
    await clock.advance(9_000);
    await all;
    expect(runs).toBeGreaterThan(1_000);
    expect(runs).toBeLessThanOrEqual(1_101);
  });
});
