import { describe, expect, it, vi } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { catchThrownInMicrotasks } from '../../engine/support/thrown-in-microtasks.js';
import { down, fail, fixture } from './support/breaker-fixture.js';

describe('execute()', () => {
  it('passes results and errors on, and counts them', async () => {
    const { breaker } = fixture({ consecutiveFailures: 2 });
    await expect(breaker.execute(() => 7)).resolves.toBe(7);
    await expect(breaker.execute(() => Promise.reject(down))).rejects.toBe(down);
    await expect(
      breaker.execute(() => {
        throw down;
      }),
    ).rejects.toBe(down);
    expect(breaker.snapshot()).toMatchObject({ state: 'open', successes: 1, failures: 2 });
  });

  it('lets a fallback answer when it refuses, and only then', async () => {
    const { breaker } = fixture({ consecutiveFailures: 1 });
    const fallback = vi.fn<(error: PoolError) => string>(() => 'from memory');
    await expect(breaker.execute(() => Promise.reject<string>(down), { fallback })).rejects.toBe(down);
    expect(fallback).not.toHaveBeenCalled();
    const call = vi.fn<() => string>(() => 'fresh');
    await expect(breaker.execute(call, { fallback })).resolves.toBe('from memory');
    expect(call).not.toHaveBeenCalled();
    expect(fallback.mock.calls[0]?.[0]).toMatchObject({ code: 'POOL_BREAKER_OPEN', cause: down });
    await expect(breaker.execute(call)).rejects.toMatchObject({ code: 'POOL_BREAKER_OPEN' });
  });

  it('does not hold against it that a caller gave up, or that an answer was an error', async () => {
    const { breaker, clock } = fixture({
      consecutiveFailures: 1,
      shortestOpen: 100,
      longestOpen: 100,
      verdict: (error) => (error === down ? 'failed' : (error as Error).message === 'gone' ? 'nothing' : 'answered'),
    });
    const rejected = async (error: Error): Promise<void> => {
      const call = (): never => {
        throw error;
      };
      await expect(breaker.execute(call)).rejects.toBe(error);
    };
    await rejected(new Error('gone'));
    await rejected(new Error('syntax error'));
    expect(breaker.state).toBe('closed');
    await rejected(down);
    await clock.advance(100);
    // A probe that was given up leaves room for the next; an error that is an answer closes.
    await rejected(new Error('gone'));
    expect(breaker.state).toBe('half-open');
    await rejected(new Error('syntax error'));
    expect(breaker.state).toBe('closed');
  });

  it('passes the error of the call on, and counts it, when the verdict on it fails', async () => {
    const thrown: unknown[] = [];
    const restore = catchThrownInMicrotasks(thrown);
    const wrong = new Error('a mistake in the verdict');
    const { breaker, clock } = fixture({
      consecutiveFailures: 1,
      verdict: () => {
        throw wrong;
      },
    });
    await expect(breaker.execute(() => Promise.reject(down))).rejects.toBe(down);
    await clock.settle();
    restore();
    expect(breaker.state).toBe('open');
    expect(thrown).toEqual([wrong]);
  });

  it('reports a fallback that throws, and continues as before', async () => {
    const { breaker, clock } = fixture({ consecutiveFailures: 1, shortestOpen: 100, longestOpen: 100 });
    fail(breaker);
    const call = vi.fn<() => number>(() => 7);
    const fallback = (): never => {
      throw new Error('nothing in memory');
    };
    await expect(breaker.execute(call, { fallback })).rejects.toThrow('nothing in memory');
    expect(breaker.snapshot()).toMatchObject({ state: 'open', refused: 1, failures: 1 });
    await clock.advance(100);
    await expect(breaker.execute(call, { fallback })).resolves.toBe(7);
    expect(breaker.state).toBe('closed');
  });

  it('counts a call that its caller gave up as nothing, however long it took', async () => {
    const { breaker, clock } = fixture({ slowCallTime: 50, slowCallRate: 1, minimumCalls: 1, shortestOpen: 100, longestOpen: 100 });
    const givenUp = async (): Promise<never> => {
      await clock.advance(1_000);
      throw new DOMException('gone', 'AbortError');
    };
    await expect(breaker.execute(givenUp)).rejects.toThrow('gone');
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', slowCalls: 0, window: { calls: 0 } });
    breaker.open('by the test');
    await clock.advance(100);
    // Nor does it settle a probe: the next caller is one.
    await expect(breaker.execute(givenUp)).rejects.toThrow('gone');
    expect(breaker.state).toBe('half-open');
    await expect(breaker.execute(() => 7)).resolves.toBe(7);
    expect(breaker.state).toBe('closed');
  });

  it('ignores a probe that is answered after the breaker was isolated, and starts again when it is let go', async () => {
    const { breaker, clock } = fixture({ consecutiveFailures: 1, shortestOpen: 100, longestOpen: 100 });
    for (const outcome of ['answered', 'failed'] as const) {
      fail(breaker);
      await clock.advance(100);
      let settle: () => void = () => undefined;
      const probe = breaker.execute(
        () =>
          new Promise<void>((resolve, reject) => {
            settle = () => (outcome === 'answered' ? resolve() : reject(down));
          }),
      );
      expect(breaker.state).toBe('half-open');
      await clock.advance(10);
      const letGo = breaker.isolate();
      await clock.advance(10);
      settle();
      await probe.catch(() => undefined);
      expect(breaker.state).toBe('isolated');
      letGo();
      expect(breaker.state).toBe('closed');
    }
  });

  it('does not count aborts, unless an option says otherwise', async () => {
    const { breaker } = fixture({ consecutiveFailures: 1 });
    for (const error of [
      new DOMException('gone', 'AbortError'),
      Object.assign(new Error('gone'), { code: 'ABORT_ERR' }),
      new PoolError('POOL_ABORTED', 'gone'),
    ]) {
      await expect(breaker.execute(() => Promise.reject(error))).rejects.toBe(error);
    }
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', successes: 0, failures: 0 });
  });
});
