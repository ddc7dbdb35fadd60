/** Cleans the session of a connection between two borrowers. */

import { charsetStatement } from '../driver/index.js';
import type { ManagedConnection } from './managed-connection.js';
import type { Hygiene } from '../options/index.js';
import { stopWhenLeft } from './streams.js';

/** How a session is brought back to what it was when the connection was new. */
export interface Baseline {
  /** Whether `replay` brings back everything that was set up when the connection was new. */
  repeatable(): boolean;
  /** Sets up again what a reset has taken away. */
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
  return !session.userChanged && !session.inTransaction && (hygiene !== 'auto' || !session.dirty);
}

/**
 * Cleans the session of a connection that was just given back. Returns nothing when there is nothing to do; rejects when the connection
 * must be replaced.
 */
export function cleanSession(connection: ManagedConnection, hygiene: Hygiene, baseline: Baseline): Promise<void> | undefined {
  if (connection._command != null) stopWhenLeft(connection._command);
  if (connection._paused) connection.resume();
  if (connection.busy || connection.doubtful) return afterWork(connection, hygiene, baseline);
  if (hygiene === 'never') return undefined;
  const { session } = connection;
  if (session.userChanged) return Promise.reject(new Error('The connection logged in as another user: it is replaced.'));
  if (hygiene === 'always' || (hygiene === 'auto' && session.dirty)) return reset(connection, baseline);
  return session.inTransaction ? rollBack(connection) : undefined;
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
 * COM_RESET_CONNECTION rolls back, and drops temporary tables, locks, variables and prepared statements. It leaves the default database, and
 * what init_connect did at login is gone.
 */
async function reset(connection: ManagedConnection, baseline: Baseline): Promise<void> {
  if (!baseline.repeatable()) throw new Error('A listener set this session up, which cannot be repeated: the connection is replaced.');
  await connection.send((done) => connection.reset(done));
  await restoreCharset(connection);
  if (await hasInitConnect(connection))
    throw new Error("What the server's init_connect did cannot be repeated: the connection is replaced.");
  await restoreDatabase(connection, baseline.database);
  await baseline.replay();
  connection.session.cleaned();
  baseline.reset();
}

/** mysql2 follows SET NAMES; and MySQL, unlike MariaDB, does not go back to the character set of the login. */
async function restoreCharset(connection: ManagedConnection): Promise<void> {
  const { config, charsetAtLogin } = connection;
  config.charsetNumber = charsetAtLogin;
  const statement = connection._isMariaDB ? undefined : charsetStatement(charsetAtLogin);
  if (statement !== undefined) await connection.send((done) => connection.query(statement, done));
}

/** Asked once per connection: the variable is the server's, and hardly ever set. */
async function hasInitConnect(connection: ManagedConnection): Promise<boolean> {
  connection.initConnect ??= String(await firstValue(connection, 'SELECT @@GLOBAL.init_connect')) !== '';
  return connection.initConnect;
}

async function restoreDatabase(connection: ManagedConnection, database: string | undefined): Promise<void> {
  if (database !== undefined) {
    await connection.send((done) => connection.query(`USE \`${database.replaceAll('`', '``')}\``, done));
  } else if ((await firstValue(connection, 'SELECT DATABASE()')) !== null) {
    throw new Error('There is no default database to go back to: the connection is replaced.');
  }
}

function firstValue(connection: ManagedConnection, sql: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    connection.query({ sql, rowsAsArray: true }, (error: Error | null, rows: unknown) => {
      if (error === null) resolve((rows as unknown[][])[0]?.[0]);
      else reject(error);
    });
  });
}
