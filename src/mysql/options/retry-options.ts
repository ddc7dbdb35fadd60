/** The options of `retries`: the table of what each takes and its default, and their check. */

import { isOptionsObject } from '../../engine/contract/index.js';
import { invalid, type OptionSpec, refuseUnknownOptions, resolveFromTable } from '../../engine/index.js';
import { type RetryTiming, retryTimingTable } from '../../resilience/retry/index.js';

/** How `pool.query` and `pool.execute` retry statements that failed because of their connection. Transactions share the budget. */
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
    about: 'The most retries of statements and transactions within 10 s, as a percentage of the statements within 10 s.',
  },
  budgetMinimum: { kind: 'number', min: 0, max: 1_000_000, default: 10, about: 'Retries within 10 s that are always allowed.' },
  readOnly: {
    kind: 'boolean',
    default: true,
    about: 'Whether the pool may run a statement again when its text proves that it only reads, even without `idempotent`.',
  },
} as const satisfies Record<keyof StatementRetryOptions, OptionSpec>;

export type ResolvedStatementRetries = Required<StatementRetryOptions>;

/** @throws PoolError `POOL_OPTION_INVALID` */
export function resolveStatementRetries(given: StatementRetryOptions | false = {}): ResolvedStatementRetries {
  const options = given === false ? { attempts: 1 } : given;
  if (!isOptionsObject(options)) throw invalid('retries', given, 'false, or an object of options');
  refuseUnknownOptions(options, Object.keys(statementRetryTable));
  return Object.freeze(resolveFromTable(statementRetryTable, options)) as unknown as ResolvedStatementRetries;
}
