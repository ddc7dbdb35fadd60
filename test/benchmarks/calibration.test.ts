import { describe, expect, it } from 'vitest';
import { fixedWorkMs, MachineSpeed } from '../../benchmarks/src/conditions/calibration.js';

describe('a loop of fixed work', () => {
  it('takes a time', () => {
    expect(fixedWorkMs()).toBeGreaterThan(0);
  });

  it('does not show a slow machine before it has shown the usual one', () => {
    const speed = new MachineSpeed();
    expect([10, 30, 20].map((milliseconds) => speed.isSlow(milliseconds))).toEqual([false, false, false]);
  });

  it('shows a slow moment by its distance to the usual', () => {
    const speed = new MachineSpeed();
    for (const milliseconds of [10, 10.2, 9.9, 10.1]) speed.isSlow(milliseconds);
    expect(speed.isSlow(10.5)).toBe(false);
    expect(speed.isSlow(13)).toBe(true);
    expect(speed.isSlow(10)).toBe(false);
  });
});
