/** Types that several wings speak: what a caller asks of a statement and of a transaction, and the pools' public views. */

export type { CallbackPoolView, PromisePool } from './pool-views.js';
export { type Method, ownStatement, ownStatementWith, type Place, Statement, statementOf, type StatementWishes } from './statement.js';
export { limitsFrom, StatementLimits, stoppedBy } from './statement-limits.js';
export type { StatementCacheOptions, StatementOptions, StatementResult } from './statement-options.js';
export type { IsolationLevel, TransactionOptions } from './transaction-options.js';
