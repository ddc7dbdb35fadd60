import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { Breaker } from '../../../src/resilience/breaker/breaker.js';
import { currentDeadline, withDeadline } from '../../../src/resilience/deadline/deadline.js';
import { retry } from '../../../src/resilience/retry/retry.js';

describe('withDeadline()', () => {
  it('is known to everything inside, however deep, and to nothing outside', async () => {
    expect(currentDeadline()).toBeUndefined();
    const result = await withDeadline(60_000, async (deadline) => {
      await delay(1);
      expect(currentDeadline()).toBe(deadline);
      expect(deadline.remainingMs).toBeGreaterThan(0);
      expect(deadline.remainingMs).toBeLessThan(60_000);
      expect(deadline.over).toBe(false);
      return 7;
    });
    expect(result).toBe(7);
    expect(currentDeadline()).toBeUndefined();
  });

  it('never gives more time than a deadline around it', async () => {
    await withDeadline(1_000, () =>
      withDeadline(60_000, async (deadline) => {
        expect(deadline.remainingMs).toBeLessThanOrEqual(1_000);
        await withDeadline(5, async ({ remainingMs }) => expect(remainingMs).toBeLessThanOrEqual(5));
      }),
    );
  });

  it('is over when its time is up, or when any of its signals aborts', async () => {
    await withDeadline(0, ({ over, signal }) => {
      expect(over).toBe(true);
      expect(signal).toBeInstanceOf(AbortSignal);
    });
    const outer = new AbortController();
    const inner = new AbortController();
    await withDeadline(outer.signal, () =>
      withDeadline(inner.signal, (deadline) => {
        expect(deadline.remainingMs).toBe(Number.POSITIVE_INFINITY);
        outer.abort('gone');
        expect(deadline.over).toBe(true);
        expect(deadline.signal.reason).toBe('gone');
      }),
    );
  });

  it('has a signal for calls of your own', async () => {
    await withDeadline(5, async ({ signal }) => {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve, { once: true });
      });
      expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
    });
  });

  it('passes on what the work throws, and refuses what is no limit', async () => {
    await expect(withDeadline(5, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    for (const limit of [-1, Number.NaN, '5', undefined]) {
      await expect(withDeadline(limit as never, () => 1)).rejects.toMatchObject({ code: 'POOL_OPTION_INVALID' });
    }
  });
});

describe('within a deadline that has passed', () => {
  it('retry() and a breaker start nothing', async () => {
    const work = vi.fn<() => number>(() => 7);
    await withDeadline(0, async () => {
      await expect(retry(work)).rejects.toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
      await expect(new Breaker().execute(work)).rejects.toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    });
    await withDeadline(AbortSignal.abort('gone'), async () => {
      await expect(retry(work)).rejects.toMatchObject({ code: 'POOL_ABORTED', cause: 'gone' });
    });
    expect(work).not.toHaveBeenCalled();
  });

  it('retry() does not begin a wait that would outlast it', async () => {
    const work = vi.fn<() => Promise<never>>().mockRejectedValue(new Error('down'));
    await withDeadline(1_000, async () => {
      await expect(retry(work, { shortestDelay: 60_000, longestDelay: 60_000, totalTime: 600_000 })).rejects.toThrow('down');
    });
    expect(work).toHaveBeenCalledTimes(1);
  });
});
