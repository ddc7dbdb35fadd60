import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { LONGEST_TIMER_MS, systemClock } from '../../../src/engine/contract/clock.js';
import { pause, waitOrAbort, within } from '../../../src/engine/waiting/within.js';
import { FakeClock } from '../support/fake-clock.js';

const late = (): Error => new Error('late');

interface Settling {
  outcome: unknown;
}

/** Notes how a promise ends. */
function settlingOf(promise: Promise<unknown>): Settling {
  const settling: Settling = { outcome: 'pending' };
  promise.then(
    (value) => {
      settling.outcome = ['resolved', value];
    },
    (error: unknown) => {
      settling.outcome = ['rejected', error];
    },
  );
  return settling;
}

/** A promise and its end, in the test's hands. */
function deferred(): { promise: Promise<string>; resolve: (value: string) => void; reject: (error: Error) => void } {
  let settle: { resolve: (value: string) => void; reject: (error: Error) => void } | undefined;
  const promise = new Promise<string>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...(settle as NonNullable<typeof settle>) };
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function listenersOf(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length;
}

describe('within', () => {
  it('gives what the promise gives, and leaves neither timer nor listener behind', async () => {
    const clock = new FakeClock();
    const { signal } = new AbortController();
    const { promise, resolve } = deferred();
    const settling = settlingOf(within(promise, 100, late, { clock, signal }));
    expect([clock.pendingTimers, listenersOf(signal)]).toEqual([1, 1]);
    resolve('value');
    await clock.settle();
    expect(settling.outcome).toEqual(['resolved', 'value']);
    expect([clock.pendingTimers, listenersOf(signal)]).toEqual([0, 0]);
  });

  it('rejects as the promise does, and leaves neither timer nor listener behind', async () => {
    const clock = new FakeClock();
    const { signal } = new AbortController();
    const error = new Error('of the promise');
    const settling = settlingOf(within(Promise.reject(error), 100, late, { clock, signal }));
    await clock.settle();
    expect(settling.outcome).toEqual(['rejected', error]);
    expect([clock.pendingTimers, listenersOf(signal)]).toEqual([0, 0]);
  });

  it('rejects with the error for being late when the time is up, and not before', async () => {
    const clock = new FakeClock();
    const { signal } = new AbortController();
    const settling = settlingOf(within(never(), 100, late, { clock, signal }));
    await clock.advance(99);
    expect(settling.outcome).toBe('pending');
    await clock.advance(1);
    expect(settling.outcome).toEqual(['rejected', new Error('late')]);
    expect([clock.pendingTimers, listenersOf(signal)]).toEqual([0, 0]);
  });

  it('ignores a rejection that comes after the time was up', async () => {
    const clock = new FakeClock();
    const { promise, reject } = deferred();
    const settling = settlingOf(within(promise, 100, late, { clock }));
    await clock.advance(100);
    reject(new Error('too late'));
    await clock.settle();
    expect(settling.outcome).toEqual(['rejected', new Error('late')]);
  });

  it('has no limit where the time is longer than a timer can take', async () => {
    const clock = new FakeClock();
    settlingOf(within(never(), Number.POSITIVE_INFINITY, late, { clock }));
    settlingOf(within(never(), LONGEST_TIMER_MS + 1, late, { clock }));
    expect(clock.pendingTimers).toBe(0);
    settlingOf(within(never(), LONGEST_TIMER_MS, late, { clock }));
    expect(clock.pendingTimers).toBe(1);
  });

  it('holds the process while a caller waits, unless it is declared that none does', () => {
    const clock = new FakeClock();
    settlingOf(within(never(), 100, late, { clock }));
    expect(clock.referencedTimers).toBe(1);
    settlingOf(within(never(), 100, late, { clock, hold: 'unheld' }));
    expect([clock.pendingTimers, clock.referencedTimers]).toEqual([2, 1]);
  });

  it('rejects with what the caller makes of the reason when the signal aborts', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const aborted = (reason: unknown): Error => new PoolError('POOL_ABORTED', 'Given up.', { cause: reason });
    const settling = settlingOf(within(never(), 100, late, { clock, signal: controller.signal, aborted }));
    controller.abort('enough');
    await clock.settle();
    expect(settling.outcome).toEqual(['rejected', expect.objectContaining({ code: 'POOL_ABORTED', cause: 'enough' })]);
    expect([clock.pendingTimers, listenersOf(controller.signal)]).toEqual([0, 0]);
  });

  it('rejects at once when the signal has aborted, even where the promise has settled, and sets no timer', async () => {
    const clock = new FakeClock();
    const settling = settlingOf(within(Promise.resolve('value'), 100, late, { clock, signal: AbortSignal.abort('enough') }));
    expect(clock.timersSet).toBe(0);
    await clock.settle();
    expect(settling.outcome).toEqual(['rejected', 'enough']);
  });

  it('ignores the rejection of a promise whose wait has been aborted before it began', async () => {
    const settling = settlingOf(waitOrAbort(Promise.reject(new Error('of the promise')), AbortSignal.abort('enough')));
    await new FakeClock().settle();
    expect(settling.outcome).toEqual(['rejected', 'enough']);
  });
});

describe('waitOrAbort', () => {
  it('gives what the promise gives, and rejects with the reason when the signal aborts', async () => {
    const controller = new AbortController();
    await expect(waitOrAbort(Promise.resolve('value'), controller.signal)).resolves.toBe('value');
    const waiting = waitOrAbort(never(), controller.signal);
    controller.abort('enough');
    await expect(waiting).rejects.toBe('enough');
    expect(listenersOf(controller.signal)).toBe(0);
  });
});

describe('pause', () => {
  it('resolves when the time is up', async () => {
    const clock = new FakeClock();
    const settling = settlingOf(pause(50, { clock }));
    expect(clock.referencedTimers).toBe(1);
    await clock.advance(49);
    expect(settling.outcome).toBe('pending');
    await clock.advance(1);
    expect(settling.outcome).toEqual(['resolved', undefined]);
  });

  it('resolves early when one of the signals aborts, and leaves neither timer nor listener behind', async () => {
    const clock = new FakeClock();
    const [first, second] = [new AbortController(), new AbortController()];
    const settling = settlingOf(pause(50, { clock, signals: [first.signal, undefined, second.signal] }));
    second.abort();
    await clock.settle();
    expect(settling.outcome).toEqual(['resolved', undefined]);
    expect([clock.pendingTimers, listenersOf(first.signal), listenersOf(second.signal)]).toEqual([0, 0, 0]);
  });

  it('is over at once when one of the signals has aborted', async () => {
    const clock = new FakeClock();
    const { signal } = new AbortController();
    const settling = settlingOf(pause(50, { clock, signals: [signal, AbortSignal.abort()] }));
    await clock.settle();
    expect(settling.outcome).toEqual(['resolved', undefined]);
    expect([clock.pendingTimers, listenersOf(signal)]).toEqual([0, 0]);
  });

  it('does not hold the process where no caller waits', () => {
    const clock = new FakeClock();
    settlingOf(pause(50, { clock, hold: 'unheld' }));
    expect([clock.pendingTimers, clock.referencedTimers]).toEqual([1, 0]);
  });

  it('lasts by the system clock unless it is given another', async () => {
    const before = systemClock.now();
    await pause(5);
    expect(systemClock.now() - before).toBeGreaterThan(3);
  });
});
