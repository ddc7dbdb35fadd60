import { describe, expect, it } from 'vitest';
import { resolveBreakerOptions } from '../../../src/resilience/breaker/breaker-options.js';
import { CallWindow } from '../../../src/resilience/breaker/call-window.js';
import { ConsecutiveFailures } from '../../../src/resilience/breaker/consecutive-failures.js';
import { FailureRate } from '../../../src/resilience/breaker/failure-rate.js';
import { openingStrategies } from '../../../src/resilience/breaker/opening-strategy.js';
import { SlowCallRate } from '../../../src/resilience/breaker/slow-call-rate.js';

function windowOf(failed: number, slow: number, fine: number): CallWindow {
  const window = new CallWindow(1_000);
  for (let call = 0; call < failed; call += 1) window.note(true, false, 0);
  for (let call = 0; call < slow; call += 1) window.note(false, true, 0);
  for (let call = 0; call < fine; call += 1) window.note(false, false, 0);
  return window;
}

describe('openingStrategies()', () => {
  it('makes those that the options ask for, and no other', () => {
    const kindsOf = (given: Parameters<typeof resolveBreakerOptions>[0]): unknown[] =>
      openingStrategies(resolveBreakerOptions(given), new CallWindow(1_000)).map(({ constructor }) => constructor);
    expect(kindsOf({})).toEqual([FailureRate]);
    expect(kindsOf({ failureRate: 0 })).toEqual([]);
    expect(kindsOf({ consecutiveFailures: 3, slowCallTime: 10 })).toEqual([ConsecutiveFailures, FailureRate, SlowCallRate]);
  });
});

describe('ConsecutiveFailures', () => {
  it('counts failures in a row; a success and a reset start again', () => {
    const strategy = new ConsecutiveFailures(2);
    expect([strategy.noteFailure(), strategy.noteSuccess(), strategy.noteFailure()]).toEqual([undefined, undefined, undefined]);
    expect(strategy.noteFailure()).toBe('2 calls in a row failed');
    strategy.reset();
    expect(strategy.noteFailure()).toBeUndefined();
  });
});

describe('FailureRate', () => {
  it('opens at the rate, when there are enough calls', () => {
    expect(new FailureRate(windowOf(5, 0, 5), 50, 10).noteFailure()).toBe('5 of 10 calls failed');
    expect(new FailureRate(windowOf(5, 0, 5), 50, 11).noteFailure()).toBeUndefined();
    expect(new FailureRate(windowOf(4, 0, 6), 50, 10).noteFailure()).toBeUndefined();
    expect(new FailureRate(windowOf(5, 0, 5), 50, 10).noteSuccess()).toBeUndefined();
  });
});

describe('SlowCallRate', () => {
  it('opens at the rate, after a slow success and after any failure', () => {
    const strategy = new SlowCallRate(windowOf(2, 8, 0), 80, 10);
    expect([strategy.noteSuccess(true), strategy.noteFailure()]).toEqual(['8 of 10 calls were slow', '8 of 10 calls were slow']);
    expect(strategy.noteSuccess(false)).toBeUndefined();
    expect(new SlowCallRate(windowOf(3, 7, 0), 80, 10).noteFailure()).toBeUndefined();
    expect(new SlowCallRate(windowOf(10, 0, 0), 80, 10).noteFailure()).toBeUndefined();
  });
});
