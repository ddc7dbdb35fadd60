import type { RowDataPacket } from 'mysql2/promise';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import type { Transaction } from '../../../src/mysql/transactions/transaction.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { startStatementProxy, type StatementHandler, type StatementProxy } from '../../support/network/statement-proxy.js';
import { poolOf } from '../../support/pool-on-database.js';

/** A pool on a database with a table `ledger (id PRIMARY KEY, note)`. What is written twice is refused; what is written can be looked up. */
export interface Ledger extends AsyncDisposable {
  readonly pool: Pool;
  readonly database: TestDatabase;
  /** The ids in the ledger, in order; seen by another session. */
  ids(): Promise<number[]>;
  /** The note of a line; seen by another session. */
  noteOf(id: number): Promise<string | undefined>;
  /** Fails when a session still holds a lock of the ledger. */
  expectNoLocks(): Promise<void>;
}

export interface LedgerBehindProxy extends Ledger {
  readonly proxy: StatementProxy;
}

/** Puts a line into the ledger. */
export const INSERT = 'INSERT INTO ledger (id, note) VALUES (?, ?)';
export const UPDATE = 'UPDATE ledger SET note = ? WHERE id = ?';

/** Makes the table. */
export async function createLedger(database: TestDatabase): Promise<void> {
  await database.admin('CREATE TABLE ledger (id INT PRIMARY KEY, note VARCHAR(100)) ENGINE = InnoDB');
}

/** The ids in the ledger, in order. */
export async function ledgerIds(database: TestDatabase): Promise<number[]> {
  const rows = await database.admin<(RowDataPacket & { id: number })[]>('SELECT id FROM ledger ORDER BY id');
  return rows.map(({ id }) => id);
}

function ledgerOn(database: TestDatabase, pool: Pool): Omit<Ledger, typeof Symbol.asyncDispose> {
  return {
    pool,
    database,
    ids: () => ledgerIds(database),
    async noteOf(id) {
      const rows = await database.admin<(RowDataPacket & { note: string })[]>('SELECT note FROM ledger WHERE id = ?', [id]);
      return rows[0]?.note;
    },
    async expectNoLocks() {
      await using admin = await database.connectAsAdmin();
      // MariaDB, MySQL 8: no waiting at all. The gap after the last line is looked at, too.
      await admin.query('SET SESSION innodb_lock_wait_timeout = 0');
      await admin.query('START TRANSACTION');
      await admin.query('SELECT * FROM ledger FOR UPDATE');
      await admin.query('ROLLBACK');
    },
  };
}

/** A database with a ledger, and a pool on it. */
export async function openLedger(options: PoolOptions = {}): Promise<Ledger> {
  const database = await createDatabase();
  await createLedger(database);
  const pool = poolOf(database, options);
  return {
    ...ledgerOn(database, pool),
    async [Symbol.asyncDispose]() {
      await pool.end();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** The same, with a network in between that looks at each statement. */
export async function openLedgerBehindProxy(onStatement: StatementHandler, options: PoolOptions = {}): Promise<LedgerBehindProxy> {
  const database = await createDatabase();
  await createLedger(database);
  const proxy = await startStatementProxy({ port: database.port, onStatement });
  const pool = poolOf(database, { port: proxy.port, ...options });
  return {
    ...ledgerOn(database, pool),
    proxy,
    async [Symbol.asyncDispose]() {
      await pool.end();
      await proxy.stop();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** A statement that fails with this number, and leaves the transaction as it is. */
export function failingWith(errno: number): string {
  return `SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = ${errno}, MESSAGE_TEXT = 'raised by the test'`;
}

/** The lines of the ledger that a transaction sees. */
export async function idsSeenBy(tx: Transaction): Promise<number[]> {
  const [rows] = await tx.query<(RowDataPacket & { id: number })[]>('SELECT id FROM ledger ORDER BY id');
  return rows.map(({ id }) => id);
}
