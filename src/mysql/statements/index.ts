/** Statements of a pool: the wait for a connection, the run, and the retries. */

export { hooksOf } from './borrow-hooks.js';
export { answerOfLastRun, PooledStatement, type StatementPool } from './pooled-statement.js';
export { StatementRetries } from './retries.js';
export { noteOverBudget, type RetryCounts, RetryTally } from './retry-tally.js';
