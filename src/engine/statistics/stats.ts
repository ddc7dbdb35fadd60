/** The snapshot that stats() returns, field by field, and counts by bounded labels. */

import type { CeilingName, CloseReason, ConnectFailure, PoolSummary } from '../contract/index.js';
import type { DurationSummary } from './histogram.js';

/** Everything that a pool knows about itself, as a frozen value. Counters only grow. */
export interface PoolStats extends PoolSummary {
  /** The most entries that the options allow; `limit` is what is in force. */
  readonly connectionLimit: number;
  /** What else bounds `limit`, by who set it. */
  readonly ceilings: Readonly<Partial<Record<CeilingName, number>>>;
  readonly minIdle: number;
  readonly maxIdle: number;
  /** All acquires so far: acquired + timedOut + cancelled + refused + waiting. */
  readonly acquires: number;
  /** Leases granted. */
  readonly acquired: number;
  /** Leases ended: by release, by destroy, or because the resource was lost. */
  readonly released: number;
  /** Acquires whose deadline passed. */
  readonly timedOut: number;
  /** Acquires whose caller gave up. */
  readonly cancelled: number;
  /** Acquires that got any other error. */
  readonly refused: number;
  /** Of those refused: how many so that others need not wait longer than `waitTarget`. */
  readonly shed: number;
  /** Resources opened; opened − closed = total. */
  readonly opened: number;
  readonly closed: number;
  readonly closedByReason: Readonly<Record<CloseReason, number>>;
  readonly connectErrors: number;
  /** Failures to open by `errno` or `code`; at most 50 kinds, the rest under 'other'. */
  readonly connectErrorsByCode: Readonly<Record<string, number>>;
  readonly leaks: number;
  /** Validations that were answered. */
  readonly pings: number;
  /** Sessions that were cleaned before they were lent again. */
  readonly resets: number;
  readonly lastConnectError: ConnectFailure | undefined;
  /** Time from acquire to lease, of granted leases. */
  readonly acquire: DurationSummary;
  /** Time from lease to release. */
  readonly use: DurationSummary;
  /** Time to open a resource. */
  readonly connect: DurationSummary;
}

const MOST_ERROR_CODES = 50;

/** Counts by a label whose values come from outside: the number of labels is bounded. */
export class LabelledCounts {
  readonly #counts = new Map<string, number>();

  add(label: string): void {
    const key = this.#counts.has(label) || this.#counts.size < MOST_ERROR_CODES ? label : 'other';
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  snapshot(): Readonly<Record<string, number>> {
    return Object.freeze(Object.fromEntries(this.#counts));
  }
}

export function noCloses(): Record<CloseReason, number> {
  const own = { destroyed: 0, uses: 0, hook: 0, reclaimed: 0, pool: 0 };
  return { idle: 0, lifetime: 0, evicted: 0, surplus: 0, validation: 0, hygiene: 0, lost: 0, role: 0, ...own };
}
