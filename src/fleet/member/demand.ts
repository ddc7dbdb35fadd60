/** How many connections a pool could use now: what is in use, who waits and for how long, with the peak of the last lease. */

/** What a pool counts now. */
export interface MemberCounts {
  /** Connections that the server has for this pool: lent, idle, being closed, and the ones beside the pool. */
  readonly open: number;
  /** Connections that are being opened. */
  readonly opening: number;
  /** Connections of the pool itself, those that are being opened included. */
  readonly pooled: number;
  /** Connections that are lent or being checked. */
  readonly used: number;
  /** Callers in the queue. */
  readonly waiting: number;
  /** How long the first of them has been waiting, in milliseconds. */
  readonly longestWaitMs: number;
  /** The most that the pool would open without a fleet. */
  readonly limit: number;
}

interface Peak {
  readonly at: number;
  readonly count: number;
}

/** A queue that is shorter than this is a burst, which the connections there are will have served before others are open. */
const PRESSING_MS = 20;

/** How long a peak counts, in leases: what is not needed any more must reach others within two leases, and giving it back takes most of one. */
const HOLD_LEASES = 1;

/** Watches one pool. */
export class DemandWatch {
  #peaks: Peak[] = [];
  #lastBusyMs: number | undefined = undefined;
  #lastAt = 0;

  constructor(private readonly leaseMs: number) {}

  /** A look at the pool, some twenty times in a lease. */
  look({ used, waiting, longestWaitMs }: MemberCounts, now: number): void {
    this.#note(used + (longestWaitMs >= PRESSING_MS ? waiting : 0), now);
  }

  /**
   * The number of callers that were there on average since the last call: all time that callers waited and used connections, by the time that has passed
   * (J. Little's law). It sees what is too short for the looks.
   *
   * @param busyMs how long callers have waited for connections and used them so far, all together
   */
  measure(busyMs: number, now: number): void {
    const passedMs = now - this.#lastAt;
    if (this.#lastBusyMs !== undefined) {
      if (passedMs < this.leaseMs / 20) return;
      // What has ended only now may have begun long ago. A look saw it then, and the pool's own limit bounds what is asked for.
      this.#note(Math.ceil((busyMs - this.#lastBusyMs) / passedMs), now);
    }
    this.#lastBusyMs = busyMs;
    this.#lastAt = now;
  }

  /** The highest that was seen in the last lease. */
  peak(now: number): number {
    this.#forget(now);
    return this.#peaks[0]?.count ?? 0;
  }

  /** The peaks fall from the first to the last: what is not above a later one will never be the highest. */
  #note(count: number, at: number): void {
    this.#forget(at);
    while (this.#peaks.length > 0 && (this.#peaks.at(-1) as Peak).count <= count) this.#peaks.pop();
    this.#peaks.push({ at, count });
  }

  #forget(now: number): void {
    const from = now - HOLD_LEASES * this.leaseMs;
    while (this.#peaks.length > 0 && (this.#peaks[0] as Peak).at < from) this.#peaks.shift();
  }
}
