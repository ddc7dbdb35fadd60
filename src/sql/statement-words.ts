/** The first words of statements: which leave the session alone, which may end a transaction, and which are known at all. */

import { WordTable, wordsThemselves } from './words.js';

/**
 * A statement that leaves nothing behind in the session but what the status flags of the protocol show. A word that is not listed counts as a
 * change of the session: a mistake in this direction costs a reset, in the other one a wrong answer.
 */
const HARMLESS = 1;
/**
 * A statement that neither commits nor ends a transaction. A word that is not listed may do so (MySQL reference manual, "Statements That Cause an
 * Implicit Commit"; MariaDB knowledge base, "SQL statements That Cause an Implicit Commit"): a mistake in this direction costs a retry that is not
 * made, in the other one an effect that is applied twice.
 */
const NEVER_COMMITS = 2;
/** Statements in which what follows the first word matters. */
export const BEGINS = 4;
export const DEFINES = 8;
export const ROLLS_BACK = 16;
export const STARTS = 32;
export const SETS = 64;
export const LOADS = 128;
const LOOKED_INTO = BEGINS | DEFINES | ROLLS_BACK | STARTS | SETS | LOADS;

const NATURE = new WordTable<number>([
  [HARMLESS, 'ANALYZE CHECK COMMIT GRANT OPTIMIZE PURGE RENAME REPAIR REVOKE TRUNCATE'],
  [NEVER_COMMITS, 'DEALLOCATE DO HANDLER PREPARE SIGNAL USE'],
  [HARMLESS | NEVER_COMMITS, 'DELETE DESC DESCRIBE EXPLAIN INSERT KILL RELEASE REPLACE SAVEPOINT SELECT SHOW TABLE UPDATE VALUES WITH'],
  [HARMLESS | DEFINES, 'ALTER CREATE DROP'],
  [HARMLESS | BEGINS, 'BEGIN'],
  [HARMLESS | ROLLS_BACK, 'ROLLBACK'],
  [HARMLESS | STARTS, 'START'],
  [SETS, 'SET'],
  [HARMLESS | LOADS, 'LOAD'],
]);

/** MySQL reference manual and MariaDB knowledge base, "SQL Statements". It bounds the names of operations in telemetry. */
const KNOWN = new WordTable<string>(
  wordsThemselves(`ALTER ANALYZE BACKUP BEGIN BINLOG CACHE CALL CHANGE CHECK CHECKSUM CLONE COMMIT CREATE DEALLOCATE DELETE DESC DESCRIBE DO DROP
    EXECUTE EXPLAIN FLUSH GET GRANT HANDLER HELP IMPORT INSERT INSTALL KILL LOAD LOCK OPTIMIZE PREPARE PURGE RELEASE RENAME REPAIR REPLACE RESET
    RESIGNAL RESTART REVOKE ROLLBACK SAVEPOINT SELECT SET SHOW SHUTDOWN SIGNAL START STOP TABLE TRUNCATE UNINSTALL UNLOCK UPDATE USE VALUES WITH XA`),
);

/** Words longer than any keyword are no keywords. */
const LONGEST_KEYWORD = 32;

/** What is known of the statements that begin with the word that stands in the text from `start` to before `end`. */
export function natureAt(sql: string, start: number, end: number): number {
  return NATURE.at(sql, start, end) ?? 0;
}

export function isHarmless(nature: number): boolean {
  return (nature & HARMLESS) !== 0;
}

export function neverCommits(nature: number): boolean {
  return (nature & NEVER_COMMITS) !== 0;
}

export function isLookedInto(nature: number): boolean {
  return (nature & LOOKED_INTO) !== 0;
}

/** Whether such a statement may ask for transactions that only read. */
export function mayAsk(nature: number): boolean {
  return (nature & (STARTS | SETS)) !== 0;
}

/** The word in capitals; undefined when no statement begins with it. */
export function knownWordAt(sql: string, start: number, end: number): string | undefined {
  return KNOWN.at(sql, start, end);
}

/** A word in capitals; an empty text when no keyword is like it. */
export function capitalsAt(sql: string, start: number, end: number): string {
  const known = knownWordAt(sql, start, end);
  if (known !== undefined) return known;
  if (end - start > LONGEST_KEYWORD) return '';
  // JavaScript makes ASCII capitals of some other letters, the server does not.
  for (let at = start; at < end; at += 1) if (sql.charCodeAt(at) >= 0x80) return '';
  return sql.slice(start, end).toUpperCase();
}
