/** A day of one pool's points, at falling resolution. */

import type { LivePoint } from '../points/index.js';
import { fewer, type Stretch } from './fewer-points.js';
import { mergedPoint } from './merged-point.js';
import { PackedPoints } from './packed-points.js';

/** How far back points of each resolution are kept: 600, 720 and 1440 points. */
export const TIERS = [
  { resolutionMs: 1_000, keptMs: 600_000 },
  { resolutionMs: 10_000, keptMs: 7_200_000 },
  { resolutionMs: 60_000, keptMs: 86_400_000 },
] as const;

/** So many points may a tier lack at the beginning of a range: who asks for ten minutes has a clock of their own, and asked a moment ago. */
const MISSED = 10;

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
  readonly #tiers: readonly Tier[] = TIERS.map(({ resolutionMs, keptMs }) => ({
    resolutionMs,
    points: new PackedPoints(keptMs / resolutionMs),
    pending: [],
  }));

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

  /** The finest points that reach as far back as what is kept of the range, merged until there are few enough. */
  read({ from, to, most }: Range): Stretch {
    const wanted = Math.max(from, this.keptFrom ?? from);
    const found = this.#tiers.findIndex((tier) => (keptFrom(tier) ?? Number.POSITIVE_INFINITY) <= wanted + MISSED * tier.resolutionMs);
    const index = found === -1 ? this.#tiers.length - 1 : found;
    const { resolutionMs, points } = this.#tiers[index] as Tier;
    const unmerged = this.#tiers
      .slice(0, index + 1)
      .toReversed()
      .flatMap(({ pending }) => pending);
    const kept = [...points.after(from), ...(unmerged.length === 0 ? [] : [mergedPoint(unmerged)])];
    // After the clock was set back, later points are of earlier times.
    const inRange = kept.filter(({ at }) => at > from && at <= to).toSorted((one, other) => one.at - other.at);
    return fewer(inRange, most, resolutionMs);
  }

  #addTo(index: number, point: LivePoint): void {
    const tier = this.#tiers[index];
    if (tier === undefined) return;
    const [first] = tier.pending;
    if (first !== undefined && stepOf(first, tier) !== stepOf(point, tier)) {
      const merged = mergedPoint(tier.pending);
      tier.pending = [];
      tier.points.push(merged);
      this.#addTo(index + 1, merged);
    }
    tier.pending.push(point);
  }
}

function keptFrom({ points, pending: [first] }: Tier): number | undefined {
  return points.keptFrom ?? (first === undefined ? undefined : first.at - first.sinceMs);
}

/** A point covers the time before it: that of a full minute belongs to the minute that has ended. */
function stepOf({ at }: LivePoint, { resolutionMs }: Tier): number {
  return Math.ceil(at / resolutionMs);
}
