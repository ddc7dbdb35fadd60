import type { ManagedConnection } from './managed-connection.js';
import type { Hygiene } from './options.js';

/** How a session is brought back to what it was when the connection was new. */
export interface Baseline {
  /** Whether `replay` brings back everything that was set up when the connection was new. */
  replaceable(): boolean;
  /** Sets up again what a reset has taken away. */
  replay(): Promise<void>;
  /** The default database of a new connection. */
  readonly database: string | undefined;
  /** A session was reset. */
  reset(): void;
}

/**
 * Cleans the session of a connection that was just given back. Returns nothing when there is nothing to do; rejects when the connection
 * must be replaced.
 */
export function cleanSession(connection: ManagedConnection, hygiene: Hygiene, baseline: Baseline): Promise<void> | undefined {
  if (connection.busy) return afterWork(connection, hygiene, baseline);
  if (hygiene === 'never') return undefined;
  const { session } = connection;
  if (session.userChanged) return Promise.reject(new Error('The connection logged in as another user: it is replaced.'));
  if (hygiene === 'always' || (hygiene === 'auto' && session.dirty)) return reset(connection, baseline);
  return session.inTransaction ? rollBack(connection) : undefined;
}

/** Statements are still running: their borrower did not wait for them, or is told of the last one's end at this very moment. */
async function afterWork(connection: ManagedConnection, hygiene: Hygiene, baseline: Baseline): Promise<void> {
  await new Promise<void>((resolve) => process.nextTick(resolve));
  if (connection.busy) await connection.send((done) => connection.ping(done));
  await cleanSession(connection, hygiene, baseline);
}

async function rollBack(connection: ManagedConnection): Promise<void> {
  await connection.send((done) => connection.query('ROLLBACK', done));
  if (connection.session.inTransaction) throw new Error('The transaction is still open after a rollback: the connection is replaced.');
}

/** COM_RESET_CONNECTION rolls back, drops temporary tables, locks, variables and prepared statements; the default database stays. */
async function reset(connection: ManagedConnection, baseline: Baseline): Promise<void> {
  const { session } = connection;
  if (!baseline.replaceable()) throw new Error('A listener set this session up, which cannot be repeated: the connection is replaced.');
  if (session.databaseChanged && baseline.database === undefined)
    throw new Error('There is no default database to go back to: the connection is replaced.');
  await connection.send((done) => connection.reset(done));
  if (session.databaseChanged)
    await connection.send((done) => connection.query(`USE ${connection.escapeId(baseline.database as string)}`, done));
  await baseline.replay();
  session.cleaned();
  baseline.reset();
}
