/** What the borrowers of connections do, in words. */

import type { Borrowed } from '../../engine/index.js';
import { duration } from './words.js';

/** What one borrower does with its connection. */
export function workOf({ description, inTransaction, statement, runningMs }: Borrowed): string {
  // Another factory, or an older version of ours in another process, gives words only.
  if (inTransaction === undefined) return description;
  if (runningMs === undefined) return inTransaction ? 'idle in a transaction' : 'no statement running, yet not released';
  return `${inTransaction ? 'in a transaction, ' : ''}running ${statement ?? 'a command without a text'}`;
}

/** What most of them do; empty when none is known. */
export function commonWork(borrowed: readonly Borrowed[]): string {
  const byWork = new Map<string, number>();
  for (const one of borrowed) {
    const work = workOf(one);
    byWork.set(work, (byWork.get(work) ?? 0) + 1);
  }
  const [most] = [...byWork].toSorted((a, b) => b[1] - a[1]);
  if (most === undefined) return '';
  const [work, count] = most;
  return `${count} of ${borrowed.length} borrowers: ${work}; held for up to ${duration(borrowed[0]?.heldMs ?? 0)}.`;
}
