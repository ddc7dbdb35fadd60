/** Time-outs, abort signals and deadlines of statements and transactions. */

export {
  copyOf,
  isOutOfTime,
  limitsOf,
  limitStatement,
  limitsWithin,
  refusalOf,
  startedAt,
  type StatementLimits,
  withoutLimits,
} from './statement-limits.js';
export { TransactionLimits } from './transaction-limits.js';
export { acquireForStatementInTime, acquireInTime, dueStatement, statementInTime, transactionInTime } from './work-deadline.js';
