/** A pool's running counters and histograms. */

import { Histogram } from './histogram.js';
import { LabelledCounts, noCloses } from './stats.js';

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
}

/** Which durations a pool records: waiting for a lease, holding it, opening a resource. */
export type RecordedDuration = 'acquire' | 'use' | 'connect';
