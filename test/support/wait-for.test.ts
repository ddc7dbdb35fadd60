import { describe, expect, it } from 'vitest';
import { waitFor } from './wait-for.js';

describe('waitFor', () => {
  it('returns the first answer that is accepted', async () => {
    let asked = 0;
    const answer = await waitFor(
      'three',
      () => Promise.resolve((asked += 1)),
      (value) => value === 3,
      { intervalMs: 1 },
    );
    expect(answer).toBe(3);
    expect(asked).toBe(3);
  });

  it('says what it waited for, and the last value, when time is up', async () => {
    const waiting = waitFor(
      'the pool to be empty',
      () => ({ idle: 2 }),
      (stats) => stats.idle === 0,
      { timeoutMs: 20 },
    );
    await expect(waiting).rejects.toThrow('Waited 20 ms for the pool to be empty; last value: { idle: 2 }');
  });

  it('takes an error for "not yet", and reports the last one', async () => {
    let asked = 0;
    const flaky = (): boolean => {
      asked += 1;
      if (asked < 3) throw new Error('not yet');
      return true;
    };
    await expect(waitFor('it', flaky)).resolves.toBe(true);
    await expect(waitFor('it', () => Promise.reject(new Error('never')), Boolean, { timeoutMs: 5 })).rejects.toThrow(
      /last error: Error: never/u,
    );
  });
});
