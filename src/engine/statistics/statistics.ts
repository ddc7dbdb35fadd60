/** A pool's running counters and histograms. */

import { Histogram } from './histogram.js';
import { LabelledCounts, noCloses } from './stats.js';

/** Shorter waits for a resource are normal in a pool that is well used, in milliseconds. */
export const BRIEF_WAIT_MS = 500;

/** The pool's running counters and histograms. Plain fields: they are on the hot path. */
export class Statistics {
  acquires = 0;
  acquired = 0;
  released = 0;
  timedOut = 0;
  cancelled = 0;
  refused = 0;
  shed = 0;
  opened = 0;
  closed = 0;
  connectErrors = 0;
  leaks = 0;
  pings = 0;
  resets = 0;
  readonly closedByReason = noCloses();
  readonly connectErrorsByCode = new LabelledCounts();
  readonly acquire = new Histogram();
  readonly use = new Histogram();
  readonly connect = new Histogram();
  #timedOutBriefly = 0;

  /** Of those that timed out: callers whose own limit was shorter than the pool's, and brief. They say little about the pool. */
  get timedOutBriefly(): number {
    return this.#timedOutBriefly;
  }

  /** @param acquireTimeout how long the pool lets callers wait, in milliseconds; 0 = no limit */
  countTimeout(waitedMs: number, acquireTimeout: number): void {
    this.timedOut += 1;
    if (waitedMs < BRIEF_WAIT_MS && (acquireTimeout === 0 || waitedMs < acquireTimeout)) this.#timedOutBriefly += 1;
  }
}

/** Which durations a pool records: waiting for a lease, holding it, opening a resource. */
export type RecordedDuration = 'acquire' | 'use' | 'connect';
