/** What is used of Node's own SQLite, where it is there: from Node 22.13 on without a flag. */

import { nodeSqlite } from '../../packages/index.js';

/** An open database. All of it is synchronous. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): PreparedSql;
  close(): void;
}

/** A statement that is prepared. */
export interface PreparedSql {
  run(...values: readonly (string | number | Uint8Array)[]): unknown;
  all(...values: readonly (string | number)[]): readonly Readonly<Record<string, unknown>>[];
  get(...values: readonly (string | number)[]): Readonly<Record<string, unknown>> | undefined;
}

interface SqliteModule {
  readonly DatabaseSync: new (path: string) => Database;
}

/** Whether this runtime has it. */
export function hasSqlite(): boolean {
  return typeof (nodeSqlite() as Partial<SqliteModule> | undefined)?.DatabaseSync === 'function';
}

/** @throws Error with an `errcode` of SQLite */
export function openDatabase(path: string): Database {
  const { DatabaseSync } = nodeSqlite() as SqliteModule;
  return new DatabaseSync(path);
}

/** The numbers are SQLite's primary result codes. */
const WORDS: Readonly<Record<number, string>> = {
  5: 'another process uses it',
  6: 'another process uses it',
  8: 'it cannot be written',
  10: 'the disk failed',
  11: 'it is corrupt; delete it to begin again',
  13: 'the disk is full',
  14: 'it cannot be opened',
  26: 'it is no history of Poolwright',
};

/** Why the database failed, in words; undefined: the error says it. */
export function wordsOnSqlite(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'errcode' in error ? Number(error.errcode) : Number.NaN;
  return WORDS[code % 256];
}
