import type { CloseReason } from './entry.js';
import type { DurationSummary } from './histogram.js';

/** `running` lends; `suspended` lets acquires wait; `draining` refuses new acquires; `closed` is the end. */
export type PoolState = 'running' | 'suspended' | 'draining' | 'closed';

/** The pool's counts at one moment: cheap enough to be part of an error. */
export interface PoolSummary {
  readonly name: string;
  readonly state: PoolState;
  /** The most entries that may be open. */
  readonly limit: number;
  /** Entries that are open: idle + used + checking + closing. */
  readonly total: number;
  readonly idle: number;
  readonly used: number;
  /** Entries being opened; not in `total` yet. */
  readonly opening: number;
  /** Entries being validated or cleaned. */
  readonly checking: number;
  readonly closing: number;
  /** Acquires in the queue. */
  readonly waiting: number;
  /** How long the first of them has been waiting; 0 when none is. */
  readonly longestWaitMs: number;
}

/** A failure to open a resource. */
export interface ConnectFailure {
  /** `errno` or `code` of the error. */
  readonly code: string;
  readonly message: string;
  /** How long ago it happened. */
  readonly agoMs: number;
}

/** A borrowed entry. */
export interface Borrowed {
  /** Number of the entry in this pool; never used twice. */
  readonly id: number;
  /** How long it has been lent. */
  readonly heldMs: number;
  /** What the factory says of it, for example the server's connection id. */
  readonly description: string;
  /** Where it was borrowed; only while leak detection is on. */
  readonly stack?: string;
}

/** Everything that a pool knows about itself, as a frozen value. Counters only grow. */
export interface PoolStats extends PoolSummary {
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
  return { idle: 0, lifetime: 0, evicted: 0, surplus: 0, validation: 0, hygiene: 0, lost: 0, destroyed: 0, pool: 0 };
}
