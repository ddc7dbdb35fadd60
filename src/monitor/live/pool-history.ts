/** The past of one pool: its points and its incidents of the last day. */

import type { Borrowed } from '../../engine/index.js';
import type { Health } from '../../mysql/index.js';
import type { ListedBreaker, ObservedPool } from '../../telemetry/index.js';
import { type Range, type Stretch, Timeline } from '../history/index.js';
import { type LivePoint, PointMaker } from '../points/index.js';
import { type Failures, findingsOn, followed, type Incident, type JudgedPool, type PoolVerdict, verdictOn } from '../verdict/index.js';
import { judgedHealth } from './whole-health.js';
import { shownStats, type ShownStats } from './shown-stats.js';
import { shownTopology, type ShownTopology } from './shown-topology.js';

/** Ten minutes, so that a dashboard that is opened afterwards has charts. */
const POINTS_KEPT = 600;
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

/** Follows one pool. */
export class PoolHistory {
  readonly #maker: PointMaker;
  /** With the number of the message that each was new in. */
  #points: { readonly id: number; readonly point: LivePoint }[] = [];
  readonly #timeline = new Timeline();
  #incidents: readonly Incident[] = [];
  /** The number of the message in which a record was last changed. */
  readonly #changed = new Map<number, number>();

  constructor(
    private readonly pool: ObservedPool,
    at: number,
  ) {
    this.#maker = new PointMaker(pool, at);
  }

  get points(): readonly LivePoint[] {
    return this.#points.map(({ point }) => point);
  }

  /** From when on points are kept, in milliseconds since 1970; null: there is none yet. */
  get keptFrom(): number | null {
    return this.#timeline.keptFrom;
  }

  /** Points of a part of the last day. */
  read(range: Range): Stretch {
    return this.#timeline.read(range);
  }

  /** The last one first. */
  get incidents(): readonly Incident[] {
    return this.#incidents;
  }

  /** What is new after a message, up to another. */
  newAfter(last: number, upTo: number): { readonly points: readonly LivePoint[]; readonly incidents: readonly Incident[] } {
    return {
      points: this.#points.filter(({ id }) => id > last && id <= upTo).map(({ point }) => point),
      incidents: this.#incidents.filter(({ id, end }) => end === null || (this.#changed.get(id) ?? 0) > last),
    };
  }

  /** A second has passed. */
  tick(id: number, at: number): LivePoint {
    const point = this.#maker.next(this.pool.stats(), at);
    this.#timeline.add(point);
    this.#points.push({ id, point });
    if (this.#points.length > POINTS_KEPT) this.#points.shift();
    return point;
  }

  /** What was found at a moment. */
  note(pool: JudgedPool, failures: Failures, at: number, id: number): void {
    const before = this.#incidents;
    this.#incidents = followed(before, { findings: findingsOn(pool, at), failures, pool, at });
    if (this.#incidents === before) return;
    for (const incident of this.#incidents) if (!before.includes(incident)) this.#changed.set(incident.id, id);
    for (const number of this.#changed.keys())
      if (!this.#incidents.some((incident) => incident.id === number)) this.#changed.delete(number);
  }

  verdict(pool: JudgedPool, at: number): PoolVerdict {
    return verdictOn(pool, { points: this.points, incidents: this.#incidents }, at);
  }
}
