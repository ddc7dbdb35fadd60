/** Percentiles of the time between two readings, from the buckets that a process counts for Prometheus. */

/** The counts of a histogram up to each bound, in milliseconds. The last bound is `Infinity`. */
export type BucketCounts = ReadonlyMap<number, number>;

/** The histograms of pools at one moment, by the name of the metric and of the pool. */
export type Histograms = ReadonlyMap<string, BucketCounts>;

const SAMPLE = /^(poolwright_(?:acquire|query)_seconds)_bucket\{([^\n]*)\} (\S+)$/gm;

/** Reads the histograms of acquires and statements in Prometheus' text format. */
export function histogramsIn(metrics: string): Histograms {
  const histograms = new Map<string, Map<number, number>>();
  for (const [, name = '', labels = '', value = ''] of metrics.matchAll(SAMPLE)) {
    const pool = labelOf(labels, 'pool');
    const bound = labelOf(labels, 'le');
    if (pool === undefined || bound === undefined) continue;
    const key = `${name} ${pool}`;
    const counts = histograms.get(key) ?? new Map<number, number>();
    counts.set(bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound) * 1_000, Number(value));
    histograms.set(key, counts);
  }
  return histograms;
}

function labelOf(labels: string, name: string): string | undefined {
  const text = new RegExp(`(?:^|,)${name}="((?:[^"\\\\]|\\\\.)*)"`).exec(labels)?.[1];
  return text?.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}

/** The name of the histogram of a pool's acquires or statements. */
export function histogramName(which: 'acquire' | 'query', pool: string): string {
  return `poolwright_${which}_seconds ${pool}`;
}

/**
 * A percentile of what was counted between two readings, in milliseconds, estimated within its bucket as Prometheus does.
 *
 * @param share 0 to 1
 * @returns null when nothing was counted, or a reading is missing
 */
export function percentileBetween(before: BucketCounts | undefined, after: BucketCounts | undefined, share: number): number | null {
  if (before === undefined || after === undefined) return null;
  const bounds = [...after.keys()].toSorted((one, other) => one - other);
  const grown = (bound: number): number => (after.get(bound) ?? 0) - (before.get(bound) ?? 0);
  const total = grown(Number.POSITIVE_INFINITY);
  // Less than before: the process was restarted in between.
  if (!(total > 0)) return null;
  const rank = share * total;
  let below = 0;
  let countBelow = 0;
  for (const bound of bounds) {
    const count = grown(bound);
    if (count >= rank) {
      if (bound === Number.POSITIVE_INFINITY) return below;
      return below + (bound - below) * ((rank - countBelow) / Math.max(1, count - countBelow));
    }
    below = bound;
    countBelow = count;
  }
  return below;
}
