/** The periodic sweep over entries: idle timeout, lifetime, keepalive, the report of leaks. */

import type { Clock, ResolvedPoolOptions, Timer } from '../contract/index.js';
import { inRootContext } from '../waiting/index.js';
import type { Entry } from './entry.js';
import type { EntrySet } from './entry-set.js';

/** The longest time between two sweeps; shorter when an option asks for finer work. */
const LONGEST_PERIOD_MS = 1_000;
const SHORTEST_PERIOD_MS = 20;

export interface HousekeeperListener<R> {
  /** This many entries are not closed for being idle. */
  readonly keptOpen: number;
  /** For how long the borrower of a lent entry has run nothing. */
  quietMs(entry: Entry<R>, now: number): number;
  /** The borrower has run nothing for longer than the threshold: reported once per lease. */
  entryLeaked(entry: Entry<R>, now: number): void;
  /** An entry is lent for longer than the threshold, and its borrower works: reported once per lease. */
  entryUsedLong(entry: Entry<R>, now: number): void;
  /** The same at each sweep, where such an entry may be taken back. */
  entryOverdue(entry: Entry<R>, now: number): void;
  /** The sweep is over. */
  sweepEnded(now: number): void;
}

/** The periodic work: idle timeout, lifetime, keepalive, and the report of leaks. */
export class Housekeeper<R> {
  #timer: Timer | undefined = undefined;

  constructor(
    private readonly entries: EntrySet<R>,
    private readonly clock: Clock,
    private readonly options: () => ResolvedPoolOptions,
    private readonly listener: HousekeeperListener<R>,
  ) {}

  start(): void {
    this.#sweepIn(periodFor(this.options()));
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #sweepIn(delayMs: number): void {
    const sweep = (): void => {
      this.start();
      this.#sweep(this.clock.now());
    };
    this.#timer?.cancel();
    this.#timer = inRootContext(() => this.clock.setTimer(sweep, delayMs));
    this.#timer.unref();
  }

  #sweep(now: number): void {
    // From the oldest: what is idle longest goes first.
    let entry = this.entries.idle.oldest;
    while (entry !== undefined) {
      const next: Entry<R> | undefined = entry.newer;
      // A listener that ran at the last one's end may have taken this one.
      if (entry.state === 'idle') this.#careForIdleEntry(entry, now);
      entry = next;
    }
    this.#sweepWhenIdledOut(now);
    if (this.options().leakDetectionThreshold > 0) this.#reportLeaks(now);
    this.listener.sweepEnded(now);
  }

  /**
   * The idle timeout is kept exactly, not to half of itself: a platform that freezes idle processes waits for it before it freezes. What is released
   * later than this sweep is seen by the next one in time.
   */
  #sweepWhenIdledOut(now: number): void {
    const { idleTimeout, minIdle } = this.options();
    const { oldest, size } = this.entries.idle;
    if (this.#timer === undefined || oldest === undefined || idleTimeout === 0 || size <= minIdle) return;
    const left = oldest.idleSince + idleTimeout - now;
    if (left < periodFor(this.options())) this.#sweepIn(Math.max(left, SHORTEST_PERIOD_MS));
  }

  /** Precondition: the entry is idle. */
  #careForIdleEntry(entry: Entry<R>, now: number): void {
    const { idleTimeout, keepaliveInterval, minIdle, maxIdle } = this.options();
    const { idle, usable } = this.entries;
    const idleCount = idle.size;
    const isSpare = idleCount > minIdle && usable > this.listener.keptOpen;
    const idledOut = isSpare && idleTimeout > 0 && now - entry.idleSince >= idleTimeout;
    if (now >= entry.retireAt) this.entries.closeEntry(entry, 'lifetime', false, now);
    else if (idledOut || idleCount > maxIdle) this.entries.closeEntry(entry, 'idle', false, now);
    else if (keepaliveInterval > 0 && now - entry.provenAt >= keepaliveInterval) this.entries.validateEntry(entry, now);
  }

  #reportLeaks(now: number): void {
    const { leakDetectionThreshold, leakAction } = this.options();
    for (const entry of this.entries) {
      const { lease } = entry;
      if (lease === undefined || now - entry.leasedAt < leakDetectionThreshold) continue;
      if (this.listener.quietMs(entry, now) < leakDetectionThreshold) this.#reportLongUse(entry, now);
      else {
        if (!entry.leakReported) {
          entry.leakReported = true;
          this.listener.entryLeaked(entry, now);
        }
        // A listener may have given it back.
        if (leakAction === 'reclaim' && lease.active) this.listener.entryOverdue(entry, now);
      }
    }
  }

  #reportLongUse(entry: Entry<R>, now: number): void {
    if (entry.longUse === entry.lease || entry.leakReported) return;
    entry.longUse = entry.lease;
    this.listener.entryUsedLong(entry, now);
  }
}

/** Fine enough that nothing is late by more than half its own interval. */
function periodFor({ idleTimeout, keepaliveInterval, maxLifetime, leakDetectionThreshold }: ResolvedPoolOptions): number {
  const intervals = [idleTimeout, keepaliveInterval, maxLifetime, leakDetectionThreshold].filter((interval) => interval > 0);
  return Math.max(Math.min(LONGEST_PERIOD_MS, ...intervals.map((interval) => interval / 2)), SHORTEST_PERIOD_MS);
}
