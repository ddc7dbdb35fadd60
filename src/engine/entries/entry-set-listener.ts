/** What a set of entries reports to its pool, and the bounds of its steps. */

import type { CloseReason } from '../contract/index.js';
import type { Entry } from './entry.js';

/** What the set reports. Each call but `entryFailed` is the last thing that a transition does, with all counts true. */
export interface EntrySetListener<R> {
  /** A new resource is there. */
  entryOpened(entry: Entry<R>, openMs: number, now: number): void;
  openingFailed(entry: Entry<R>, error: unknown, now: number): void;
  /** A validation or cleaning went well. */
  entryChecked(entry: Entry<R>, kind: CheckKind, now: number): void;
  /** An entry failed by itself, while idle, lent or being checked. To take note only: it is about to be closed. */
  entryFailed(entry: Entry<R>, now: number): void;
  /** A failed entry is on its way out: a waiter that it might have served needs another. */
  entryLeaving(entry: Entry<R>, error: unknown, now: number): void;
  /** An entry was closed: its place is free. */
  entryClosed(entry: Entry<R>, reason: CloseReason, now: number): void;
}

/** `validation`: does the resource still answer? `cleaning`: is its session clean again? */
export type CheckKind = 'validation' | 'cleaning';

/** Bounds of an entry's steps, in milliseconds; 0 = none. */
export interface StepTimeouts {
  readonly connectTimeout: number;
  readonly validationTimeout: number;
  readonly hookTimeout: number;
}
