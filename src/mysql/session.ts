import type { Command } from './driver.js';

/** SERVER_STATUS_IN_TRANS of the protocol's status flags (MySQL internals manual, "Status Flags"). */
const IN_TRANSACTION = 0x0001;

/**
 * First words of statements that leave nothing behind in the session but what the transaction flag tells.
 * Whatever is not listed is taken to change the session: wrong in this direction costs a reset, in the other a wrong answer.
 */
const HARMLESS_STATEMENTS: ReadonlySet<string> = new Set([
  'ALTER',
  'ANALYZE',
  'BEGIN',
  'CHECK',
  'COMMIT',
  'CREATE',
  'DELETE',
  'DESC',
  'DESCRIBE',
  'DROP',
  'EXPLAIN',
  'FLUSH',
  'GRANT',
  'INSERT',
  'KILL',
  'OPTIMIZE',
  'PURGE',
  'RELEASE',
  'RENAME',
  'REPAIR',
  'REPLACE',
  'REVOKE',
  'ROLLBACK',
  'SAVEPOINT',
  'SELECT',
  'SHOW',
  'START',
  'TABLE',
  'TRUNCATE',
  'UPDATE',
  'VALUES',
  'WITH',
]);

/** What makes even a harmless statement change the session: user variables, user locks, temporary tables, executable comments. */
const SIDE_EFFECTS = /:=|\binto\s+@|\bget_lock\s*\(|\btemporary\b|\bwith\s+read\s+lock\b|\/\*[!M]/i;

/** The rest of a text of several statements is not looked at word by word: any of these anywhere counts. */
const SESSION_WORDS = /\b(?:set|use|lock|prepare|deallocate|call|handler|xa|execute|do)\b/i;

const READ_ONLY = /\bread(?:\s+|_)only\b/i;

/** Statements that commit what came before them (MySQL reference manual, "Statements That Cause an Implicit Commit"). */
const COMMITTING_STATEMENTS: ReadonlySet<string> = new Set([
  'ALTER',
  'ANALYZE',
  'BEGIN',
  'CALL',
  'CHANGE',
  'CHECK',
  'COMMIT',
  'CREATE',
  'DROP',
  'FLUSH',
  'GRANT',
  'INSTALL',
  'LOAD',
  'LOCK',
  'OPTIMIZE',
  'RENAME',
  'REPAIR',
  'RESET',
  'REVOKE',
  'ROLLBACK',
  'SET',
  'START',
  'STOP',
  'TRUNCATE',
  'UNINSTALL',
  'UNLOCK',
  'XA',
]);

/** Whether a statement ends the transaction that it is run in, or may do so. Going back to a savepoint does not. */
export function commitsImplicitly(sql: string): boolean {
  const word = firstWord(sql);
  return (COMMITTING_STATEMENTS.has(word) && !/^\s*rollback\s+(?:work\s+)?to\b/i.test(sql)) || hasSessionWordBehindSemicolon(sql);
}

/** What a connection's session may have kept of its borrower. */
export class Session {
  /** The server says that a transaction is open. */
  inTransaction = false;
  /** Session variables, temporary tables, locks or statements of the borrower may be there: a reset cleans them. */
  dirty = false;
  /** The default database was changed: a reset does not bring it back. */
  databaseChanged = false;
  /** The borrower asked for a read-only transaction or session: that writes fail in it says nothing about the server. */
  readOnlyAsked = false;
  /** The connection logged in as somebody else: it can only be replaced. */
  userChanged = false;

  /** The status flags of a result that has just arrived. */
  noteStatus(flags: number): void {
    this.inTransaction = (flags & IN_TRANSACTION) !== 0;
  }

  /** A command is about to be sent. */
  noteCommand(command: Command): void {
    const sql = statementOf(command);
    if (sql !== undefined) this.noteStatement(sql);
    else if (command.currentConfig !== undefined) this.userChanged = true;
    else if (command.resetConnectionResponse !== undefined) this.dirty = true;
  }

  noteStatement(sql: string): void {
    const word = firstWord(sql);
    if (word === 'USE') this.databaseChanged = true;
    if (word === 'START' || word === 'BEGIN' || word === 'SET') this.readOnlyAsked = READ_ONLY.test(sql);
    if (!this.dirty) this.dirty = !HARMLESS_STATEMENTS.has(word) || SIDE_EFFECTS.test(sql) || hasSessionWordBehindSemicolon(sql);
  }

  /** The session was reset, or was found as clean as it was at the beginning. */
  cleaned(): void {
    this.inTransaction = false;
    this.dirty = false;
    this.databaseChanged = false;
    this.readOnlyAsked = false;
  }
}

/** The text of a command that runs a statement. */
export function statementOf(command: Command): string | undefined {
  return command.sql ?? command.statement?.query;
}

/** In capitals; white space, brackets and comments before it are passed over. */
function firstWord(sql: string): string {
  const match = /^(?:[\s(;]|--[^\n]*\n|#[^\n]*\n|\/\*(?![!M])[\s\S]*?\*\/)*([a-z]+)/i.exec(sql);
  return match === null ? '' : (match[1] as string).toUpperCase();
}

/** Several statements in one text; a semicolon inside a literal only costs a reset too many. */
function hasSessionWordBehindSemicolon(sql: string): boolean {
  const semicolon = sql.indexOf(';');
  return semicolon !== -1 && semicolon < sql.trimEnd().length - 1 && SESSION_WORDS.test(sql.slice(semicolon));
}
