import { describe, expect, it } from 'vitest';
import { checkedMilliseconds, checkedSignal, invalidMilliseconds, invalidSignal } from '../../../src/engine/waiting/checks.js';

describe('checkedMilliseconds', () => {
  it.each([0, 0.5, 30_000, Number.POSITIVE_INFINITY])('takes %s', (value) => {
    expect(checkedMilliseconds('timeout', value)).toBe(value);
    expect(invalidMilliseconds('timeout', value)).toBeUndefined();
  });

  it.each([-1, Number.NaN, '5', null, undefined, {}, 5n])('refuses %s, with the name of the option', (value) => {
    const refused = expect.objectContaining({
      code: 'POOL_OPTION_INVALID',
      message: expect.stringMatching(/^timeout must be a number of milliseconds, at least 0; given: /) as string,
    }) as unknown;
    expect(() => checkedMilliseconds('timeout', value)).toThrow(refused);
    expect(invalidMilliseconds('timeout', value)).toEqual(refused);
  });

  it('says what else an option takes', () => {
    expect(() => checkedMilliseconds('The deadline', 'soon', 'a number of milliseconds, or a signal')).toThrow(
      "The deadline must be a number of milliseconds, or a signal; given: 'soon'.",
    );
  });
});

describe('checkedSignal', () => {
  it('takes a signal and nothing', () => {
    const { signal } = new AbortController();
    expect(checkedSignal(signal)).toBe(signal);
    expect(checkedSignal(undefined)).toBeUndefined();
    expect([invalidSignal(signal), invalidSignal(undefined)]).toEqual([undefined, undefined]);
  });

  it.each([null, 'signal', {}, new AbortController()])('refuses what is no signal: %s', (value) => {
    expect(() => checkedSignal(value)).toThrow(expect.objectContaining({ code: 'POOL_OPTION_INVALID' }) as Error);
    expect(invalidSignal(value)).toMatchObject({ message: expect.stringMatching(/^signal must be an AbortSignal; given: /) as string });
  });
});
