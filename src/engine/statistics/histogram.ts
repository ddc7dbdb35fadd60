/** A histogram of durations from 1 µs to 1 000 s: recording takes nanoseconds, percentiles are exact to two digits. */

import { callListener } from '../waiting/index.js';

/**
 * Bucket layout: one bucket per microsecond below 100 µs, then 90 per decade (two significant digits), up to 1 000 s.
 * Edges are decimal on purpose: 1 ms, 5 ms, 10 ms … are edges, so counts "up to a bound" are exact for the bounds that
 * Prometheus and OpenTelemetry use. A bucket covers (lower edge, upper edge].
 */
const LINEAR_BUCKETS = 100;
const BUCKETS_PER_DECADE = 90;
const DECADES = 7;
const BUCKETS = LINEAR_BUCKETS + BUCKETS_PER_DECADE * DECADES;
const LARGEST_MICROSECONDS = 10 ** (2 + DECADES) - 1;

/** Percentiles and totals of a set of durations, in milliseconds. */
export interface DurationSummary {
  /** How many durations were recorded. */
  readonly count: number;
  /** Their sum. */
  readonly sumMs: number;
  /** Percentiles, to two significant digits, rounded up; 0 while nothing was recorded. */
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** The longest one, exact. */
  readonly maxMs: number;
}

/** Counts of durations at or below each of a list of bounds, as Prometheus wants them. */
export interface DurationCounts {
  readonly count: number;
  readonly sumMs: number;
  /** For each bound (milliseconds), how many durations were at most that long. */
  readonly cumulative: readonly number[];
}

const NO_COUNTS = new Float64Array(0);

/**
 * A log-linear histogram of durations from 1 µs to 1 000 s. Recording takes a few nanoseconds, and allocates only for the first duration of a decade:
 * most histograms see two or three of the eight, and a process may have hundreds of them.
 */
export class Histogram {
  /** Those of the decades between the shortest and the longest duration so far. */
  #counts = NO_COUNTS;
  /** The bucket of the first of them. */
  #first = 0;
  /** Of durations of no time at all, such as the wait for an idle entry; they belong to the first bucket. */
  #zeros = 0;
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;
  #listeners: Set<(durationMs: number) => void> | undefined = undefined;

  /** `durationMs` is in milliseconds; below zero counts as zero. */
  record(durationMs: number): void {
    this.#count += 1;
    if (durationMs <= 0) {
      this.#zeros += 1;
      return;
    }
    this.#sumMs += durationMs;
    if (durationMs > this.#maxMs) this.#maxMs = durationMs;
    this.#addTo(bucketOf(Math.ceil(durationMs * 1000) - 1), 1);
  }

  /**
   * Calls `listener` with each duration from now on. Without a listener, recording costs nothing more: with one, a method of this object takes the place
   * of the class's.
   *
   * @returns ends it
   */
  observe(listener: (durationMs: number) => void): () => void {
    const listeners = (this.#listeners ??= new Set());
    listeners.add(listener);
    this.record = (durationMs) => {
      Histogram.prototype.record.call(this, durationMs);
      for (const each of listeners) callListener(each, durationMs);
    };
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) Reflect.deleteProperty(this, 'record');
    };
  }

  get count(): number {
    return this.#count;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  summary(): DurationSummary {
    const [p50Ms, p90Ms, p99Ms, p999Ms] = this.#percentiles(0.5, 0.9, 0.99, 0.999);
    return Object.freeze({ count: this.#count, sumMs: this.#sumMs, p50Ms, p90Ms, p99Ms, p999Ms, maxMs: this.#maxMs } as DurationSummary);
  }

  /**
   * Adds what another histogram has recorded: its percentiles are then those of both, which no average of percentiles would be.
   *
   * @param counts its counts up to {@link BUCKET_EDGES_MS}
   * @param maxMs its longest duration
   */
  add({ count, sumMs, cumulative }: DurationCounts, maxMs: number): void {
    this.#count += count;
    this.#sumMs += sumMs;
    this.#maxMs = Math.max(this.#maxMs, maxMs);
    for (const [index, upTo] of cumulative.entries()) {
      const more = upTo - (cumulative[index - 1] ?? 0);
      if (more > 0) this.#addTo(index, more);
    }
  }

  /** `boundsMs` ascending, in milliseconds. Exact when each bound is a bucket's edge: two significant digits of microseconds. */
  countsUpTo(boundsMs: readonly number[]): DurationCounts {
    const cumulative: number[] = [];
    let index = 0;
    let sum = 0;
    for (const bound of boundsMs) {
      const boundMicroseconds = Math.round(bound * 1000);
      while (index < BUCKETS && upperEdge(index) <= boundMicroseconds) {
        sum += this.#countOf(index);
        index += 1;
      }
      cumulative.push(sum);
    }
    return { count: this.#count, sumMs: this.#sumMs, cumulative };
  }

  #addTo(bucket: number, count: number): void {
    let place = bucket - this.#first;
    if (place < 0 || place >= this.#counts.length) {
      this.#widenTo(bucket);
      place = bucket - this.#first;
    }
    this.#counts[place] = (this.#counts[place] as number) + count;
  }

  #countOf(bucket: number): number {
    return (this.#counts[bucket - this.#first] ?? 0) + (bucket === 0 ? this.#zeros : 0);
  }

  /** Makes room for a bucket, and for all of its decade. */
  #widenTo(bucket: number): void {
    const counts = this.#counts;
    const [first, end] = decadeAround(bucket);
    const isEmpty = counts.length === 0;
    const from = isEmpty ? first : Math.min(first, this.#first);
    const to = isEmpty ? end : Math.max(end, this.#first + counts.length);
    const wider = new Float64Array(to - from);
    wider.set(counts, isEmpty ? 0 : this.#first - from);
    this.#counts = wider;
    this.#first = from;
  }

  /** `fractions` ascending. One walk over the buckets for all of them. */
  #percentiles(...fractions: number[]): number[] {
    const result: number[] = [];
    let seen = 0;
    let index = -1;
    for (const fraction of fractions) {
      const rank = Math.ceil(this.#count * fraction);
      while (seen < rank) {
        index += 1;
        seen += this.#countOf(index);
      }
      result.push(index < 0 ? 0 : Math.min(upperEdge(index) / 1000, this.#maxMs));
    }
    return result;
  }
}

/** The upper edges of the buckets, in milliseconds: counts up to each of them are all that a histogram knows, but for its longest duration. */
export const BUCKET_EDGES_MS: readonly number[] = Object.freeze(Array.from({ length: BUCKETS }, (_, index) => upperEdge(index) / 1000));

/** Precondition: a whole number, at least 0. */
function bucketOf(microseconds: number): number {
  if (microseconds < 100) return microseconds;
  if (microseconds < 1_000) return decadeBucket(microseconds / 10, 0);
  if (microseconds < 10_000) return decadeBucket(microseconds / 100, 1);
  if (microseconds < 100_000) return decadeBucket(microseconds / 1_000, 2);
  if (microseconds < 1_000_000) return decadeBucket(microseconds / 10_000, 3);
  if (microseconds < 10_000_000) return decadeBucket(microseconds / 100_000, 4);
  if (microseconds < 100_000_000) return decadeBucket(microseconds / 1_000_000, 5);
  return decadeBucket(Math.min(microseconds, LARGEST_MICROSECONDS) / 10_000_000, 6);
}

/** `lead` is between 10 and 100: the two leading digits. */
function decadeBucket(lead: number, decade: number): number {
  return LINEAR_BUCKETS + decade * BUCKETS_PER_DECADE + Math.floor(lead) - 10;
}

/** The first bucket of the decade that a bucket is in, and the first behind it. */
function decadeAround(bucket: number): readonly [number, number] {
  if (bucket < LINEAR_BUCKETS) return [0, LINEAR_BUCKETS];
  const first = bucket - ((bucket - LINEAR_BUCKETS) % BUCKETS_PER_DECADE);
  return [first, first + BUCKETS_PER_DECADE];
}

/** In microseconds. */
function upperEdge(index: number): number {
  if (index < LINEAR_BUCKETS) return index + 1;
  const decade = Math.floor((index - LINEAR_BUCKETS) / BUCKETS_PER_DECADE);
  const lead = 10 + ((index - LINEAR_BUCKETS) % BUCKETS_PER_DECADE);
  return (lead + 1) * 10 ** (decade + 1);
}
