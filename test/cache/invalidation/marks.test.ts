import { describe, expect, it } from 'vitest';
import { Marks } from '../../../src/cache/invalidation/marks.js';
import { EVERYTHING } from '../../../src/cache/invalidation/names.js';

const A = ['t:a'];
const B = ['t:b'];

/** A value that is loaded now and depends on these names; returns whether it is still good. */
function loadValue(marks: Marks, names: readonly string[]): () => boolean {
  const depends = marks.marksOf(names);
  const { sequence } = marks;
  return () => marks.isGoodSince(depends, sequence);
}

describe('a value in memory', () => {
  it('is good until one of its names is invalidated, by this process or by another', () => {
    const marks = new Marks();
    const [one, both, other] = [loadValue(marks, A), loadValue(marks, [...A, ...B]), loadValue(marks, B)];
    marks.noteOwnInvalidation(A);
    expect([one(), both(), other()]).toEqual([false, false, true]);
    const again = loadValue(marks, A);
    expect(again()).toBe(true);
    marks.noteOthersInvalidation(A, 7);
    expect([again(), other()]).toEqual([false, true]);
  });

  it('is lost with everything, and after a gap in what was heard', () => {
    const marks = new Marks();
    const first = loadValue(marks, A);
    marks.noteOwnInvalidation([EVERYTHING]);
    expect(first()).toBe(false);
    const second = loadValue(marks, []);
    marks.noteGap(5);
    expect(second()).toBe(false);
    expect(loadValue(marks, [])()).toBe(true);
  });

  it('is not touched by what was invalidated before it came', () => {
    const marks = new Marks();
    const value = loadValue(marks, A);
    marks.notePastInvalidation(A, 3);
    expect(value()).toBe(true);
  });
});

describe('a value from Redis', () => {
  it('is good when its loading began after the last invalidation of its names', () => {
    const marks = new Marks();
    marks.noteOthersInvalidation(A, 7);
    const [a, b] = [marks.marksOf(A), marks.marksOf(B)];
    expect([marks.isGoodAt(a, 6), marks.isGoodAt(a, 7), marks.isGoodAt(b, 0)]).toEqual([false, true, true]);
    marks.notePastInvalidation(B, 4);
    expect([marks.isGoodAt(b, 3), marks.isGoodAt(b, 4)]).toEqual([false, true]);
  });

  it('is not good while an invalidation of this process is on its way to the ledger', () => {
    const marks = new Marks();
    const a = marks.marksOf(A);
    marks.noteOwnInvalidation(A);
    marks.noteOwnInvalidation(A);
    expect(marks.isGoodAt(a, 100)).toBe(false);
    marks.settlePending(A, 8);
    expect(marks.isGoodAt(a, 100)).toBe(false);
    marks.settlePending(A, 9);
    expect([marks.isGoodAt(a, 8), marks.isGoodAt(a, 9)]).toEqual([false, true]);
  });

  it('counts a name once that is on its way already', () => {
    const marks = new Marks();
    marks.noteOwnInvalidation(A);
    marks.noteOwnInvalidation(A, () => false);
    marks.settlePending(A, 1);
    expect(marks.isGoodAt(marks.marksOf(A), 1)).toBe(true);
  });

  it('from before a gap is not trusted, no matter what it depends on', () => {
    const marks = new Marks();
    marks.noteGap(5);
    expect([marks.isGoodAt([], 4), marks.isGoodAt([], 5)]).toEqual([false, true]);
    marks.noteGap(3);
    expect(marks.isGoodAt([], 4)).toBe(false);
  });

  it('of another ledger: positions start again, and nothing in memory counts', () => {
    const marks = new Marks();
    marks.noteOthersInvalidation([...A, EVERYTHING], 9);
    marks.noteGap(9);
    const value = loadValue(marks, A);
    marks.restartPositions();
    expect(value()).toBe(false);
    expect(marks.isGoodAt(marks.marksOf(A), 0)).toBe(true);
  });
});

it('the number of marks stays the same for any number of names; names that share one cost a loading, never a stale value', () => {
  const marks = new Marks();
  const names = Array.from({ length: 200_000 }, (_, index) => `k:${index}`);
  expect(new Set(marks.marksOf(names)).size).toBeLessThanOrEqual(2 ** 16);
  const values = names.slice(0, 1_000).map((name) => loadValue(marks, [name]));
  marks.noteOwnInvalidation(names.slice(0, 500));
  expect(values.slice(0, 500).some((isGood) => isGood())).toBe(false);
  expect(values.slice(500).filter((isGood) => isGood()).length).toBeGreaterThan(450);
});
