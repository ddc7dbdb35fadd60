/** The statements that cost most recently, by shape, found by sampling. */

import { performance } from '../../engine/waiting/index.js';
import { factsOf } from '../../sql/index.js';

/** What the statements of one shape have cost. Durations are in milliseconds, as the server took them. */
export interface SlowQuery {
  /** The statements' text with `?` for each value or list of values. */
  readonly digest: string;
  /** How many there were, estimated from those that were looked at. */
  readonly calls: number;
  /** Their time together, also estimated. */
  readonly totalMs: number;
  readonly meanMs: number;
  /** Percentiles, to about a tenth, rounded up. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The longest one that was looked at. */
  readonly maxMs: number;
  /** How long ago the last one was looked at. */
  readonly lastSeenAgoMs: number;
  /** Their time in each of the last twenty half minutes, in whole milliseconds, the oldest first; a statement counts where it ended. */
  readonly recentMs: readonly number[];
}

/** The statements of the last quarter to half hour, by shape. */
export interface SlowQueryReport {
  /** How far back it goes. */
  readonly windowMs: number;
  /** Time of all statements together in this window. */
  readonly totalMs: number;
  /** The shapes, the one that cost most first. */
  readonly queries: readonly SlowQuery[];
}

/** By what the shapes are ordered. */
export type SlowQueryOrder = 'total' | 'p99';

/**
 * Time is looked at in steps of this length: the statement that is running at the end of a step is the one that is looked at. So each statement that
 * takes as long is looked at, and shorter ones in proportion to their time, with a weight that makes up for it (Horvitz and Thompson 1952).
 */
const STEP_MS = 25;

const MOST_DIGESTS = 200;
const WINDOW_MS = 15 * 60_000;

/** Eight buckets to a doubling, from 10 µs to 160 s. */
const BUCKETS_PER_DOUBLING = 8;
const SHORTEST_MS = 0.01;
const BUCKETS = 24 * BUCKETS_PER_DOUBLING;

/** Twenty half minutes. */
const RECENT_STEPS = 20;
const RECENT_STEP_MS = 30_000;

/**
 * Finds the statements that cost most without looking at each: most of them cost one addition. Bounded: {@link MOST_DIGESTS} shapes per window,
 * and the cheapest goes when a new one comes.
 */
export class SlowQueries {
  readonly #now: () => number;
  #untilNext = STEP_MS;
  #current: Generation;
  #previous: Generation | undefined = undefined;

  /** @param now milliseconds since some fixed moment */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#current = new Generation(now());
  }

  /** A statement was answered. On the hot path. */
  record(durationMs: number, sql: string): void {
    this.#untilNext -= durationMs;
    if (this.#untilNext <= 0) this.#sample(durationMs, sql);
  }

  /** @param limit how many shapes */
  report(limit: number, order: SlowQueryOrder = 'total'): SlowQueryReport {
    const now = this.#now();
    this.#rotateGenerations(now);
    const generations = this.#previous === undefined ? [this.#current] : [this.#previous, this.#current];
    const merged = new Map<string, Shape>();
    for (const { shapes } of generations) {
      for (const [digest, shape] of shapes) {
        const sum = merged.get(digest) ?? new Shape();
        sum.add(shape);
        merged.set(digest, sum);
      }
    }
    const costs = [...merged].map(([digest, shape]) => ({
      digest,
      shape,
      cost: order === 'total' ? shape.totalMs : shape.percentile(0.99),
    }));
    const costly = costs.toSorted((a, b) => b.cost - a.cost).slice(0, limit);
    return Object.freeze({
      windowMs: now - (generations[0] as Generation).since,
      totalMs: generations.reduce((sum, { totalMs }) => sum + totalMs, 0),
      queries: Object.freeze(costly.map(({ digest, shape }) => shape.shown(digest, now))),
    });
  }

  #sample(durationMs: number, sql: string): void {
    const now = this.#now();
    this.#rotateGenerations(now);
    this.#untilNext = STEP_MS - (-this.#untilNext % STEP_MS);
    this.#current.add(factsOf(sql).digest, durationMs, now);
  }

  /** Two generations: the older one is forgotten as a whole. */
  #rotateGenerations(now: number): void {
    const ageMs = now - this.#current.since;
    if (ageMs < WINDOW_MS) return;
    this.#previous = ageMs < 2 * WINDOW_MS ? this.#current : undefined;
    this.#current = new Generation(now);
  }
}

class Generation {
  readonly shapes = new Map<string, Shape>();
  totalMs = 0;

  constructor(readonly since: number) {}

  add(digest: string, durationMs: number, now: number): void {
    let shape = this.shapes.get(digest);
    if (shape === undefined) {
      if (this.shapes.size >= MOST_DIGESTS) this.#dropCheapest();
      shape = new Shape();
      this.shapes.set(digest, shape);
    }
    shape.note(durationMs, now);
    this.totalMs += Math.max(durationMs, STEP_MS);
  }

  #dropCheapest(): void {
    let cheapest: string | undefined;
    let leastMs = Number.POSITIVE_INFINITY;
    for (const [digest, { totalMs }] of this.shapes) {
      if (totalMs >= leastMs) continue;
      leastMs = totalMs;
      cheapest = digest;
    }
    if (cheapest !== undefined) this.shapes.delete(cheapest);
  }
}

/** What is known of the statements of one shape. */
class Shape {
  calls = 0;
  totalMs = 0;
  #maxMs = 0;
  #lastSeenAt = Number.NEGATIVE_INFINITY;
  readonly #counts = new Float32Array(BUCKETS);
  readonly #recent = new RecentTime();

  note(durationMs: number, now: number): void {
    const weight = Math.max(1, STEP_MS / durationMs);
    this.calls += weight;
    this.totalMs += weight * durationMs;
    this.#maxMs = Math.max(this.#maxMs, durationMs);
    this.#lastSeenAt = now;
    this.#recent.add(now, weight * durationMs);
    const bucket = bucketOf(durationMs);
    this.#counts[bucket] = (this.#counts[bucket] as number) + weight;
  }

  add(other: Shape): void {
    this.calls += other.calls;
    this.totalMs += other.totalMs;
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
    this.#lastSeenAt = Math.max(this.#lastSeenAt, other.#lastSeenAt);
    this.#recent.addAll(other.#recent);
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      this.#counts[bucket] = (this.#counts[bucket] as number) + (other.#counts[bucket] as number);
    }
  }

  shown(digest: string, now: number): SlowQuery {
    return Object.freeze({
      digest,
      calls: Math.round(this.calls),
      totalMs: this.totalMs,
      meanMs: this.totalMs / this.calls,
      p50Ms: this.percentile(0.5),
      p99Ms: this.percentile(0.99),
      maxMs: this.#maxMs,
      lastSeenAgoMs: now - this.#lastSeenAt,
      recentMs: this.#recent.shown(now),
    });
  }

  percentile(fraction: number): number {
    const rank = this.calls * fraction;
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += this.#counts[bucket] as number;
      if (seen >= rank) return Math.min(SHORTEST_MS * 2 ** ((bucket + 1) / BUCKETS_PER_DOUBLING), this.#maxMs);
    }
    return this.#maxMs;
  }
}

/** The time of one shape in the last steps: a ring. */
class RecentTime {
  readonly #ms = new Float32Array(RECENT_STEPS);
  /** The latest step that has a place in the ring. */
  #latest = Number.NEGATIVE_INFINITY;

  add(now: number, ms: number): void {
    this.#addTo(Math.floor(now / RECENT_STEP_MS), ms);
  }

  addAll(other: RecentTime): void {
    if (!Number.isFinite(other.#latest)) return;
    for (let step = other.#latest - RECENT_STEPS + 1; step <= other.#latest; step += 1) this.#addTo(step, other.#of(step));
  }

  shown(now: number): readonly number[] {
    const last = Math.floor(now / RECENT_STEP_MS);
    return Object.freeze(Array.from({ length: RECENT_STEPS }, (_, index) => Math.round(this.#of(last - RECENT_STEPS + 1 + index))));
  }

  #addTo(step: number, ms: number): void {
    for (let next = Math.max(this.#latest + 1, step - RECENT_STEPS + 1); next <= step; next += 1) this.#ms[placeOf(next)] = 0;
    this.#latest = Math.max(this.#latest, step);
    if (step > this.#latest - RECENT_STEPS) this.#ms[placeOf(step)] = this.#of(step) + ms;
  }

  #of(step: number): number {
    return step > this.#latest || step <= this.#latest - RECENT_STEPS ? 0 : (this.#ms[placeOf(step)] as number);
  }
}

function placeOf(step: number): number {
  return ((step % RECENT_STEPS) + RECENT_STEPS) % RECENT_STEPS;
}

function bucketOf(durationMs: number): number {
  const bucket = Math.floor(Math.log2(durationMs / SHORTEST_MS) * BUCKETS_PER_DOUBLING);
  return Math.min(Math.max(bucket, 0), BUCKETS - 1);
}
