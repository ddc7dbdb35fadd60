/** The ledger in the database itself: one table, one row for each fleet, for who has no Redis. */

import { messageOf } from '../../engine/index.js';
import type { FleetState } from '../contract/index.js';
import { encodeState } from '../protocol/index.js';
import { newToken } from './redis-ledger.js';
import { stateOf, type StateStore, type Stored, StoredLedger } from './stored-ledger.js';

/** A connection that belongs to the ledger alone. */
export interface LedgerConnection {
  readonly alive: boolean;
  /** The rows that a statement answers with, by the names of their columns; for one that writes, its header with `affectedRows`. */
  rows(sql: string): Promise<unknown>;
  quit(): Promise<void>;
  /** Cuts it off. */
  terminate(): void;
}

/** What the table is made with; shown to an account that may not make it. */
export const FLEET_TABLE = `CREATE TABLE IF NOT EXISTS poolwright_fleet (
  name VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  token VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  state MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  changed_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
)`;

const NO_SUCH_TABLE = 1146;
/** Of an account that may not do this: on the table, on the database, at all. */
const DENIED: ReadonlySet<number> = new Set([1044, 1142, 1227, 1370]);
/** Another member stored meanwhile, as InnoDB, Galera and TiDB say it. */
const CONFLICT: ReadonlySet<number> = new Set([1205, 1213, 8022, 9007]);
const READ_ONLY: ReadonlySet<number> = new Set([1290, 1792, 1836]);

/** Each statement commits by itself and is short; times are in UTC, so that no clock change of a zone moves them. */
const SET_UP = [
  "SET SESSION autocommit = 1, SESSION time_zone = '+00:00', SESSION innodb_lock_wait_timeout = 1",
  'SET SESSION TRANSACTION READ WRITE',
];

/**
 * Which server answers. One that took over after another has another number, name or port; it may have lost what was committed last. TiDB has one
 * log for all its servers, which loses nothing.
 */
const IDENTITY = "IF(VERSION() LIKE '%TiDB%', 'TiDB', CONCAT_WS(' ', @@hostname, @@port, @@server_id))";
const NOW = 'CAST(FLOOR(UNIX_TIMESTAMP(NOW(6)) * 1000) AS CHAR)';

/** @param connect opens a connection to the database of the fleet's table */
export function databaseLedger(connect: (signal: AbortSignal) => Promise<LedgerConnection>, random?: () => number): StoredLedger {
  return new StoredLedger(new DatabaseStore(connect), random);
}

/**
 * It compares and swaps: no transaction stays open, so a process that freezes between its statements holds no lock that stops the others.
 */
class DatabaseStore implements StateStore {
  #connection: LedgerConnection | undefined = undefined;
  #opening: Promise<LedgerConnection> | undefined = undefined;
  #closed = false;

  constructor(private readonly connect: (signal: AbortSignal) => Promise<LedgerConnection>) {}

  async read(name: string, signal: AbortSignal): Promise<Stored> {
    const connection = await this.#connected(signal);
    const sql = `SELECT ${NOW} AS now, ${IDENTITY} AS identity, f.token AS token, f.state AS state
      FROM (SELECT 1 AS one) AS o LEFT JOIN poolwright_fleet AS f ON f.name = ${textOf(name)}`;
    const [row] = (await this.#asked(connection, sql)) as [Record<'now' | 'identity', string> & Record<'token' | 'state', string | null>];
    return { state: stateOf(row.state), token: row.token ?? undefined, now: Number(row.now), identity: row.identity };
  }

  async store(name: string, { token, identity }: Stored, state: FleetState, signal: AbortSignal): Promise<'changed' | undefined> {
    const connection = await this.#connected(signal);
    const [next, text] = [textOf(newToken()), textOf(encodeState(state))];
    const sql =
      token === undefined
        ? `INSERT IGNORE INTO poolwright_fleet (name, token, state) SELECT ${textOf(name)}, ${next}, ${text} FROM (SELECT 1 AS one) AS o WHERE ${IDENTITY} = ${textOf(identity)}`
        : `UPDATE poolwright_fleet SET token = ${next}, state = ${text} WHERE name = ${textOf(name)} AND token = ${textOf(token)} AND ${IDENTITY} = ${textOf(identity)}`;
    try {
      const { affectedRows } = (await this.#asked(connection, sql)) as { readonly affectedRows: number };
      return affectedRows === 1 ? undefined : 'changed';
    } catch (error) {
      if (CONFLICT.has(errnoOf(error))) return 'changed';
      throw error;
    }
  }

  reconnect(): void {
    this.#connection?.terminate();
    this.#connection = undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.quit();
  }

  #connected(signal: AbortSignal): Promise<LedgerConnection> {
    if (this.#closed) return Promise.reject(new Error('the ledger is closed'));
    if (this.#connection?.alive === true) return Promise.resolve(this.#connection);
    this.#opening ??= this.#open(signal).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(signal: AbortSignal): Promise<LedgerConnection> {
    const connection = await this.connect(signal);
    try {
      for (const sql of SET_UP) await connection.rows(sql);
      if (this.#closed || signal.aborted) throw new Error('the ledger is closed');
    } catch (error) {
      connection.terminate();
      throw error;
    }
    this.#connection = connection;
    return connection;
  }

  async #asked(connection: LedgerConnection, sql: string): Promise<unknown> {
    try {
      return await connection.rows(sql);
    } catch (error) {
      if (errnoOf(error) === NO_SUCH_TABLE) {
        await this.#makeTable(connection);
        return await connection.rows(sql).catch((again: unknown) => this.#refuse(again));
      }
      return this.#refuse(error);
    }
  }

  async #makeTable(connection: LedgerConnection): Promise<void> {
    try {
      await connection.rows(FLEET_TABLE);
    } catch (error) {
      throw new Error(
        `The fleet's ledger needs the table poolwright_fleet, and this account may not create it (${messageOf(error)}). Create it: ${FLEET_TABLE}; and allow: ${WANTED_RIGHTS}`,
        { cause: error },
      );
    }
  }

  #refuse(error: unknown): never {
    const errno = errnoOf(error);
    if (DENIED.has(errno))
      throw new Error(`The account may not use the fleet's ledger. Allow it: ${WANTED_RIGHTS} (the server said: ${messageOf(error)})`, {
        cause: error,
      });
    // Behind a name, the next connection may lead to the server that takes writes.
    if (READ_ONLY.has(errno)) this.reconnect();
    throw error;
  }
}

const WANTED_RIGHTS = 'GRANT SELECT, INSERT, UPDATE ON poolwright_fleet TO the account of the pool';

/** As a literal that no SQL mode and no character set reads in another way. */
function textOf(text: string): string {
  return `CONVERT(X'${Buffer.from(text).toString('hex')}' USING utf8mb4)`;
}

function errnoOf(error: unknown): number {
  return (error as { readonly errno?: number }).errno ?? 0;
}
