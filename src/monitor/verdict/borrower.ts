/** What the borrowers of connections do, in words, and where in the application they borrowed. */

import type { Borrowed } from '../../engine/index.js';
import { duration } from './words.js';

/** Borrowers that do the same, from the same place. */
export interface Holders {
  /** Where they borrowed, as `folder/file.ts:42`; null: leak detection is off. */
  readonly place: string | null;
  /** What they do. */
  readonly work: string;
  readonly count: number;
  /** The longest. */
  readonly heldMs: number;
  /** Whether they were reported as leaks, and have run nothing since. */
  readonly leaked: boolean;
}

const MOST_HOLDERS = 5;

/** What one borrower does with its connection. */
export function workOf({ description, inTransaction, statement, runningMs }: Borrowed): string {
  // Another factory, or an older version of ours in another process, gives words only.
  if (inTransaction === undefined) return description;
  if (runningMs === undefined) return inTransaction ? 'idle in a transaction' : 'no statement running, not released';
  return `${inTransaction ? 'in a transaction, ' : ''}running ${statement ?? 'a command without a text'}`;
}

/** Who holds most connections, the largest group first; at most five groups. */
export function holdersOf(borrowed: readonly Borrowed[]): readonly Holders[] {
  const groups = new Map<string, Holders>();
  for (const one of borrowed) {
    const work = workOf(one);
    const { place = null, leaked = false } = one;
    const key = JSON.stringify([place, work, leaked]);
    const { count = 0, heldMs = 0 } = groups.get(key) ?? {};
    groups.set(key, { place, work, leaked, count: count + 1, heldMs: Math.max(heldMs, one.heldMs) });
  }
  return [...groups.values()].toSorted((a, b) => b.count - a.count || b.heldMs - a.heldMs).slice(0, MOST_HOLDERS);
}

/** One group of many, in a sentence. */
export function sentenceOn({ place, work, count, heldMs }: Holders, all: number): string {
  const from = place === null ? '' : ` from ${place}`;
  return `${count} of ${all} borrowers${from}: ${work}; held for up to ${duration(heldMs)}.`;
}
