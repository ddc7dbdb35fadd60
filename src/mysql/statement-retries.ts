import {
  invalid,
  type OptionSpec,
  PoolError,
  type PoolErrorCode,
  refuseUnknownOptions,
  resolveFromTable,
  systemClock,
} from '../engine/index.js';
import type { RetryBudget } from '../resilience/retry-budget.js';
import { RetrySchedule, type RetryTiming, retryTimingTable } from '../resilience/retry.js';
import { isReadOnly } from './read-only.js';
import { RetryTally } from './retry-tally.js';
import { isRolledBack } from './transaction-errors.js';

/** How `pool.query` and `pool.execute` run statements again that failed for reasons of the connection. The budget is that of transactions, too. */
export interface StatementRetryOptions extends RetryTiming {
  /** Retries within 10 s, of statements and of transactions, in percent of the statements within 10 s, that the pool makes at most. Default: 10. */
  readonly budget?: number;
  /** Retries within 10 s that it may always make. Default: 10. */
  readonly budgetMinimum?: number;
  /** Whether statements whose text proves that they only read are run again without being called idempotent. Default: true. */
  readonly readOnly?: boolean;
}

/** The one table of these options. */
export const statementRetryTable = {
  ...retryTimingTable,
  budget: {
    kind: 'number',
    min: 0,
    max: 1_000,
    default: 10,
    about: 'Retries within 10 s, of statements and of transactions, in percent of the statements within 10 s, that the pool makes at most.',
  },
  budgetMinimum: { kind: 'number', min: 0, max: 1_000_000, default: 10, about: 'Retries within 10 s that it may always make.' },
  readOnly: {
    kind: 'boolean',
    default: true,
    about: 'Whether statements whose text proves that they only read are run again without being called idempotent.',
  },
} as const satisfies Record<keyof StatementRetryOptions, OptionSpec>;

export type ResolvedStatementRetries = Required<StatementRetryOptions>;

/** @throws PoolError `POOL_OPTION_INVALID` */
export function resolveStatementRetries(given: StatementRetryOptions | false | undefined): ResolvedStatementRetries {
  const options = given === false ? { attempts: 1 } : (given ?? {});
  if (typeof options !== 'object' || options === null) throw invalid('retries', given, 'false, or an object of options');
  refuseUnknownOptions(options, Object.keys(statementRetryTable));
  return Object.freeze(resolveFromTable(statementRetryTable, options)) as unknown as ResolvedStatementRetries;
}

/** What a statement says about itself. */
export interface RetryableStatement {
  readonly sql: string;
  /** Its caller says that it may be run twice. */
  readonly idempotent: boolean;
  /** A transaction was open on its connection. */
  readonly inTransaction: boolean;
  /** What is left of its time, in milliseconds. */
  readonly remainingMs: number;
}

/** mysql2's code when a command is given to a connection that is dead already: nothing of it was sent. */
const NEVER_SENT = 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR';

/** `LOAD DATA LOCAL INFILE`, and its like. */
const LOADS_A_FILE = /\bLOAD\b[^]*\bLOCAL\b/i;

/** Whether it took effect is not known, or nothing was sent: for work that bears being done twice. */
const PASSING: ReadonlySet<PoolErrorCode> = new Set<PoolErrorCode>([
  'POOL_CONNECTION_LOST',
  'POOL_CONNECT_FAILED',
  'POOL_ENDPOINT_POISONED',
]);

/** Decides for the statements of a pool whether they are run again, and counts. I9: nothing that may have taken effect, unless that does no harm. */
export class StatementRetries {
  readonly tally = new RetryTally();

  /** @param budget of all that the pool runs again */
  constructor(
    private readonly options: ResolvedStatementRetries,
    private readonly budget: RetryBudget,
  ) {}

  /** Whether it is an error after which some statement might be run again. */
  concerns(error: unknown): boolean {
    return PoolError.is(error) ? PASSING.has(error.code) : isRolledBack(error);
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
    // Nothing of it reached the server: it is no load.
    if (!isNeverSent(error) && !this.budget.take()) {
      this.tally.overBudget += 1;
      return 'over-budget';
    }
    this.tally.retried += 1;
    return isNeverSent(error) ? 0 : delayMs;
  }

  #allows(error: unknown, { sql, idempotent, inTransaction }: RetryableStatement): boolean {
    // What the transaction did before is gone with its connection.
    if (inTransaction) return false;
    if (isNeverSent(error)) return true;
    // The file's stream was read by the first run: a second one would load what is left of it, or nothing, and succeed.
    if (LOADS_A_FILE.test(sql)) return false;
    if (idempotent) return isRolledBack(error) || (PoolError.is(error) && PASSING.has(error.code));
    return (
      PoolError.is(error) && error.code === 'POOL_CONNECTION_LOST' && this.options.readOnly && typeof sql === 'string' && isReadOnly(sql)
    );
  }
}

/** Its connection was found dead before the first byte. */
export function isNeverSent(error: unknown): boolean {
  const { cause } = error as { readonly cause?: unknown };
  return (
    PoolError.is(error) && error.code === 'POOL_CONNECTION_LOST' && (cause as { readonly code?: unknown } | undefined)?.code === NEVER_SENT
  );
}
