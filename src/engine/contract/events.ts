/** The events that a pool emits. */

import type { CloseReason } from './lifecycle.js';
import type { Borrowed, PoolState } from './summary.js';

/** What a pool emits; the value of each property is the listener's argument list. `id` is the entry's number, never used twice. */
export interface PoolEvents {
  /** A resource was opened. */
  opened: [{ readonly id: number; readonly openMs: number }];
  /** A resource was closed: its place is free. With the reasons 'role' and 'hook', `error` says what was wrong with it, where that is known. */
  closed: [{ readonly id: number; readonly reason: CloseReason; readonly ageMs: number; readonly error?: unknown }];
  /** A resource could not be opened; the next attempt starts no sooner than `retryInMs`. */
  connectFailed: [{ readonly id: number; readonly error: unknown; readonly code: string; readonly retryInMs: number }];
  /** An open resource failed by itself: while idle, lent, or being validated. */
  failed: [{ readonly id: number; readonly error: unknown }];
  /** The borrower of a resource has run nothing for longer than `leakDetectionThreshold`. Once per lease. */
  leak: [Borrowed];
  /** A resource is lent for longer than `leakDetectionThreshold`, and its borrower works with it. Once per lease. */
  longUse: [Borrowed];
  /** A resource that was reported as leaked came back after all. */
  leakReturned: [{ readonly id: number; readonly heldMs: number }];
  /** Suspended, resumed, draining, closed. */
  stateChanged: [{ readonly from: PoolState; readonly to: PoolState }];
}
