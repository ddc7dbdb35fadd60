/** The past of one pool: its points and its incidents of the last day. */

import type { Borrowed } from '../../engine/index.js';
import type { Health } from '../../mysql/index.js';
import type { ListedBreaker, ObservedPool } from '../../telemetry/index.js';
import { type KeptPast, type PoolRecord, type Range, type Stretch, Timeline } from '../history/index.js';
import { type LivePoint, PointMaker } from '../points/index.js';
import {
  cutShort,
  type Failures,
  findingsOn,
  followed,
  type Incident,
  type JudgedPool,
  type PoolVerdict,
  verdictOn,
} from '../verdict/index.js';
import { judgedHealth } from './whole-health.js';
import { shownStats, type ShownStats } from './shown-stats.js';
import { shownTopology, type ShownTopology } from './shown-topology.js';

/** Two minutes of seconds: what a verdict looks at, and what a listener is told that comes back. */
const SECONDS_KEPT = 120;
/** What a listener is told first: so much of the past, of which the last minute is in seconds, and what is before it is merged. */
const TOLD_MS = 600_000;
const TOLD_IN_SECONDS_MS = 60_000;
const MERGED_MS = 10_000;
const MOST_BORROWED = 25;

/** A pool as it was judged. */
export interface JudgedNow extends JudgedPool {
  readonly health: Health;
  readonly stats: ShownStats;
  /** At most 25. */
  readonly borrowed: readonly Borrowed[];
  readonly topology: ShownTopology | null;
}

/** What a pool is judged with, beside its own state. */
export interface Surroundings {
  readonly breakers: readonly ListedBreaker[];
  /** Pools over which replicas of clusters are read. */
  readonly ofReplicas: ReadonlySet<ObservedPool>;
}

/** Reads a pool once, for all that is said of it at this moment. */
export async function judgedNow(pool: ObservedPool, { breakers, ofReplicas }: Surroundings, own = pool.health()): Promise<JudgedNow> {
  const health = await own;
  const topology = shownTopology(pool);
  const borrowed = pool.borrowed();
  return {
    health: judgedHealth(health, { topology, waiting: pool.summary().waiting, breakers, isOfReplica: ofReplicas.has(pool) }),
    stats: shownStats(pool),
    borrowed: borrowed.slice(0, MOST_BORROWED),
    leaked: borrowed.filter(({ leaked }) => leaked === true).length,
    topology,
  };
}

/** Follows the pools of one name, one after the other. */
export class PoolHistory {
  readonly #timeline: Timeline;
  #pool: ObservedPool | undefined;
  #maker: PointMaker | undefined;
  /** The last seconds, with the number of the message that each was new in. */
  #seconds: { readonly id: number; readonly point: LivePoint }[] = [];
  #incidents: readonly Incident[];
  /** The number of the message in which a record was last changed. */
  readonly #changed = new Map<number, number>();

  /**
   * @param past what is kept from a process before this one
   * @param record where points are kept for the next process
   */
  constructor(past?: KeptPast, record?: PoolRecord) {
    this.#timeline = new Timeline(record, past?.points);
    this.#incidents = past?.incidents ?? [];
  }

  /** The last seconds, the oldest first: at most two minutes. */
  get points(): readonly LivePoint[] {
    return this.#seconds.map(({ point }) => point);
  }

  /** From when on points are kept, in milliseconds since 1970; null: there is none yet. */
  get keptFrom(): number | null {
    return this.#timeline.keptFrom;
  }

  /** The last one first. */
  get incidents(): readonly Incident[] {
    return this.#incidents;
  }

  /** Points of a part of the last day. */
  read(range: Range): Stretch {
    return this.#timeline.read(range);
  }

  /** From now on the points are those of this pool. */
  follow(pool: ObservedPool, at: number): void {
    this.#pool = pool;
    this.#maker = new PointMaker(pool, at);
  }

  /** The pool is there no more. Another one of its name may come. */
  leave(at: number): void {
    this.#pool = undefined;
    this.#maker = undefined;
    this.#incidents = cutShort(this.#incidents, 'pool-gone', at);
  }

  /** The process ends. */
  end(): void {
    this.#timeline.end();
  }

  /**
   * What is new after a message, up to another. To a listener that was away for longer than the last seconds, and to a new one, ten minutes are
   * told, most of them merged.
   */
  newAfter(last: number, upTo: number): { readonly points: readonly LivePoint[]; readonly incidents: readonly Incident[] } {
    const incidents = this.#incidents.filter(({ id, end }) => end === null || (this.#changed.get(id) ?? 0) > last || last === 0);
    const seconds = this.#seconds.filter(({ id }) => id <= upTo);
    const isKnown = seconds.some(({ id }) => id <= last);
    if (last > 0 && (isKnown || seconds[0]?.id === last + 1))
      return { points: seconds.filter(({ id }) => id > last).map(({ point }) => point), incidents };
    const newest = seconds.at(-1)?.point.at ?? 0;
    // No merged point covers a second that is told, too.
    const edge = Math.floor((newest - TOLD_IN_SECONDS_MS) / MERGED_MS) * MERGED_MS;
    const merged = this.#timeline.read({ from: newest - TOLD_MS, to: edge, most: TOLD_MS / MERGED_MS });
    return { points: [...merged.points, ...seconds.flatMap(({ point }) => (point.at > edge ? [point] : []))], incidents };
  }

  /** A second has passed. Undefined: no pool was followed in it. */
  tick(id: number, at: number): LivePoint | undefined {
    const pool = this.#pool;
    if (pool === undefined) return undefined;
    const point = this.#maker?.next(pool.stats(), at);
    if (point === undefined) return undefined;
    this.#timeline.add(point);
    this.#seconds.push({ id, point });
    if (this.#seconds.length > SECONDS_KEPT) this.#seconds.shift();
    return point;
  }

  /** What was found at a moment. It may come after the pool has left: then it is of no use. */
  note(pool: ObservedPool, judged: JudgedPool, failures: Failures, at: number, id: number): void {
    if (pool !== this.#pool) return;
    const before = this.#incidents;
    this.#incidents = followed(before, { findings: findingsOn(judged, at), failures, pool: judged, at });
    if (this.#incidents === before) return;
    for (const incident of this.#incidents) if (!before.includes(incident)) this.#changed.set(incident.id, id);
    for (const number of this.#changed.keys())
      if (!this.#incidents.some((incident) => incident.id === number)) this.#changed.delete(number);
  }

  verdict(pool: JudgedPool, at: number): PoolVerdict {
    return verdictOn(pool, { points: this.points, incidents: this.#incidents }, at);
  }
}
