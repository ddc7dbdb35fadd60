import { type Command, statementOf } from '../driver/index.js';

/** Status flags of the protocol (MySQL internals manual, "Status Flags"). */
const IN_TRANSACTION = 0x0001;
const SESSION_STATE_CHANGED = 0x4000;

/**
 * First words of statements that leave nothing behind in the session but what the status flags tell. Whatever is not listed is taken to change
 * the session: wrong in this direction costs a reset, in the other a wrong answer.
 */
const HARMLESS_STATEMENTS: ReadonlySet<string> =
  words(`ALTER ANALYZE CHECK COMMIT CREATE DELETE DESC DESCRIBE DROP EXPLAIN GRANT INSERT KILL
  OPTIMIZE PURGE RELEASE RENAME REPAIR REPLACE REVOKE ROLLBACK SAVEPOINT SELECT SHOW START TABLE TRUNCATE UPDATE VALUES WITH`);

/**
 * First words of statements that neither commit nor end a transaction. Whatever is not listed may do so (MySQL reference manual, "Statements That
 * Cause an Implicit Commit"): wrong in this direction costs a retry that is not made, in the other an effect that is applied twice.
 */
const NEVER_COMMITTING_STATEMENTS: ReadonlySet<string> =
  words(`DEALLOCATE DELETE DESC DESCRIBE DO EXPLAIN HANDLER INSERT KILL PREPARE RELEASE REPLACE
  SAVEPOINT SELECT SHOW SIGNAL TABLE UPDATE USE VALUES WITH`);

/** What makes even a harmless statement change the session: user variables, user locks, temporary tables. */
const SIDE_EFFECTS = /:=|\binto\s+@|\bget_lock\s*\(|\btemporary\b/i;

/** The rest of a text of several statements is not looked at word by word: any of these anywhere counts. */
const SESSION_WORDS = /\b(?:set|use|lock|prepare|deallocate|call|handler|xa|execute|do|begin|flush|load)\b/i;

/** Comments that the server executes. */
const EXECUTABLE_COMMENT = /\/\*M?!/;

const COMMENTS_AND_QUOTES = /\/\*[\s\S]*?\*\/|--[^\n]*|#[^\n]*|`/g;

const READ_ONLY = /\bread(?:\s+|_)only\b/i;
const DATABASE_STATEMENT = /^\s*(?:drop|create|alter)\s+(?:or\s+replace\s+)?(?:database|schema)\b/i;

/** What a connection's session may have kept of its borrower. */
export class Session {
  /** The server says that a transaction is open. */
  inTransaction = false;
  /** Session variables, temporary tables, locks, the default database or statements of the borrower may be there: a reset cleans them. */
  dirty = false;
  /** The connection logged in as somebody else: it can only be replaced. */
  userChanged = false;
  #readOnlyTransaction = false;
  #readOnlySession = false;

  /** The borrower asked for a read-only transaction or session: that writes fail in it says nothing about the server. */
  get readOnlyAsked(): boolean {
    return this.#readOnlySession || (this.#readOnlyTransaction && this.inTransaction);
  }

  /** The status flags of a result that has just arrived. */
  noteStatus(flags: number): void {
    this.inTransaction = (flags & IN_TRANSACTION) !== 0;
    if ((flags & SESSION_STATE_CHANGED) !== 0) this.dirty = true;
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
    if (word === 'START') this.#readOnlyTransaction = READ_ONLY.test(sql);
    else if (word === 'SET' && READ_ONLY.test(sql)) this.#readOnlySession = true;
    if (!this.dirty) this.dirty = changesSession(word, sql);
  }

  /** The session was reset, or was found as clean as it was at the beginning. */
  cleaned(): void {
    this.inTransaction = false;
    this.dirty = false;
    this.#readOnlyTransaction = false;
    this.#readOnlySession = false;
  }
}

/**
 * Whether a text ends the transaction that it is run in, or may do so. Going back to a savepoint does not.
 *
 * @param severalStatements the connection takes texts of several statements; a semicolon inside a literal only costs a retry then
 */
export function commitsImplicitly(sql: string, severalStatements: boolean): boolean {
  if (!severalStatements) return mayCommit(sql);
  return sql.split(';').some((statement) => statement.trim() !== '' && mayCommit(statement));
}

function mayCommit(sql: string): boolean {
  return !NEVER_COMMITTING_STATEMENTS.has(firstWord(sql)) && !/^\s*rollback\s+(?:work\s+)?to\b/i.test(sql);
}

function changesSession(word: string, sql: string): boolean {
  if (word === 'BEGIN') return !/^\s*begin(?:\s+work)?\s*;?\s*$/i.test(sql);
  if (!HARMLESS_STATEMENTS.has(word)) return true;
  // The default database is gone when it is dropped, also when it is made anew.
  if ((word === 'DROP' || word === 'CREATE' || word === 'ALTER') && DATABASE_STATEMENT.test(sql)) return true;
  if (EXECUTABLE_COMMENT.test(sql)) return true;
  // What looks like a comment may be part of a literal: both readings count.
  return SIDE_EFFECTS.test(sql) || SIDE_EFFECTS.test(plain(sql)) || hasSessionWordBehindSemicolon(sql);
}

/** Without comments and identifier quotes, which may stand between the words that matter. Most statements have none. */
function plain(sql: string): string {
  const hasAny = sql.includes('/*') || sql.includes('--') || sql.includes('#') || sql.includes('`');
  return hasAny ? sql.replace(COMMENTS_AND_QUOTES, ' ') : sql;
}

/** In capitals; white space, brackets and comments before it are passed over. */
function firstWord(sql: string): string {
  const match = /^(?:[\s(;]|--[^\n]*\n|#[^\n]*\n|\/\*(?!M?!)[\s\S]*?\*\/)*([a-z]+)/i.exec(sql);
  return match === null ? '' : (match[1] as string).toUpperCase();
}

/** Several statements in one text; a semicolon inside a literal only costs a reset too many. */
function hasSessionWordBehindSemicolon(sql: string): boolean {
  const semicolon = sql.indexOf(';');
  return semicolon !== -1 && semicolon < sql.trimEnd().length - 1 && SESSION_WORDS.test(sql.slice(semicolon));
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}
