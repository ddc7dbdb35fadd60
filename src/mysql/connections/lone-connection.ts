/** A connection that belongs to no pool: a monitor asks a server over it how it is. */

import { ignore, inRootContext } from '../../engine/waiting/index.js';
import { configOf, copyOf, type ResolvedOptions } from '../options/index.js';
import { ConnectionFactory } from './connection-factory.js';
import type { ManagedConnection } from './managed-connection.js';

/** A connection to ask a server over. Its answers are plain: the options for results of an application's pool do not change them. */
export interface LoneConnection {
  /** What the server greets with. */
  readonly version: string;
  readonly alive: boolean;
  /** The rows of a statement, by the names of their columns. Has no time limit of its own. */
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  ping(): Promise<void>;
  /** Says goodbye. Never rejects. */
  quit(): Promise<void>;
  /** Cuts it off: what is under way on it fails. */
  terminate(): void;
}

/** Options of mysql2's that change what a result looks like. */
const OF_RESULTS: readonly string[] = [
  'bigNumberStrings',
  'dateStrings',
  'decimalNumbers',
  'jsonStrings',
  'namedPlaceholders',
  'nestTables',
  'queryFormat',
  'rowsAsArray',
  'stringifyObjects',
  'supportBigNumbers',
  'typeCast',
];

/**
 * Opens a connection beside all pools, within `connectTimeout`, in the root context. It holds no process.
 *
 * @throws as a pool's opening does
 */
export async function openLone(options: ResolvedOptions): Promise<LoneConnection> {
  const connection = Object.fromEntries(Object.entries(options.connection).filter(([name]) => !OF_RESULTS.includes(name)));
  const shared = configOf({ connection });
  const factory = new ConnectionFactory(options, {
    driverPool: { _closed: false, createConnectionConfig: () => copyOf(shared) },
    announce: () => false,
    hold: ignore,
    connecting: ignore,
    sessionReset: ignore,
    poisoned: ignore,
    tooManyStatements: ignore,
    kill: () => Promise.reject(new Error('bug: not a statement of a borrower')),
  });
  const opened = await inRootContext(() => factory.openAside(ignore));
  return loneOver(opened);
}

function loneOver(connection: ManagedConnection): LoneConnection {
  return {
    version: connection._handshakePacket?.serverVersion ?? '',
    get alive() {
      return connection.alive;
    },
    rows: (sql) =>
      new Promise((resolve, reject) => {
        inRootContext(() =>
          connection.query(sql, (error: Error | null, rows: unknown) => {
            if (error === null) resolve(rows as readonly Readonly<Record<string, unknown>>[]);
            else reject(error);
          }),
        );
      }),
    ping: () => connection.send((done) => connection.ping(done)),
    quit: () => connection.quit(),
    terminate: () => connection.terminate(),
  };
}
