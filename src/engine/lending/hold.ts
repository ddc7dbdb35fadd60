/** Why a pool lends nothing for now, although no caller has suspended it. */

import type { PoolError, PoolSummary } from '../contract/index.js';

/** A pool that is held opens and lends nothing. Its callers wait within their own deadlines, unless the hold refuses them. */
export interface LendingHold {
  /** What keeps the callers waiting, as the rest of a sentence, such as "no server takes writes since 3 s". */
  reason(): string;
  /** The error of every acquire; absent: acquires wait. */
  readonly refusal?: (summary: PoolSummary) => PoolError;
}
