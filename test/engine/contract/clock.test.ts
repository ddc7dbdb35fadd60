import { describe, expect, it } from 'vitest';
import { LONGEST_TIMER_MS, STALL_MS, systemClock } from '../../../src/engine/contract/clock.js';

describe('systemClock', () => {
  it('never steps back, and calls back after the delay', async () => {
    const before = systemClock.now();
    await new Promise<void>((resolve) => {
      systemClock.setTimer(() => resolve(), 5);
    });
    // Node truncates fractions of milliseconds, so a timer may fire up to one early by this clock.
    expect(systemClock.now() - before).toBeGreaterThanOrEqual(4);
  });

  it('a timer that was cancelled is not called', async () => {
    let called = false;
    const timer = systemClock.setTimer(() => {
      called = true;
    }, 1);
    timer.cancel();
    await new Promise<void>((resolve) => {
      systemClock.setTimer(() => resolve(), 10);
    });
    expect(called).toBe(false);
  });

  it('takes delays beyond the longest timer of Node, which would fire at once', async () => {
    let called = false;
    const timers = [LONGEST_TIMER_MS + 1, Number.POSITIVE_INFINITY].map((delayMs) =>
      systemClock.setTimer(() => {
        called = true;
      }, delayMs),
    );
    await new Promise<void>((resolve) => {
      systemClock.setTimer(() => resolve(), 20);
    });
    for (const timer of timers) timer.cancel();
    expect(called).toBe(false);
  });

  it('says until when it has read, however long other code runs before the callback', async () => {
    let waits = true;
    // Set in the turn before, it runs before the callback does.
    const keepBusy = (): void => {
      const until = performance.now() + STALL_MS;
      while (performance.now() < until);
      if (waits) setImmediate(keepBusy);
    };
    setImmediate(keepBusy);
    const unreadMs = await new Promise<number>((resolve) => {
      systemClock.setTimer((readUntil = Number.NaN) => resolve(systemClock.now() - readUntil), 5);
    });
    waits = false;
    expect(unreadMs).toBeGreaterThanOrEqual(STALL_MS);
  });

  it('a timer can be unreferenced, so that it does not keep the process alive, and referenced again', () => {
    // Node lists the timers that keep the process alive.
    const holding = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = holding();
    const timer = systemClock.setTimer(() => undefined, 1_000);
    expect(holding()).toBe(before + 1);
    timer.unref();
    expect(holding()).toBe(before);
    timer.ref();
    expect(holding()).toBe(before + 1);
    timer.cancel();
    expect(holding()).toBe(before);
  });
});
