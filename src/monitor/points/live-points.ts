/** Points of a pool: how it was at one moment, and what has happened since the point before. */

import type { RecordedDuration } from '../../engine/index.js';
import type { PoolStats } from '../../mysql/index.js';
import type { ObservedPool } from '../../telemetry/index.js';
import { type CachePoint, CachePointMaker } from './cache-points.js';
import { LIVE_BOUNDS_MS, newCounts, type SparseCounts } from './live-buckets.js';

const DURATIONS = ['acquire', 'use', 'connect', 'query'] as const satisfies readonly (RecordedDuration | 'query')[];

const COUNTERS = {
  acquired: 'acquired',
  timedOut: 'timedOut',
  cancelled: 'cancelled',
  refused: 'refused',
  opened: 'opened',
  closed: 'closed',
  connectErrors: 'connectErrors',
  queryErrors: 'queryErrors',
  retries: 'retries',
  kills: 'kills',
  leaks: 'leaks',
} as const satisfies Record<string, keyof PoolStats>;

type Counter = keyof typeof COUNTERS;

/** What a point counts of the time since the point before. */
export const COUNTER_NAMES: readonly (Counter | 'breakerRefused')[] = [...(Object.keys(COUNTERS) as Counter[]), 'breakerRefused'];

type Durations = Readonly<Record<(typeof DURATIONS)[number], SparseCounts>>;

/** How a pool was at one moment, and what has happened since the moment before. */
export interface LivePoint extends Readonly<Record<Counter, number>>, Durations {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** How long it is since the point before, in milliseconds. */
  readonly sinceMs: number;
  readonly limit: number;
  readonly idle: number;
  readonly used: number;
  readonly opening: number;
  readonly checking: number;
  readonly closing: number;
  readonly waiting: number;
  readonly longestWaitMs: number;
  /** Callers whom the pool's own breakers have refused. */
  readonly breakerRefused: number;
  /** Null where the pool has no cache. */
  readonly cache: CachePoint | null;
}

/** What one pool had counted at the last point. */
interface Totals {
  readonly at: number;
  readonly counters: Readonly<Record<Counter, number>>;
  readonly breakerRefused: number;
  readonly cumulative: Readonly<Record<string, readonly number[]>>;
}

/** Makes points of one pool, each out of what has changed since the one before. */
export class PointMaker {
  readonly #pool: ObservedPool;
  readonly #cache: CachePointMaker | undefined;
  #last: Totals;

  constructor(pool: ObservedPool, at: number) {
    this.#pool = pool;
    this.#cache = pool.cache === undefined ? undefined : new CachePointMaker(pool.cache);
    this.#last = this.#totals(pool.stats(), at);
  }

  next(stats: PoolStats, at: number): LivePoint {
    const before = this.#last;
    const now = this.#totals(stats, at);
    this.#last = now;
    const grown = Object.fromEntries(
      (Object.keys(COUNTERS) as Counter[]).map((name) => [name, now.counters[name] - before.counters[name]]),
    );
    const durations = Object.fromEntries(
      DURATIONS.map((name) => [name, newCounts(before.cumulative[name] as readonly number[], now.cumulative[name] as readonly number[])]),
    );
    const { limit, idle, used, opening, checking, closing, waiting, longestWaitMs } = stats;
    return {
      at,
      // The clock may have been set back.
      sinceMs: Math.max(0, at - before.at),
      limit,
      idle,
      used,
      opening,
      checking,
      closing,
      waiting,
      longestWaitMs,
      breakerRefused: now.breakerRefused - before.breakerRefused,
      cache: this.#cache?.next() ?? null,
      ...(grown as Record<Counter, number>),
      ...(durations as unknown as Durations),
    };
  }

  #totals(stats: PoolStats, at: number): Totals {
    const counters = Object.fromEntries(Object.entries(COUNTERS).map(([name, key]) => [name, stats[key]])) as Record<Counter, number>;
    const cumulative = Object.fromEntries(
      DURATIONS.map((name) => {
        const counts = this.#pool.durationCounts(name, LIVE_BOUNDS_MS);
        return [name, [...counts.cumulative, counts.count]];
      }),
    );
    const { connect, statement } = stats.breakers;
    return { at, counters, breakerRefused: connect.refused + statement.refused, cumulative };
  }
}
