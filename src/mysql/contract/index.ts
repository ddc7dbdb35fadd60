/** Types that several wings speak. */

export type { CallbackPoolView, PromisePool } from './pool-views.js';
export type { StatementCacheOptions, StatementOptions, StatementResult } from './statement-options.js';
export type { IsolationLevel, TransactionOptions } from './transaction-options.js';
