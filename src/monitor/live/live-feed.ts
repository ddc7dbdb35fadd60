/** The live feed: a snapshot of all pools each second, for all listeners together. */

import { clearInterval, inRootContext, setInterval } from '../../engine/waiting/index.js';
import type { Borrowed } from '../../engine/index.js';
import type { Health, SlowQueryReport } from '../../mysql/index.js';
import type { PgBouncerReport } from '../../probes/index.js';
import {
  type BreakerReader,
  type ListedBreaker,
  type ObservedPool,
  type PoolReader,
  type ReportedBreaker,
  reportOf,
} from '../../telemetry/index.js';
import type { HistoryStore } from '../history/index.js';
import type { LivePoint } from '../points/index.js';
import { type Failures, failuresIn, type Incident } from '../verdict/index.js';
import type { ActionRecord } from './actions.js';
import { type BreakerChanged, BreakerLog } from './breaker-log.js';
import { type ProcessFacts, processFacts } from './process-facts.js';
import { EventLog, type PoolEvent } from './event-log.js';
import { Histories } from './histories.js';
import { type JudgedNow, judgedNow, type PoolHistory, type Surroundings } from './pool-history.js';
import { type ShownCache, shownCache } from './shown-cache.js';
import { type ShownFleet, shownFleet } from './shown-fleet.js';
import type { ShownStats } from './shown-stats.js';
import { poolsOfReplicas, type ShownTopology } from './shown-topology.js';

/** Everything that the dashboard shows of one pool now. */
export interface LivePool {
  readonly name: string;
  readonly health: Health;
  readonly stats: ShownStats;
  /** The borrowers, the longest-held connection first; at most 25. */
  readonly borrowed: readonly Borrowed[];
  readonly slowQueries: SlowQueryReport;
  /** Null when it has none. */
  readonly cache: ShownCache | null;
  /** Null when it is no cluster. */
  readonly topology: ShownTopology | null;
  /** Null when it is in no fleet. */
  readonly fleet: ShownFleet | null;
  /** How many borrowers were reported as leaks and have run nothing since. */
  readonly leaked: number;
  /** What is new since the last message; in the first one, the last ten minutes, of which all but the last minute are merged. */
  readonly points: readonly LivePoint[];
  /** The incidents that last or have changed since the last message, the last one first; in the first one, all that are kept. */
  readonly incidents: readonly Incident[];
}

/** What `monitoring.live` pushes each second. */
export interface LiveSnapshot {
  /** Number of this message, for a listener that comes back. */
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly process: ProcessFacts;
  readonly pools: readonly LivePool[];
  /** Null while no PgBouncer is configured. */
  readonly pgbouncer: PgBouncerReport | null;
  /** Those of the pools, then those that belong to none. */
  readonly breakers: readonly ReportedBreaker[];
  /** The last one first. */
  readonly breakerChanges: readonly BreakerChanged[];
  /** The last one first. */
  readonly events: readonly PoolEvent[];
  readonly actions: readonly ActionRecord[];
}

/** What the feed is made of. */
export interface LiveSources {
  readonly pools: PoolReader;
  readonly pgbouncer: () => Promise<PgBouncerReport>;
  readonly breakers: BreakerReader;
  readonly actions: () => readonly ActionRecord[];
}

/** By which time a feed goes: the process's, or that of a test. */
export interface FeedTime {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Calls a function each second, until the function that it returns is called. */
  readonly eachSecond: (run: () => void) => () => void;
}

const PROCESS_TIME: FeedTime = {
  now: () => Date.now(),
  eachSecond: (run) => {
    const timer = setInterval(run, PERIOD_MS).unref();
    return () => clearInterval(timer);
  },
};

/** There are too many listeners already. */
export class TooManyListeners extends Error {}

const PERIOD_MS = 1_000;
const MOST_SHAPES = 15;
const MOST_LISTENERS = 64;
/** Each probe of PgBouncer is a login. */
const PROBE_PERIOD_MS = 5_000;

interface FollowedPool {
  readonly history: PoolHistory;
  /** As it was judged last. */
  judged: Promise<JudgedNow>;
}

/** Reads the pools each second and sends snapshots to its listeners. Each pool is read once, however many listen. */
export class LiveFeed {
  readonly #sources: LiveSources;
  readonly #eventLog = new EventLog();
  readonly #breakerLog = new BreakerLog();
  #histories = new Histories();
  readonly #followed = new Map<ObservedPool, FollowedPool>();
  readonly #listeners = new Set<() => void>();
  /** The past is kept even without a listener. */
  #kept = false;
  #stopTimer: (() => void) | undefined = undefined;
  #id = 0;
  #at: number;
  #snapshot: { readonly id: number; readonly value: Promise<LiveSnapshot> } | undefined = undefined;
  #pgbouncer: PgBouncerReport | undefined = undefined;
  #probedAt = Number.NEGATIVE_INFINITY;

  constructor(
    sources: LiveSources,
    private readonly time: FeedTime = PROCESS_TIME,
  ) {
    this.#sources = sources;
    this.#at = time.now();
  }

  /**
   * Keeps the past from now on, until `stop()`. Does not keep the process alive.
   *
   * @param store where it is kept for the next process; default: nowhere
   */
  keep(store?: HistoryStore): void {
    this.#kept = true;
    this.#histories = new Histories(store);
    this.#startTimer();
  }

  /** Ends all feeds, and stores what there is to store. */
  stop(): void {
    if (this.#kept) this.#histories.end(this.time.now());
    this.#kept = false;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const wake of listeners) wake();
    this.#stopTimerUnlessUsed();
  }

  /**
   * A message now, and one each second until the signal aborts.
   *
   * @param after number of the last message that the listener had, in this process
   * @throws TooManyListeners
   */
  async *listen(signal: AbortSignal | undefined, after = 0): AsyncGenerator<LiveSnapshot, void, void> {
    if (this.#listeners.size >= MOST_LISTENERS) throw new TooManyListeners(`At most ${MOST_LISTENERS} may listen at the same time.`);
    let wake: () => void = nothing;
    const onTick = (): void => wake();
    const onAbort = (): void => {
      this.#listeners.delete(onTick);
      wake();
    };
    this.#listeners.add(onTick);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) this.#listeners.delete(onTick);
    this.#startTimer();
    try {
      // A number of another process says nothing about this one.
      let last = after <= this.#id ? after : 0;
      while (this.#listeners.has(onTick)) {
        if (last < this.#id) {
          const snapshot = await this.#currentSnapshot();
          yield this.#withNewPoints(snapshot, last);
          last = snapshot.id;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#listeners.delete(onTick);
      this.#stopTimerUnlessUsed();
    }
  }

  #startTimer(): void {
    if (this.#stopTimer !== undefined) return;
    // It runs for others, too, when the reader for whom it was started has left.
    this.#stopTimer = inRootContext(() => {
      this.#tick();
      return this.time.eachSecond(() => this.#tick());
    });
  }

  #stopTimerUnlessUsed(): void {
    if (this.#kept || this.#listeners.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#eventLog.stop();
    this.#breakerLog.stop();
    this.#followed.clear();
    this.#histories.clear();
  }

  #tick(): void {
    const pools = this.#pools();
    if (pools === undefined) return;
    this.#id += 1;
    this.#at = this.time.now();
    this.#eventLog.watch(pools);
    const breakers = this.#breakers();
    this.#breakerLog.watch(breakers);
    for (const pool of this.#followed.keys()) {
      if (pools.includes(pool)) continue;
      this.#followed.delete(pool);
      this.#histories.leave(pool.name, this.#at);
    }
    const surroundings = { breakers, ofReplicas: poolsOfReplicas(pools) };
    for (const pool of pools) this.#followPool(pool, surroundings);
    this.#histories.tick(this.#at);
    for (const wake of this.#listeners) wake();
  }

  /** The function that names the pools is the application's. While it throws, no message is sent, and listeners see that the last one is old. */
  #pools(): ObservedPool[] | undefined {
    try {
      return [...this.#sources.pools().values()];
    } catch {
      return undefined;
    }
  }

  #breakers(): readonly ListedBreaker[] {
    try {
      return this.#sources.breakers();
    } catch {
      // That function is the application's, too.
      return [];
    }
  }

  #followPool(pool: ObservedPool, surroundings: Surroundings): void {
    const known = this.#followed.get(pool);
    const history = known?.history ?? this.#histories.follow(pool, this.#at);
    const point = known === undefined ? undefined : history.tick(this.#id, this.#at);
    this.#eventLog.noteLeaks(pool.name, point?.leaks ?? 0);
    const judged = this.#judge(pool, history, surroundings, point === undefined ? NO_FAILURES : failuresIn([point]));
    // Who reads it learns of it.
    judged.catch(nothing);
    this.#followed.set(pool, { history, judged });
  }

  async #judge(pool: ObservedPool, history: PoolHistory, surroundings: Surroundings, failures: Failures): Promise<JudgedNow> {
    const [id, at] = [this.#id, this.#at];
    const judged = await judgedNow(pool, surroundings);
    history.note(pool, judged, failures, at, id);
    return judged;
  }

  /** What is known of a pool's past; undefined while it is not followed. */
  historyOf(pool: ObservedPool): PoolHistory | undefined {
    return this.#followed.get(pool)?.history;
  }

  /** All listeners share it. */
  #currentSnapshot(): Promise<LiveSnapshot> {
    if (this.#snapshot?.id !== this.#id) this.#snapshot = { id: this.#id, value: this.#makeSnapshot() };
    return this.#snapshot.value;
  }

  async #makeSnapshot(): Promise<LiveSnapshot> {
    const id = this.#id;
    const at = this.#at;
    this.#probePgBouncer();
    const breakers = this.#breakers();
    const pools = await Promise.all([...this.#followed].map(([pool, { judged }]) => livePoolOf(pool, judged)));
    return {
      id,
      at,
      process: processFacts(),
      pools,
      pgbouncer: this.#pgbouncer ?? null,
      breakers: breakers.map(reportOf),
      breakerChanges: this.#breakerLog.changes,
      events: this.#eventLog.events,
      actions: this.#sources.actions(),
    };
  }

  #withNewPoints(snapshot: LiveSnapshot, last: number): LiveSnapshot {
    const histories = new Map([...this.#followed].map(([pool, { history }]) => [pool.name, history]));
    return {
      ...snapshot,
      pools: snapshot.pools.map((pool) => ({ ...pool, ...(histories.get(pool.name)?.newAfter(last, snapshot.id) ?? NOTHING_NEW) })),
    };
  }

  /** In the background: a PgBouncer that does not answer must not delay the pools. */
  #probePgBouncer(): void {
    if (this.#at - this.#probedAt < PROBE_PERIOD_MS) return;
    this.#probedAt = this.#at;
    void this.#sources.pgbouncer().then((report) => {
      this.#pgbouncer = report.reason === 'not-configured' ? undefined : report;
    });
  }
}

function nothing(): void {}

const NO_FAILURES: Failures = { timedOut: 0, refused: 0 };
const NOTHING_NEW = { points: [], incidents: [] };

async function livePoolOf(pool: ObservedPool, judged: Promise<JudgedNow>): Promise<LivePool> {
  return {
    name: pool.name,
    ...(await judged),
    slowQueries: pool.slowQueries({ limit: MOST_SHAPES }),
    cache: shownCache(pool),
    fleet: shownFleet(pool),
    ...NOTHING_NEW,
  };
}
