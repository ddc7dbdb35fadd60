/** Time-outs, abort signals and deadlines, as they act on commands, acquires and transactions. */

export { isOutOfTime, keepLimits, limitCommand, limitsOfCommand, refusalOf } from './limited-command.js';
export { TransactionLimits } from './transaction-limits.js';
export { acquireInTime, acquireWithin, transactionInTime } from './work-deadline.js';
