import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { anySignal, onAbort } from '../../../src/engine/waiting/abort.js';
import { allMicrotasks } from '../support/fake-clock.js';
import { catchThrownInMicrotasks } from '../support/thrown-in-microtasks.js';

function listenersOf(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length;
}

describe('onAbort', () => {
  it('I11: puts one listener on a signal, for any number of waiters', () => {
    const controller = new AbortController();
    const heard: number[] = [];
    for (let index = 0; index < 1_000; index += 1) onAbort(controller.signal, () => heard.push(index));
    expect(listenersOf(controller.signal)).toBe(1);
    controller.abort();
    expect(heard).toEqual(Array.from({ length: 1_000 }, (_, index) => index));
    expect(listenersOf(controller.signal)).toBe(0);
  });

  it('takes its listener away with the last waiter', () => {
    const { signal } = new AbortController();
    const [first, second] = [onAbort(signal, () => undefined), onAbort(signal, () => undefined)];
    first();
    expect(listenersOf(signal)).toBe(1);
    first();
    expect(listenersOf(signal)).toBe(1);
    second();
    expect(listenersOf(signal)).toBe(0);
    onAbort(signal, () => undefined)();
    expect(listenersOf(signal)).toBe(0);
  });

  it('the same function given twice is called twice, and given up one by one', () => {
    const controller = new AbortController();
    let heard = 0;
    const listener = (): void => {
      heard += 1;
    };
    const stop = onAbort(controller.signal, listener);
    onAbort(controller.signal, listener);
    stop();
    onAbort(controller.signal, listener);
    controller.abort();
    expect(heard).toBe(2);
  });

  it('a listener that throws is the process’s problem: the others run anyway', async () => {
    const thrown: unknown[] = [];
    const restore = catchThrownInMicrotasks(thrown);
    try {
      const controller = new AbortController();
      const bug = new Error('a bug in a listener');
      let heard = 0;
      onAbort(controller.signal, () => {
        throw bug;
      });
      onAbort(controller.signal, () => {
        heard += 1;
      });
      controller.abort();
      await allMicrotasks();
      expect(heard).toBe(1);
      expect(thrown).toEqual([bug]);
    } finally {
      restore();
    }
  });

  it('a listener that another one stops while all run is not called, and stopping it afterwards does nothing', () => {
    const controller = new AbortController();
    const heard: string[] = [];
    const stops: (() => void)[] = [];
    stops.push(
      onAbort(controller.signal, () => {
        heard.push('first');
        stops[1]?.();
      }),
    );
    stops.push(onAbort(controller.signal, () => heard.push('second')));
    stops.push(onAbort(controller.signal, () => heard.push('third')));
    controller.abort();
    for (const stop of stops) stop();
    expect(heard).toEqual(['first', 'third']);
    expect(listenersOf(controller.signal)).toBe(0);
  });
});

describe('anySignal', () => {
  it('aborts with the first of its signals, for its reason', () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const signal = anySignal([first.signal, second.signal]);
    const reasons: unknown[] = [];
    onAbort(signal, () => reasons.push(signal.reason));
    signal.addEventListener('abort', () => reasons.push(signal.reason), { once: true });
    second.abort('second');
    first.abort('first');
    expect(reasons).toEqual(['second', 'second']);
    expect(signal).toBeInstanceOf(AbortSignal);
    expect(anySignal([AbortSignal.abort('before'), first.signal]).reason).toBe('before');
  });

  it('I11: aborts when the time of a signal is up that nothing else holds, also after garbage was collected', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const signal = anySignal([AbortSignal.timeout(40)]);
    const aborted = new Promise((resolve) => {
      signal.addEventListener('abort', resolve, { once: true });
    });
    // What is referenced in this turn of the event loop is not collected in it.
    await allMicrotasks();
    collectGarbage();
    await allMicrotasks();
    collectGarbage();
    await aborted;
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
  });
});
