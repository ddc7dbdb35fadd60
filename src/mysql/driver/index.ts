/** Everything that is used of mysql2. */

export { emitApart, guardCallersCode } from './callers-code.js';
export { answerIn, bindFunctions, hasFunctions } from './callers-context.js';
export { type CapturedSite, captureSite, tracedBack, withStackOf } from './callers-stack.js';
export {
  awaitsPong,
  awaitsFileAnswer,
  awaitsResult,
  awaitsRow,
  type CallbackPoolOfMysql2,
  charsetNumberOf,
  charsetStatement,
  type Command,
  type ConnectionConfig,
  connectionConfig,
  type ConnectionOptions,
  createQuery,
  type DriverClusterOptions,
  DriverCommand,
  type DriverConnection,
  DriverPool,
  DriverPoolCluster,
  DriverPoolConnection,
  type DriverPoolOptions,
  DriverPromisePool,
  DriverPromisePoolCluster,
  DriverPromisePoolConnection,
  type ExecuteValues,
  type FieldPacket,
  isQueryCommand,
  type Packet,
  parseDriverUrl,
  type PreparedStatement,
  type QueryCommand,
  type QueryError,
  type QueryOptions,
  type QueryResult,
  type QueryValues,
  type SslOptions,
  sslProfile,
  statementTextOf,
} from './driver.js';
export { inListenersContext, isListenersWork, ListenersSetUp, type SetUpStep } from './listeners-set-up.js';
export { FirstLogin } from './first-login.js';
export { hideSecrets, showIdleTimeout } from './hidden-secrets.js';
export { Knocker } from './knock.js';
export { endLocalFile, guardLocalFile } from './local-file.js';
export { withoutIconv } from './login-texts.js';
export {
  endsRows,
  EOF_PACKET,
  ERROR_PACKET,
  errorIn,
  LOCAL_FILE_PACKET,
  OK_PACKET,
  reportedGtid,
  reportsSessionChange,
  SESSION_STATE_CHANGED,
  statusOfEof,
  statusOfOk,
} from './packets.js';
export { firstRoom, growWithUse } from './prepared-statements.js';
export { ResetSession } from './reset-session.js';
