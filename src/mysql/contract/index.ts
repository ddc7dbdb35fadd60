/** Types that several wings speak: what a caller asks of a statement and of a transaction, and the pools' public views. */

export type { AcquireInfo, OnAcquire, OnRelease, ReleaseInfo } from './borrow-hooks.js';
export type { CommitListener } from './commit-listener.js';
export type { Opener } from './opener.js';
export type { CallbackPoolView, PromisePool } from './pool-views.js';
export {
  type Method,
  ownStatement,
  ownStatementWith,
  type Place,
  Statement,
  statementOf,
  statementOnConnection,
  type StatementWishes,
} from './statement.js';
export { checkedReading, type Consistency, READING_OPTION_NAMES, type ReadingOptions, readingRefused } from './reading.js';
export { acquireOptionsOf, type BorrowOptions, markOf, SessionMark, type SessionSettings } from './session-settings.js';
export { limitsFrom, StatementLimits, stoppedBy } from './statement-limits.js';
export type { StatementCacheOptions, StatementOptions, StatementResult } from './statement-options.js';
export type { IsolationLevel, TransactionOptions } from './transaction-options.js';
