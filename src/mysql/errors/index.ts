/** What an error means, and in whose words a caller reads it. */

export { callersError, isCallersError, notedAsCallers } from './callers-errors.js';
export { thrownAsError } from './thrown.js';
export {
  type ClassifyError,
  classOfErrno,
  classOfServerError,
  concernsOneConnection,
  isPermanentConnectError,
  isServerError,
  labelOf,
  markPermanent,
  type ServerError,
  verdictOfConnectError,
} from './error-classes.js';
export type { ErrorClass } from './error-table.js';
export {
  isConnectionLost,
  isStatementCacheInvalid,
  isTooManyConnections,
  isTooManyStatements,
  statementFailure,
  unrunBy,
} from './failure.js';
export { type Flavor, mysql2Flavor, ownFlavor } from './flavor.js';
export { errnoOf, isRefusedAsReadOnly, isRolledBack, leavesCommitOpen } from './transaction-errors.js';
export { markUnrun, unrunCopyOf } from './unsent.js';
