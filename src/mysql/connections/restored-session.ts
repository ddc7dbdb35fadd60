/** What the pool asks of each session, and what it brings back that COM_RESET_CONNECTION and COM_CHANGE_USER leave of a borrower's, or take away of a new one. */

import { charsetStatement } from '../driver/index.js';
import { errnoOf, isConnectionLost } from '../errors/index.js';
import type { ManagedConnection } from './managed-connection.js';

/** A client's capability (MySQL internals manual, "Capability Flags"). */
const IGNORE_SPACE = 0x0100;

const PARSE_ERROR = 1064;
const UNKNOWN_SYSTEM_VARIABLE = 1193;

/**
 * Asks the server to report when a statement has changed the session: functions and triggers do so without their callers' text showing it
 * (MySQL reference manual, "Server Tracking of Client Session State"; MariaDB knows it too).
 */
export async function trackSession(connection: ManagedConnection): Promise<void> {
  try {
    await connection.send((done) => connection.query('SET SESSION session_track_state_change = 1', done));
    connection.session.reported = true;
  } catch (error) {
    if (isConnectionLost(error)) throw error;
  }
}

/** Asks the server to name what is committed. One that cannot answers without: then every statement that may have written counts as a write. */
export async function trackCommits(connection: ManagedConnection): Promise<void> {
  const asked = connection._isMariaDB
    ? "session_track_system_variables = CONCAT(@@session_track_system_variables, ',last_gtid')"
    : 'session_track_gtids = OWN_GTID';
  try {
    await connection.send((done) => connection.query(`SET SESSION ${asked}`, done));
  } catch (error) {
    if (isConnectionLost(error)) throw error;
  }
}

/** Everything but the character set, which a new login has brought along. */
export async function restoreSession(connection: ManagedConnection): Promise<void> {
  const { session, config, _isMariaDB: isMariaDb } = connection;
  // MariaDB forgets what the login has put there; MySQL does not.
  if (isMariaDb && (config.clientFlags & IGNORE_SPACE) !== 0) await run(connection, "SET sql_mode = CONCAT(@@sql_mode, ',IGNORE_SPACE')");
  if (session.roleChanged) await (isMariaDb ? restoreRoleOfMariaDb(connection) : restoreRoles(connection));
  if (session.resourceGroupChanged && !isMariaDb) await run(connection, 'SET RESOURCE GROUP USR_default');
}

/** mysql2 follows SET NAMES; and MySQL, unlike MariaDB, does not go back to the character set of the login. */
export async function restoreCharset(connection: ManagedConnection): Promise<void> {
  const { config, charsetAtLogin } = connection;
  config.charsetNumber = charsetAtLogin;
  const statement = connection._isMariaDB ? undefined : charsetStatement(charsetAtLogin);
  if (statement !== undefined) await run(connection, statement);
}

/** The values of a statement's first row. */
export function firstRow(connection: ManagedConnection, sql: string): Promise<readonly unknown[]> {
  return new Promise((resolve, reject) => {
    const answered = (error: Error | null, rows: unknown): void => {
      if (error === null) resolve((rows as unknown[][])[0] ?? []);
      else reject(error);
    };
    connection.apart(() => connection.query({ sql, rowsAsArray: true }, answered));
  });
}

/** The roles that a login activates (MySQL reference manual, "Activating Roles"). */
async function restoreRoles(connection: ManagedConnection): Promise<void> {
  try {
    const [all] = await firstRow(connection, 'SELECT @@GLOBAL.activate_all_roles_on_login');
    await run(connection, all === 1 ? 'SET ROLE ALL' : 'SET ROLE DEFAULT');
  } catch (error) {
    // The server has no roles.
    const errno = errnoOf(error);
    if (errno !== UNKNOWN_SYSTEM_VARIABLE && errno !== PARSE_ERROR) throw error;
  }
}

/** Neither a reset nor a new login changes MariaDB's current role. */
async function restoreRoleOfMariaDb(connection: ManagedConnection): Promise<void> {
  const isDefault = "SELECT MAX(role_name) FROM information_schema.applicable_roles WHERE is_default = 'YES'";
  const [current, atLogin] = await firstRow(connection, `SELECT CURRENT_ROLE(), (${isDefault})`);
  if (current !== atLogin) await run(connection, atLogin === null ? 'SET ROLE NONE' : `SET ROLE ${quoted(atLogin as string)}`);
}

/** A name in backquotes. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

function run(connection: ManagedConnection, sql: string): Promise<void> {
  return connection.send((done) => connection.query(sql, done));
}
