/** Where reads went, and why; and how long they waited for positions. */

import { type DurationSummary, Histogram } from '../../engine/index.js';

/** Why a read went where it went. `reader:fit` is the one that goes to a replica. */
export type ReadReason =
  /** A replica is as current as it was asked to be. */
  | 'reader:fit'
  /** It was asked for the writer. */
  | 'writer:strong'
  /** No replica is up. */
  | 'writer:no-reader'
  /** Those that are up are too far behind. */
  | 'writer:lag'
  /** None has the position that the read must see, and none came to it in time. */
  | 'writer:position'
  /** No replica was fit, and the writer was not to serve the read: it went nowhere, so metrics have the route 'none' for it. */
  | 'refused';

/** Frozen. Counters only grow. */
export interface ReadStats {
  /** Reads by route and reason. */
  readonly reads: Readonly<Partial<Record<ReadReason, number>>>;
  /** Reads that moved to another node, as theirs was lost or unreachable. */
  readonly moved: number;
  /** How long reads waited for a replica to come to a position. */
  readonly waits: DurationSummary;
}

/** Counts. */
export class ReadCounts {
  readonly #reads = new Map<ReadReason, number>();
  readonly waits = new Histogram();
  moved = 0;

  add(reason: ReadReason): void {
    this.#reads.set(reason, (this.#reads.get(reason) ?? 0) + 1);
  }

  snapshot(): ReadStats {
    return Object.freeze({ reads: Object.freeze(Object.fromEntries(this.#reads)), moved: this.moved, waits: this.waits.summary() });
  }
}
