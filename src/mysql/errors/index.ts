/** What an error means, and in whose words a caller reads it. */

export { thrownAsError } from './thrown.js';
export {
  type ClassifyError,
  classOfErrno,
  classOfServerError,
  type ErrorClass,
  isPermanentConnectError,
  isServerError,
  labelOf,
  markPermanent,
  type ServerError,
} from './error-classes.js';
export { isConnectionLost, isStatementCacheInvalid, isTooManyStatements, statementFailure } from './failure.js';
export { type Flavor, mysql2Flavor, ownFlavor } from './flavor.js';
export { errnoOf, isRolledBack } from './transaction-errors.js';
