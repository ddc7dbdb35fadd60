/** Who learns of what a lender does. */

import type { PoolEvents } from '../contract/index.js';

/** What the lender reports to its pool. */
export interface LenderListener {
  reportEvent<K extends keyof PoolEvents>(event: K, detail: PoolEvents[K][0]): void;
  /** A wait or an entry has ended: a shutdown or a caller of `ready()` may have what it waits for. */
  noteChange(now: number): void;
}
