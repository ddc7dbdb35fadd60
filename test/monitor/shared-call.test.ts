import { describe, expect, it } from 'vitest';
import { SharedCall } from '../../src/monitor/peers/shared-call.js';

describe('a shared call', () => {
  it('gives all who ask while it runs the same answer, and the next one a new one', async () => {
    let calls = 0;
    const shared = new SharedCall(async () => {
      calls += 1;
      await Promise.resolve();
      return { number: calls };
    });
    const answers = await Promise.all([shared.get(), shared.get(), shared.get()]);
    expect(answers).toEqual([{ number: 1 }, { number: 1 }, { number: 1 }]);
    expect(await shared.get()).toEqual({ number: 2 });
  });

  it('keeps an answer for the given time', async () => {
    let now = 1_000;
    let calls = 0;
    const shared = new SharedCall(
      () => Promise.resolve((calls += 1)),
      50,
      () => now,
    );
    expect(await shared.get()).toBe(1);
    now = 1_049;
    expect(await shared.get()).toBe(1);
    now = 1_050;
    expect(await shared.get()).toBe(2);
  });

  it('shares a failure with the callers that wait for it, and does not keep it', async () => {
    let calls = 0;
    const shared = new SharedCall(() => {
      calls += 1;
      return calls === 1 ? Promise.reject(new Error('first')) : Promise.resolve('second');
    }, 1_000);
    const outcomes = await Promise.allSettled([shared.get(), shared.get()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await shared.get()).toBe('second');
  });
});
