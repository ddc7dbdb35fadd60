/** A day of one pool's points, at falling resolution. */

import { KEPT_MS, type LivePoint, stepOf } from '../points/index.js';
import { fewer, type Stretch } from './fewer-points.js';
import { mergedPoint } from './merged-point.js';
import { PackedPoints } from './packed-points.js';

/** How far back points of each resolution are kept: 600, 720 and 1440 points. */
export const TIERS = [
  { resolutionMs: 1_000, keptMs: 600_000 },
  { resolutionMs: 10_000, keptMs: 7_200_000 },
  { resolutionMs: 60_000, keptMs: KEPT_MS },
] as const;

/** A tier that is coarser than the answer by no more than this is good enough: it is read faster. */
const COARSER = 1.2;
/** So many points may a tier lack at the beginning of a range: who asks for ten minutes has a clock of their own, and asked a moment ago. */
const MISSED = 10;

/** A merged point as bytes, as it is kept for another process. */
export interface KeptPoint {
  readonly resolutionMs: number;
  readonly at: number;
  readonly sinceMs: number;
  readonly bytes: Uint8Array;
}

/** Takes each merged point of one pool. */
export type PoolRecord = (resolutionMs: number, point: LivePoint) => void;

/** What is asked for. */
export interface Range {
  /** In milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** At most so many points. */
  readonly most: number;
}

interface Tier {
  readonly resolutionMs: number;
  readonly points: PackedPoints;
  /** What is to be merged into the next point of this tier. */
  pending: LivePoint[];
}

/** Keeps a pool's points: each second of ten minutes, ten seconds of two hours, each minute of a day. Its size is bounded by their numbers. */
export class Timeline {
  readonly #tiers: readonly Tier[];

  /**
   * @param record takes each merged point, to keep it for the next process
   * @param past merged points of a process before this one, the oldest first
   */
  constructor(
    private readonly record?: PoolRecord,
    past: readonly KeptPoint[] = [],
  ) {
    this.#tiers = TIERS.map(({ resolutionMs, keptMs }) => ({
      resolutionMs,
      points: new PackedPoints(keptMs / resolutionMs),
      pending: [],
    }));
    for (const point of past) this.#tiers.find(({ resolutionMs }) => resolutionMs === point.resolutionMs)?.points.pushPacked(point);
    this.#mergeLeftOver();
  }

  /** From when on anything is kept, in milliseconds since 1970; null: nothing is. */
  get keptFrom(): number | null {
    const froms = this.#tiers.map(keptFrom).filter((from) => from !== undefined);
    return froms.length === 0 ? null : Math.min(...froms);
  }

  /** Bytes of memory that the points take. */
  get bytes(): number {
    return this.#tiers.reduce((sum, { points }) => sum + points.bytes, 0);
  }

  /** @param point the one of the last second */
  add(point: LivePoint): void {
    this.#tiers[0]?.points.push(point);
    this.#addTo(1, point);
  }

  /** Nothing comes any more: the last steps are merged as they are. */
  end(): void {
    for (const [index, tier] of this.#tiers.entries()) this.#endStep(index, tier);
  }

  /** Points that reach as far back as what is kept of the range, merged until there are few enough. */
  read({ from, to, most }: Range): Stretch {
    const wanted = Math.max(from, this.keptFrom ?? from);
    const isLong = (tier: Tier): boolean => (keptFrom(tier) ?? Number.POSITIVE_INFINITY) <= wanted + MISSED * tier.resolutionMs;
    const fineMs = ((to - wanted) / most) * COARSER;
    const finest = this.#tiers.findIndex(isLong);
    const index = this.#tiers.findLastIndex((tier, at) => at === finest || (isLong(tier) && tier.resolutionMs <= fineMs));
    // Where nothing is kept yet, points come each second.
    const { resolutionMs, points } = (this.#tiers[index] ?? this.#tiers[0]) as Tier;
    const unmerged = this.#tiers
      .slice(0, index + 1)
      .toReversed()
      .flatMap(({ pending }) => pending);
    const kept = [...points.after(from), ...(unmerged.length === 0 ? [] : [mergedPoint(unmerged)])];
    // After the clock was set back, later points are of earlier times.
    const inRange = kept.filter(({ at }) => at > from && at <= to).toSorted((one, other) => one.at - other.at);
    return fewer(inRange, most, resolutionMs);
  }

  /** A process that was killed had not merged its last points into the next tier. */
  #mergeLeftOver(): void {
    for (const [index, { points }] of this.#tiers.entries()) {
      const next = this.#tiers[index + 1];
      if (next !== undefined) for (const point of points.after(next.points.latest)) this.#addTo(index + 1, point);
    }
  }

  #addTo(index: number, point: LivePoint): void {
    const tier = this.#tiers[index];
    if (tier === undefined) return;
    const [first] = tier.pending;
    if (first !== undefined && stepOf(first, tier.resolutionMs) !== stepOf(point, tier.resolutionMs)) this.#endStep(index, tier);
    tier.pending.push(point);
  }

  #endStep(index: number, tier: Tier): void {
    if (tier.pending.length === 0) return;
    const merged = mergedPoint(tier.pending);
    tier.pending = [];
    tier.points.push(merged);
    this.record?.(tier.resolutionMs, merged);
    this.#addTo(index + 1, merged);
  }
}

function keptFrom({ points, pending: [first] }: Tier): number | undefined {
  return points.keptFrom ?? (first === undefined ? undefined : first.at - first.sinceMs);
}
