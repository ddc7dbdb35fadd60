import { describe, expect, it } from 'vitest';
import { LabelledCounts, noCloses } from '../../../src/engine/statistics/stats.js';

describe('LabelledCounts', () => {
  it('counts by label', () => {
    const counts = new LabelledCounts();
    for (const label of ['a', 'b', 'a']) counts.add(label);
    expect(counts.snapshot()).toEqual({ a: 2, b: 1 });
  });

  it('keeps at most fifty labels, and counts the rest under other', () => {
    const counts = new LabelledCounts();
    for (let i = 0; i < 60; i += 1) counts.add(`E${i}`);
    counts.add('E0');
    const snapshot = counts.snapshot();
    expect(Object.keys(snapshot)).toHaveLength(51);
    expect(snapshot).toMatchObject({ E0: 2, E49: 1, other: 10 });
    expect(snapshot).not.toHaveProperty('E50');
  });

  it('a snapshot is frozen, and does not change when more is counted', () => {
    const counts = new LabelledCounts();
    counts.add('a');
    const before = counts.snapshot();
    counts.add('a');
    expect(before).toEqual({ a: 1 });
    expect(Object.isFrozen(before)).toBe(true);
  });

  it('takes the name of an object property for a label like any other', () => {
    const counts = new LabelledCounts();
    counts.add('__proto__');
    counts.add('constructor');
    expect(Object.entries(counts.snapshot())).toEqual([
      ['__proto__', 1],
      ['constructor', 1],
    ]);
  });
});

describe('noCloses', () => {
  it('is zero for every reason, in a new object each time', () => {
    const counts = noCloses();
    expect(new Set(Object.values(counts))).toEqual(new Set([0]));
    counts.idle = 1;
    expect(noCloses().idle).toBe(0);
  });
});
