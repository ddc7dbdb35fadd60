/** The buckets in which points count durations. */

/**
 * Upper bounds of the buckets, in milliseconds: ten to a decade, from 10 µs to 100 s. Each has two significant digits of microseconds, so
 * that it is an edge of the pool's own buckets and the counts are exact.
 */
export const LIVE_BOUNDS_MS: readonly number[] = Array.from({ length: 7 }, (_, decade) =>
  [10, 13, 16, 20, 25, 32, 40, 50, 63, 79].map((microseconds) => (microseconds * 10 ** decade) / 1_000),
).flat();

/** Counts of the buckets that have any: index, count, index, count … The index after the last bound counts longer durations. */
export type SparseCounts = readonly number[];

/** The buckets that have any. */
export function sparseOf(counts: Float64Array): SparseCounts {
  const sparse: number[] = [];
  for (const [index, count] of counts.entries()) if (count > 0) sparse.push(index, count);
  return sparse;
}

/** How many more durations each bucket has now than it had. */
export function newCounts(before: readonly number[], now: readonly number[]): SparseCounts {
  const sparse: number[] = [];
  let below = 0;
  for (const [index, cumulative] of now.entries()) {
    const more = cumulative - (before[index] ?? 0);
    if (more > below) sparse.push(index, more - below);
    below = more;
  }
  return sparse;
}
