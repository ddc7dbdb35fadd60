/** Why and how entries that are not lent leave the pool. */

import type { CloseReason, PoolState } from '../contract/index.js';
import type { Entry, EntrySet } from '../entries/index.js';

/** The pool that they leave. */
interface Leaving<R> {
  readonly entries: EntrySet<R>;
  readonly limit: number;
  readonly state: PoolState;
  readonly queue: { readonly size: number };
  readonly supply: { forgetFailures(): void };
  generation: number;
  oldestLendable: number;
}

/** Why an entry must be closed now, if it must. Precondition: it is not lent. */
export function closeReasonOf<R>(
  { entries, limit, state, queue, generation }: Leaving<R>,
  entry: Entry<R>,
  now: number,
): CloseReason | undefined {
  if (entry.doomed !== undefined) return entry.doomed;
  if (now >= entry.retireAt) return 'lifetime';
  if (entries.size > limit && entries.size - entries.closing > limit) return 'surplus';
  if (state === 'closed' || (state === 'draining' && queue.size === 0)) return 'pool';
  if (entry.generation !== generation) return 'evicted';
  return undefined;
}

/** Closes idle entries, from the oldest, until it is enough; a listener may change what is enough when an entry closes. */
export function closeIdleEntries<R>(entries: EntrySet<R>, reason: CloseReason, now: number, isEnough = (): boolean => false): void {
  const { idle } = entries;
  for (let entry = idle.oldest; entry !== undefined && !isEnough(); entry = idle.oldest) {
    entries.closeEntry(entry, reason, false, now);
  }
}

/** Everything that is not lent leads to the wrong place: it is closed at once, and what is lent when it is given back. */
export function leavePlace<R>(lender: Leaving<R>, now: number): void {
  const { entries, supply } = lender;
  lender.generation += 1;
  lender.oldestLendable = lender.generation;
  for (const entry of entries) {
    // Those that are opened meanwhile lead elsewhere.
    if (entry.generation >= lender.oldestLendable) continue;
    if (entry.state === 'opening' || entry.state === 'checking' || entry.state === 'preparing')
      entries.closeEntry(entry, 'evicted', true, now);
  }
  closeIdleEntries(entries, 'evicted', now);
  supply.forgetFailures();
}

/** Takes an entry back. Precondition: it is lent, and its borrower has run nothing for `leakDetectionThreshold`. */
export function reclaimEntry<R>(lender: Reclaiming<R>, entry: Entry<R>, now: number): void {
  entry.reclaimed = entry.lease;
  // It will not come back.
  entry.leakReported = false;
  lender.endLease(entry, now);
  lender.entries.closeEntry(entry, 'reclaimed', true, now);
  lender.serveAndRefill(now);
}

/** The lender that takes an entry back. */
interface Reclaiming<R> {
  readonly entries: EntrySet<R>;
  endLease(entry: Entry<R>, now: number): void;
  serveAndRefill(now: number): void;
}
