import { randomBytes } from 'node:crypto';
import { type Connection, type ConnectionOptions, createConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { inject } from 'vitest';
import { databaseUrl, type UrlOverrides } from '../../../src/demo/database-url.js';
import { thisServer } from '../sql-servers/this-server.js';
import type { SharedServer } from '../global-setup.js';

/** A line of `information_schema.processlist`. */
export interface ProcessRow extends RowDataPacket {
  readonly id: number;
  readonly user: string;
  readonly db: string | null;
  readonly command: string;
  readonly time: number;
  readonly state: string | null;
  readonly info: string | null;
}

/** A database and a user of the test's own. Disposing ends the user's connections and drops both. */
export interface TestDatabase extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly socketPath: string;
  /** The certificate authority of the server, as text and as a file. */
  readonly caCertificate: string;
  readonly caPath: string;
  /** What kind of server this run is on. */
  readonly server: ReturnType<typeof thisServer>;
  readonly database: string;
  /** All rights on `database`, none elsewhere. */
  readonly user: string;
  readonly password: string;
  /** The options to connect with, for `createConnection` and `createPool`. */
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
  url(overrides?: UrlOverrides): string;
  /** Runs one statement as the administrator, in `database`, over a connection of its own. */
  admin<T extends RowDataPacket[] | ResultSetHeader = RowDataPacket[]>(sql: string, values?: unknown[]): Promise<T>;
  /** A session of the administrator, in `database`. The caller ends it. */
  connectAsAdmin(options?: ConnectionOptions): Promise<Connection>;
  /** The server's list of a user's connections. Default: this database's user. */
  processlist(user?: string): Promise<ProcessRow[]>;
  /** How many connections the server counts for a user. Default: this database's user. */
  serverConnections(user?: string): Promise<number>;
  /** Kills connections of this database's user: those with these ids, or all. */
  killConnections(ids?: readonly number[]): Promise<void>;
}

/** What {@link createDatabase} needs to know of a server; a `PrivateServer` has it all. */
export type DatabaseServer = Omit<SharedServer, 'kind' | 'family' | 'version'>;

const NO_SUCH_THREAD = 1094;

/**
 * Makes a fresh database and a user of its own, so that tests which count connections can run beside others.
 *
 * @param server - Default: the server that all tests of this run share.
 *
 * @example
 * await using database = await createDatabase();
 * const pool = createPool(database.url());
 */
export async function createDatabase(server: DatabaseServer = inject('server')): Promise<TestDatabase> {
  const { host, port, socketPath, caPath, caCertificate } = server;
  const suffix = randomBytes(6).toString('hex');
  const database = `test_${suffix}`;
  const user = `user_${suffix}`;
  const password = `${randomBytes(9).toString('base64url')}@:/?#%&+ =`;
  const connection = { host, port, user, password, database };

  const connectAsAdmin = (options: ConnectionOptions = {}): Promise<Connection> =>
    createConnection({ host, port, user: server.adminUser, password: server.adminPassword, database, ...options });

  const run = async (options: ConnectionOptions, statements: readonly string[]): Promise<void> => {
    await using session = await connectAsAdmin(options);
    for (const statement of statements) await session.query(statement);
  };
  const admin = async <T extends RowDataPacket[] | ResultSetHeader = RowDataPacket[]>(sql: string, values?: unknown[]): Promise<T> => {
    await using session = await connectAsAdmin();
    const [result] = await session.query<T>(sql, values);
    return result;
  };
  const processlist = (of = user): Promise<ProcessRow[]> =>
    admin<ProcessRow[]>(
      'SELECT id AS id, user AS user, db AS db, command AS command, time AS time, state AS state, info AS info FROM information_schema.processlist WHERE user = ? ORDER BY id',
      [of],
    );
  const killConnections = async (ids?: readonly number[]): Promise<void> => {
    for (const id of ids ?? (await processlist()).map((row) => row.id)) {
      await admin('KILL CONNECTION ?', [id]).catch((error: { errno?: number }) => {
        if (error.errno !== NO_SUCH_THREAD) throw error;
      });
    }
  };

  await run({ database: '' }, [
    `CREATE DATABASE ${database}`,
    `CREATE USER '${user}'@'%' IDENTIFIED BY '${password}'`,
    `GRANT ALL ON ${database}.* TO '${user}'@'%'`,
  ]);

  return {
    ...connection,
    socketPath,
    caPath,
    caCertificate,
    server: thisServer(),
    connection,
    url: (overrides) => databaseUrl(connection, overrides),
    admin,
    connectAsAdmin,
    processlist,
    serverConnections: async (of) => (await processlist(of)).length,
    killConnections,
    async [Symbol.asyncDispose]() {
      try {
        // The user first: no new connection can come after that, and one that holds a lock would block the drop.
        await run({ database: '' }, [`DROP USER '${user}'@'%'`]);
        await killConnections();
        await run({ database: '' }, [`DROP DATABASE ${database}`]);
      } catch (error) {
        // A test that ended its own server has nothing left to drop.
        if ((error as { code?: string }).code !== 'ECONNREFUSED') throw error;
      }
    },
  };
}
