/** When failing callers make a pool degraded, and when unhealthy. */

import { describe, expect, it } from 'vitest';
import { CallerWindow } from '../../../src/mysql/observation/caller-window.js';

/** The check after seconds in each of which so many were served and so many timed out. */
function checkAfter(seconds: readonly (readonly [served: number, timedOut: number])[]) {
  const window = new CallerWindow();
  let totals = { served: 0, timedOut: 0, refused: 0, shed: 0 };
  window.sample(totals);
  for (const [served, timedOut] of seconds) {
    totals = { ...totals, served: totals.served + served, timedOut: totals.timedOut + timedOut };
    window.sample(totals);
  }
  return window.check(totals);
}

const second = (times: number, served: number, timedOut: number) => Array.from({ length: times }, () => [served, timedOut] as const);

describe('callers that fail', () => {
  it.each([
    ['none', second(60, 100, 0), 'pass'],
    ['one of a thousand', [...second(59, 100, 0), [99, 1]], 'pass'],
    ['one of fifty', second(60, 49, 1), 'warn'],
    ['a few of few', second(2, 0, 1), 'warn'],
    ['most of them', second(60, 1, 100), 'fail'],
    ['all of them since a few seconds', [...second(60, 100, 0), ...second(9, 0, 200)], 'fail'],
    ['most of them until two seconds ago', [...second(60, 1, 100), ...second(2, 100, 0)], 'warn'],
    ['most of them until ten seconds ago', [...second(60, 1, 100), ...second(10, 100, 0)], 'pass'],
  ] as const)('%s: %s', (_, seconds, status) => {
    expect(checkAfter(seconds)).toMatchObject({ status });
  });

  it('for load that the pool sheds do not make it unhealthy: it serves as many as it can', () => {
    const window = new CallerWindow();
    window.sample({ served: 0, timedOut: 0, refused: 0, shed: 0 });
    expect(window.check({ served: 10, timedOut: 0, refused: 100, shed: 100 })).toMatchObject({ status: 'warn' });
  });

  it('are counted in words', () => {
    expect(checkAfter(second(5, 1, 100)).message).toBe('500 of 505 callers failed within about 10 s: 500 timed out');
  });
});
