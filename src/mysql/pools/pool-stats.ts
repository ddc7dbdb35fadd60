/** What a pool of MySQL connections says of itself in numbers. */

import type { DurationSummary, PoolStats as EngineStats } from '../../engine/index.js';
import type { BreakerSnapshots } from '../observation/index.js';
import type { RetryCounts } from '../statements/index.js';

/** Everything that a pool knows about itself, as a frozen value. Counters only grow. */
export interface PoolStats extends EngineStats {
  /** Time that the server took to answer statements. */
  readonly query: DurationSummary;
  /** Statements that the server answered with an error. */
  readonly queryErrors: number;
  /** The same by error number; at most 50 kinds, the rest under 'other'. */
  readonly queryErrorsByErrno: Readonly<Record<string, number>>;
  /** Statements that were killed on the server because they took too long or their caller gave up. */
  readonly kills: number;
  /** How often transactions were run again after a deadlock and the like. */
  readonly retries: number;
  /** What became of transactions that were run again. */
  readonly transactionRetries: RetryCounts;
  /** What became of statements that were run again. */
  readonly statementRetries: RetryCounts;
  readonly breakers: BreakerSnapshots;
}
