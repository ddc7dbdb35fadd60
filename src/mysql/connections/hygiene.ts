/** Cleans the session of a connection between two borrowers. */

import { PoolError } from '../../engine/index.js';
import type { SessionMark } from '../contract/index.js';
import { isConnectionLost, isServerError } from '../errors/index.js';
import type { ManagedConnection } from './managed-connection.js';
import type { Hygiene } from '../options/index.js';
import { changeOfSettings, resetsFully } from '../session/index.js';
import { firstRow, quoted, restoreCharset, restoreSession } from './restored-session.js';
import { isBeingKilled, stopWhenLeft } from '../commands/index.js';

/** How a session is brought back to what it was when the connection was new. */
export interface Baseline {
  /** Whether `replay` brings back everything that was set up when the connection was new. */
  repeatable(): boolean;
  /** Whether what the connection logged in with still holds. */
  mayLogInAgain(): boolean;
  /** Sets up again what a reset has taken away, or a new login. */
  replay(): Promise<void>;
  /** The default database of a new connection. */
  readonly database: string | undefined;
  /** A session was reset. */
  reset(): void;
}

/** Whether there is nothing to do before the next borrower may have the connection. Asked at each release. */
export function isClean({ busy, _paused, doubtful, session }: ManagedConnection, hygiene: Hygiene): boolean {
  if (busy || _paused || doubtful || hygiene === 'always') return false;
  if (hygiene === 'never') return true;
  return !session.userChanged && !session.inTransaction && (hygiene !== 'auto' || !(session.needsReset || session.calledRoutine));
}

/**
 * Cleans the session of a connection that was just given back. Returns nothing when there is nothing to do; rejects when the connection
 * must be replaced.
 */
export function cleanSession(connection: ManagedConnection, hygiene: Hygiene, baseline: Baseline): Promise<void> | undefined {
  if (connection._command != null) stopWhenLeft(connection._command);
  if (connection._paused && !isBeingKilled(connection._command)) connection.resume();
  if (connection.busy || connection.doubtful) return afterWork(connection, hygiene, baseline);
  if (hygiene === 'never') return undefined;
  const { session } = connection;
  if (session.userChanged) return logInAgain(connection, baseline);
  if (hygiene === 'always' || (hygiene === 'auto' && session.needsReset)) return reset(connection, baseline);
  if (hygiene === 'auto' && session.calledRoutine) return askWhatRoutinesDid(connection, baseline);
  return session.inTransaction ? rollBack(connection) : undefined;
}

/** Waits for what a borrower has left running on a connection, so that a hook can use it. */
export async function settle(connection: ManagedConnection): Promise<void> {
  await new Promise<void>((resolve) => process.nextTick(resolve));
  if (connection._command != null) stopWhenLeft(connection._command);
  if (connection._paused && !isBeingKilled(connection._command)) connection.resume();
  if (connection.busy || connection.doubtful) await connection.send((done) => connection.ping(done));
  connection.doubtful = false;
}

/**
 * Brings a session to the settings that its next borrower asks for.
 *
 * @returns the borrower's error when the server refuses them; the session is clean then, and has none
 */
export async function changeSettings(
  connection: ManagedConnection,
  to: SessionMark | undefined,
  baseline: Baseline,
): Promise<PoolError | undefined> {
  const { settings: from, session } = connection;
  const end = session.apart();
  try {
    await connection.send((done) => connection.query(changeOfSettings(from, to), done));
    end();
    connection.settings = to;
    return undefined;
  } catch (error) {
    if (!isServerError(error) || isConnectionLost(error)) throw error;
    // Some of them may be in force.
    session.dirty = true;
    await cleanSession(connection, 'auto', baseline);
    const names = [...(to?.literals.keys() ?? [])].join(', ');
    return new PoolError('POOL_SESSION_REFUSED', `The server refused the session settings (${names}): ${error.message}`, {
      cause: error,
    });
  }
}

/**
 * Statements are still running: their borrower did not wait for them, or learns of the last one's end at this very moment. Or the server may have
 * closed the connection: it is asked.
 */
async function afterWork(connection: ManagedConnection, hygiene: Hygiene, baseline: Baseline): Promise<void> {
  await new Promise<void>((resolve) => process.nextTick(resolve));
  if (connection.busy || connection.doubtful) await connection.send((done) => connection.ping(done));
  connection.doubtful = false;
  await cleanSession(connection, hygiene, baseline);
}

async function rollBack(connection: ManagedConnection): Promise<void> {
  await connection.send((done) => connection.query('ROLLBACK', done));
  if (connection.session.inTransaction) throw new Error('The transaction is still open after a rollback: the connection is replaced.');
}

/**
 * A statement has called what may be a stored function. Variables that such a function sets MySQL reports with the next OK packet, and locks no server
 * reports at all: the one question takes the locks away, and has the report.
 */
async function askWhatRoutinesDid(connection: ManagedConnection, baseline: Baseline): Promise<void> {
  const { session } = connection;
  session.calledRoutine = false;
  const answer = connection.send((done) => connection.query('DO RELEASE_ALL_LOCKS()', done));
  // That statement is not a borrower's, and its purpose is the change.
  session.dirty = false;
  try {
    await answer;
  } catch (error) {
    if (isConnectionLost(error)) throw error;
    // Some servers do not know the function.
    session.dirty = true;
  }
  await cleanSession(connection, 'auto', baseline);
}

/**
 * COM_RESET_CONNECTION rolls back, and drops temporary tables, locks, variables and prepared statements. It leaves the default database, and
 * what init_connect did at login is gone.
 */
async function reset(connection: ManagedConnection, baseline: Baseline): Promise<void> {
  // onConnect has logged in as another user, whose reset would leave that one.
  if (!connection.login.isKeptBy(connection.config)) return logInAgain(connection, baseline);
  refuseUnresettable(connection);
  refuseUnrepeatable(baseline);
  await leaveTransaction(connection);
  await connection.send((done) => connection.reset(done));
  await restoreCharset(connection);
  await restoreSession(connection);
  await refuseInitConnect(connection);
  await restoreDatabase(connection, baseline);
  await replay(connection, baseline);
}

/** COM_CHANGE_USER takes everything that a session has, and the default database is the login's: cheaper than a new connection. */
async function logInAgain(connection: ManagedConnection, baseline: Baseline): Promise<void> {
  refuseUnresettable(connection);
  refuseUnrepeatable(baseline);
  refuseStaleLogin(baseline);
  await leaveTransaction(connection);
  await connection.apart(() => connection.login.repeat(connection));
  await restoreSession(connection);
  await refuseInitConnect(connection);
  await replay(connection, baseline);
}

/**
 * Rejects in an XA transaction: the connection is replaced. The server rolls one back that is not prepared, and keeps one that is for the
 * XA COMMIT or XA ROLLBACK of another connection; MariaDB's connection would be of no use after a reset.
 */
async function leaveTransaction(connection: ManagedConnection): Promise<void> {
  if (connection.session.inTransaction) await connection.send((done) => connection.query('ROLLBACK', done));
}

async function replay(connection: ManagedConnection, baseline: Baseline): Promise<void> {
  connection.session.cleaned();
  await baseline.replay();
  baseline.reset();
}

function refuseUnresettable(connection: ManagedConnection): void {
  if (!resetsFully(connection)) throw new Error('A reset would not clean the session on this server: the connection is replaced.');
}

function refuseUnrepeatable(baseline: Baseline): void {
  if (!baseline.repeatable())
    throw new Error('A listener set up this session in a way that cannot be repeated: the connection is replaced.');
}

function refuseStaleLogin(baseline: Baseline): void {
  if (!baseline.mayLogInAgain()) throw new Error('The credentials have changed since the login: the connection is replaced.');
}

/** Asked once per connection: the variable is the server's, and hardly ever set. */
async function refuseInitConnect(connection: ManagedConnection): Promise<void> {
  connection.initConnect ??= String((await firstRow(connection, 'SELECT @@GLOBAL.init_connect'))[0]) !== '';
  if (connection.initConnect) throw new Error("The effects of the server's init_connect cannot be repeated: the connection is replaced.");
}

async function restoreDatabase(connection: ManagedConnection, baseline: Baseline): Promise<void> {
  const { database } = baseline;
  if (database !== undefined) {
    await connection.send((done) => connection.query(`USE ${quoted(database)}`, done));
  } else if ((await firstRow(connection, 'SELECT DATABASE()'))[0] !== null) {
    // Only a login takes a default database away.
    refuseStaleLogin(baseline);
    await connection.apart(() => connection.login.repeat(connection));
  }
}
