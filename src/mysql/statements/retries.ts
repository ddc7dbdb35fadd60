/** Decides whether a failed statement may run again, and when. */

import { PoolError, type PoolErrorCode, systemClock } from '../../engine/index.js';
import type { ResolvedStatementRetries } from '../options/index.js';
import { type RetryBudget, RetrySchedule } from '../../resilience/retry/index.js';
import type { StatementFacts } from '../../sql/index.js';
import { RetryTally } from './retry-tally.js';
import { isRefusedAsReadOnly, isRolledBack, unrunBy } from '../errors/index.js';

/** What a statement says about itself. */
export interface RetryableStatement {
  readonly facts: StatementFacts;
  /** Its caller says that it may be run twice. */
  readonly idempotent: boolean;
  /** A transaction was open on its connection. */
  readonly inTransaction: boolean;
  /** What is left of its time, in milliseconds. */
  readonly remainingMs: number;
}

/** Whether it took effect is not known, or nothing was sent: for work that bears being done twice. */
const PASSING: ReadonlySet<PoolErrorCode> = new Set<PoolErrorCode>([
  'POOL_CONNECTION_LOST',
  'POOL_CONNECT_FAILED',
  'POOL_CREDENTIALS_FAILED',
  'POOL_ENDPOINT_POISONED',
]);

/** Statements that a read-only server refuses as a whole. A routine or a text of several statements may have done something before. */
const REFUSED_WHOLE: ReadonlySet<string> = new Set('INSERT REPLACE UPDATE DELETE WITH CREATE ALTER DROP TRUNCATE RENAME'.split(' '));

/** Decides for the statements of a pool whether they are run again, and counts. I9: nothing that may have taken effect, unless that does no harm. */
export class StatementRetries {
  readonly tally = new RetryTally();

  /** @param budget of all that the pool runs again */
  constructor(
    private readonly options: ResolvedStatementRetries,
    private readonly budget: RetryBudget,
    /** The pool follows a writer that moves: what one server refuses as read-only, the next one takes. */
    private readonly moves = false,
  ) {}

  /** Whether it is an error after which some statement might be run again. */
  concerns(error: unknown): boolean {
    return PoolError.is(error) ? PASSING.has(error.code) : isRolledBack(error) || this.#isRefused(error);
  }

  /** A schedule for a statement that has failed for the first time, if it may be run again at all. */
  begin(error: unknown, statement: RetryableStatement): RetrySchedule | undefined {
    return this.options.attempts > 1 && this.#allows(error, statement) ? new RetrySchedule(this.options, Math.random) : undefined;
  }

  /** Milliseconds until the statement is to be run again; otherwise why it is not: its failure is final, or the budget is used up. */
  delayFor(schedule: RetrySchedule, error: unknown, statement: RetryableStatement): number | 'final' | 'over-budget' {
    const again = this.#allows(error, statement);
    const delayMs = again ? schedule.next(systemClock.now(), statement.remainingMs) : undefined;
    if (delayMs === undefined) {
      if (schedule.failures > 1 || !again) this.tally.exhausted += 1;
      return 'final';
    }
    // It did not reach the server: it is no load.
    const isNoLoad = isNeverSent(error) || this.#isRefused(error);
    if (!isNoLoad && !this.budget.take()) {
      this.tally.overBudget += 1;
      return 'over-budget';
    }
    this.tally.retried += 1;
    return isNoLoad ? 0 : delayMs;
  }

  /** Its next run waits for the next writer. */
  #isRefused(error: unknown): boolean {
    return this.moves && isRefusedAsReadOnly(error);
  }

  #allows(error: unknown, { facts, idempotent, inTransaction }: RetryableStatement): boolean {
    // What the transaction did before is gone with its connection.
    if (inTransaction) return false;
    if (unrunBy(error) !== undefined) return true;
    // The file's stream was read by the first run: a second one would load what is left of it, or nothing, and succeed.
    if (facts.loadsLocalFile) return false;
    if (this.#isRefused(error)) return REFUSED_WHOLE.has(facts.first) && !facts.severalStatements;
    if (idempotent) return isRolledBack(error) || (PoolError.is(error) && PASSING.has(error.code));
    return PoolError.is(error) && error.code === 'POOL_CONNECTION_LOST' && this.options.readOnly && facts.readOnly;
  }
}

/** Its connection was found dead before the first byte. */
export function isNeverSent(error: unknown): boolean {
  return unrunBy(error) === 'not sent';
}
