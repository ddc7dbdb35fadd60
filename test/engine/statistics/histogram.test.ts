import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUCKET_EDGES_MS, Histogram } from '../../../src/engine/statistics/histogram.js';

/** Two significant digits of microseconds, as milliseconds: every edge of a bucket, up to 1 000 s. */
const edgeMs = fc
  .tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 0, max: 7 }))
  .map(([lead, decade]) => (lead * 10 ** decade) / 1000);

/** Log-uniform from a tenth of a microsecond to 1 000 s. */
const durationMs = fc.double({ min: -4, max: 6, noNaN: true }).map((exponent) => 10 ** exponent);

function histogramOf(durations: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const duration of durations) histogram.record(duration);
  return histogram;
}

/** The smallest duration that at least `fraction` of all do not exceed. */
function exactPercentile(durations: readonly number[], numerator: number, denominator: number): number {
  const sorted = [...durations].sort((a, b) => a - b);
  return sorted[Math.ceil((sorted.length * numerator) / denominator) - 1] as number;
}

describe('Histogram', () => {
  it('that is given the counts of others is what it would be if it had recorded all of it', () => {
    fc.assert(
      fc.property(fc.array(durationMs), fc.array(durationMs), (some, others) => {
        const merged = new Histogram();
        for (const part of [histogramOf(some), histogramOf(others)]) merged.add(part.countsUpTo(BUCKET_EDGES_MS), part.summary().maxMs);
        const { sumMs, ...whole } = histogramOf([...some, ...others]).summary();
        expect(merged.summary()).toEqual({ ...whole, sumMs: expect.closeTo(sumMs, 6) });
      }),
    );
  });

  it('is all zero while nothing was recorded', () => {
    const histogram = new Histogram();
    expect(histogram.summary()).toEqual({ count: 0, sumMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 });
    expect(histogram.countsUpTo([1, 10])).toEqual({ count: 0, sumMs: 0, cumulative: [0, 0] });
    expect(histogram.count).toBe(0);
  });

  it('gives percentiles to two significant digits, never too low and never above the longest', () => {
    fc.assert(
      fc.property(fc.array(durationMs, { minLength: 1, maxLength: 200 }), (durations) => {
        const summary = histogramOf(durations).summary();
        const longest = Math.max(...durations);
        expect(summary.count).toBe(durations.length);
        expect(summary.maxMs).toBe(longest);
        expect(summary.sumMs).toBeCloseTo(
          durations.reduce((sum, one) => sum + one, 0),
          6,
        );
        for (const [told, numerator, denominator] of [
          [summary.p50Ms, 50, 100],
          [summary.p90Ms, 90, 100],
          [summary.p99Ms, 99, 100],
          [summary.p999Ms, 999, 1000],
        ] as const) {
          const exact = exactPercentile(durations, numerator, denominator);
          expect(told).toBeGreaterThanOrEqual(exact);
          expect(told).toBeLessThanOrEqual(longest);
          // Below 100 µs the buckets are 1 µs wide; above, a tenth of the value at most.
          expect(told - exact).toBeLessThanOrEqual(Math.max(0.001, exact * 0.1) + Number.EPSILON);
        }
      }),
    );
  });

  it('counts exactly what is at or below a bound of two significant digits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(durationMs, edgeMs), { maxLength: 200 }),
        fc.uniqueArray(edgeMs, { minLength: 1, maxLength: 12 }),
        (durations, bounds) => {
          bounds.sort((a, b) => a - b);
          const { cumulative, count } = histogramOf(durations).countsUpTo(bounds);
          expect(cumulative).toEqual(bounds.map((bound) => durations.filter((duration) => duration <= bound).length));
          expect(count).toBe(durations.length);
        },
      ),
    );
  });

  it('counts a duration that is exactly at a bound as at most that long', () => {
    for (const bound of [0.001, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000]) {
      const histogram = histogramOf([bound, bound * 1.000_001]);
      expect(histogram.countsUpTo([bound]).cumulative).toEqual([1]);
    }
  });

  it('takes zero and less for zero: counted, at most any bound, and adding nothing', () => {
    const histogram = histogramOf([0, -1, 0]);
    expect(histogram.summary()).toMatchObject({ count: 3, sumMs: 0, p50Ms: 0, maxMs: 0 });
    expect(histogram.countsUpTo([0.001]).cumulative).toEqual([3]);
  });

  it('keeps what is longer than its range in its last bucket, with the longest exact', () => {
    const histogram = histogramOf([1, 5_000_000]);
    expect(histogram.summary()).toMatchObject({ count: 2, sumMs: 5_000_001, maxMs: 5_000_000, p50Ms: 1 });
    expect(histogram.countsUpTo([900_000, 1_000_000]).cumulative).toEqual([1, 2]);
  });

  it('counts for a bound above its range are the whole', () => {
    expect(histogramOf([1, 2, 3]).countsUpTo([1, 2, 10_000_000]).cumulative).toEqual([1, 2, 3]);
  });

  it('a summary is frozen, and does not change when more is recorded', () => {
    const histogram = histogramOf([1]);
    const before = histogram.summary();
    histogram.record(100);
    expect(before).toMatchObject({ count: 1, maxMs: 1 });
    expect(Object.isFrozen(before)).toBe(true);
  });
});
