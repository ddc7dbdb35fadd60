/** One walk over a text: session changes, possible commits, several statements, local files. */

import { Blocks } from './blocks.js';
import { COLON, EQUALS, OPEN, SEMICOLON, ZERO } from './characters.js';
import { BEGINS, DEFINES, isHarmless, isLookedInto, LOADS, natureAt, neverCommits, ROLLS_BACK, SETS, STARTS } from './statement-words.js';
import {
  DOUBLE,
  END,
  EXECUTABLE,
  EXECUTABLE_END,
  NAME,
  NUMBER,
  OTHER_READINGS,
  type Reading,
  Scanner,
  SIGN,
  VARIABLE,
  WORD,
} from './tokens.js';
import { isWordAt, WordTable } from './words.js';

/** It may leave something behind in the session. */
export const CHANGES_SESSION = 1;
/** It is more than one statement. */
export const SEVERAL = 2;
/** One of its statements may end the transaction; */
export const MAY_COMMIT = 4;
/** the first one may. */
export const FIRST_MAY_COMMIT = 8;
export const LOADS_LOCAL_FILE = 16;
export const ASKS_READ_ONLY_TRANSACTION = 32;
export const ASKS_READ_ONLY_SESSION = 64;
/** The next transaction only, with any statement that begins it. */
export const ASKS_READ_ONLY_NEXT = 128;
/** Transactions of the session write again. */
export const ENDS_READ_ONLY = 256;

/**
 * Functions that leave locks of the session behind (MySQL reference manual, "Locking Functions", "The Locking Service", "Version Tokens
 * Functions"). Blanks and comments may stand before their brackets, and quotes around their names.
 */
const LOCKING_FUNCTIONS = new WordTable<boolean>([
  [true, 'GET_LOCK SERVICE_GET_READ_LOCKS SERVICE_GET_WRITE_LOCKS VERSION_TOKENS_LOCK_SHARED VERSION_TOKENS_LOCK_EXCLUSIVE'],
]);

const READ_ONLY = 'READ_ONLY';

/** Objects whose definition has statements in it. */
const STORED_PROGRAMS = new WordTable<boolean>([[true, 'PROCEDURE FUNCTION TRIGGER EVENT PACKAGE']]);

/** Where such a definition ends is not decided by a grammar: behind its first semicolon each of these words counts, wherever it stands. */
const SESSION_WORDS = new WordTable<boolean>([
  [true, 'SET USE LOCK UNLOCK PREPARE DEALLOCATE CALL HANDLER XA EXECUTE DO BEGIN FLUSH LOAD BACKUP TEMPORARY DATABASE SCHEMA'],
]);
/** Statements of stored programs: behind a definition's first semicolon they are part of it. */
const PROGRAM_WORDS = new WordTable<boolean>([
  [true, 'CASE CLOSE DECLARE ELSE ELSEIF END FETCH FOR IF ITERATE LEAVE LOOP OPEN REPEAT RESIGNAL RETURN SIGNAL UNTIL WHEN WHILE'],
]);

/**
 * All that one walk finds, as bits. Where the sql_mode decides how the text is read, every reading counts, and where the server's version decides
 * what of it is a comment, the worse one.
 */
export function surveyOf(sql: string): number {
  const scanner = new Scanner(sql);
  let found = new Survey(scanner).run();
  if (scanner.escapedQuote) for (const reading of OTHER_READINGS) found |= surveyIn(sql, reading);
  return found;
}

function surveyIn(sql: string, reading: Reading): number {
  return new Survey(new Scanner(sql, reading)).run();
}

/** Beginnings of statements that MariaDB takes outside of stored programs, too. */
const COMPOUND = new WordTable<boolean>([[true, 'CASE FOR IF LOOP REPEAT WHILE']]);

/** Of the kinds of tokens: beyond it nothing is looked back at. */
const LAST_TO_LOOK_BACK_AT = NAME;

/** How far the assignment to a variable that makes transactions read only was read. */
type Assignment = 'none' | 'named' | 'assigned';

/** One walk. Each bit is only ever set. */
class Survey {
  #found = 0;
  #statements = 0;
  #atStart = true;
  /** Of the statement's first word. */
  #nature = 0;
  #commits = false;
  #assignment: Assignment = 'none';
  #loads = false;
  #looksInto = false;
  /** The second word of SET was not read yet. */
  #setsWhat = false;
  /** In the settings of MariaDB's SET STATEMENT … FOR, which hold for that one statement. */
  #inSettings = false;
  /** The statement is what SET STATEMENT is for. */
  #behindSettings = false;
  /** SET TRANSACTION and the like, without a scope. */
  #forNext = false;
  /** The token before; where it stands is known of words and quoted names only. */
  #kind = END;
  #start = 0;
  #end = 0;
  /** In and behind the definition of a stored program. */
  #blocks: Blocks | undefined = undefined;
  #behindDefinition = false;

  constructor(private readonly scanner: Scanner) {}

  run(): number {
    const { scanner } = this;
    for (let kind = scanner.next(); kind !== END; kind = scanner.next()) {
      if (kind === SIGN && scanner.code === SEMICOLON) this.#endStatement();
      else if (kind === EXECUTABLE) this.#executable();
      else if (kind !== EXECUTABLE_END) this.#token(kind);
      if (this.#blocks !== undefined) this.#blocks.note(scanner);
      this.#kind = kind;
      if (kind <= LAST_TO_LOOK_BACK_AT) {
        this.#start = scanner.start;
        this.#end = scanner.end;
      }
    }
    this.#endStatement();
    if (scanner.doubtful) this.#found |= CHANGES_SESSION | MAY_COMMIT | FIRST_MAY_COMMIT;
    // A semicolon may be in the comment, or in a text that is one only if the comment is none.
    if (scanner.executable && scanner.sql.includes(';')) this.#found |= MAY_COMMIT;
    return this.#found;
  }

  #token(kind: number): void {
    if (this.#setsWhat) this.#secondOfSet();
    if (this.#atStart) {
      if (kind !== SIGN || this.scanner.code !== OPEN) this.#first(kind);
    } else if (kind === SIGN) this.#sign();
    // LOAD DATA reads columns into variables, too.
    else if (kind === VARIABLE && ((this.#nature & LOADS) !== 0 || this.#isBehind('INTO'))) this.#found |= CHANGES_SESSION;
    if (this.#looksInto) this.#lookInto(kind);
  }

  #sign(): void {
    const { code, start, end } = this.scanner;
    if (code === OPEN ? this.#mayLock() : code === COLON && end === start + 2) this.#found |= CHANGES_SESSION;
  }

  #first(kind: number): void {
    const { sql, start, end } = this.scanner;
    const isWord = kind === WORD;
    this.#atStart = false;
    if (!this.#behindSettings && (this.#blocks === undefined || this.#blocks.depth === 0)) this.#statements += 1;
    this.#behindSettings = false;
    if (this.#statements > 1) this.#found |= SEVERAL;
    this.#nature = isWord ? natureAt(sql, start, end) : 0;
    this.#commits = !neverCommits(this.#nature);
    if (this.#nature === SETS) this.#setsWhat = true;
    else if (!isHarmless(this.#nature) && !this.#isOfProgram()) this.#found |= CHANGES_SESSION;
    if (isWord && this.#nature === 0 && COMPOUND.at(sql, start, end) === true) this.#blocks ??= new Blocks(true);
    // Blocks are begun by statements that are looked into, too.
    this.#looksInto = isLookedInto(this.#nature) || this.#blocks !== undefined || this.scanner.executable;
  }

  /** What SET STATEMENT sets is as before behind its statement. Everything else that SET does stays. */
  #secondOfSet(): void {
    this.#setsWhat = false;
    this.#inSettings = this.scanner.is('STATEMENT');
    this.#forNext = this.scanner.is('TRANSACTION');
    if (!this.#inSettings) this.#found |= CHANGES_SESSION;
  }

  #isOfProgram(): boolean {
    const { sql, start, end } = this.scanner;
    return this.#behindDefinition && PROGRAM_WORDS.at(sql, start, end) === true;
  }

  #endStatement(): void {
    if (this.#atStart && !this.#behindSettings) return;
    if (this.#commits) this.#found |= this.#statements <= 1 ? MAY_COMMIT | FIRST_MAY_COMMIT : MAY_COMMIT;
    if (this.#assignment !== 'none') this.#found |= ASKS_READ_ONLY_SESSION;
    // A statement of no other word, or settings without a statement: a server that takes it does something unknown.
    if (this.#setsWhat || this.#inSettings || this.#behindSettings) this.#found |= CHANGES_SESSION;
    this.#setsWhat = false;
    this.#inSettings = false;
    this.#behindSettings = false;
    this.#forNext = false;
    this.#assignment = 'none';
    this.#atStart = true;
    this.#nature = 0;
    this.#loads = false;
    if (this.#blocks !== undefined) this.#behindDefinition = true;
  }

  /** What stands in it, and how far it goes, is not decided. */
  #executable(): void {
    this.#found |= CHANGES_SESSION;
    this.#looksInto = true;
    if (this.#atStart) this.#found |= this.#statements === 0 ? MAY_COMMIT | FIRST_MAY_COMMIT : MAY_COMMIT;
  }

  /** Whether the token before is a function that takes locks. */
  #mayLock(): boolean {
    const { sql } = this.scanner;
    const quoted = this.#kind === NAME || this.#kind === DOUBLE;
    if (!quoted && this.#kind !== WORD) return false;
    const start = quoted ? this.#start + 1 : this.#start;
    const end = quoted ? this.#end - 1 : this.#end;
    return LOCKING_FUNCTIONS.at(sql, start, end) === true;
  }

  /** A token of a statement whose first word does not say enough. */
  #lookInto(kind: number): void {
    const { sql, start, end, executable } = this.scanner;
    if (this.#assignment !== 'none') this.#assigned(kind);
    if (kind === VARIABLE && this.#nature === SETS && isReadOnlyVariable(sql, start, end)) this.#assignment = 'named';
    if (kind !== WORD) return;
    if (this.#behindDefinition && SESSION_WORDS.at(sql, start, end) === true) this.#found |= CHANGES_SESSION;
    // MariaDB's SET STATEMENT … FOR runs a statement.
    if ((this.#nature & (LOADS | SETS)) !== 0 || executable) this.#load();
    if ((this.#nature & BEGINS) !== 0) this.#begin();
    else if ((this.#nature & DEFINES) !== 0) this.#define();
    else if ((this.#nature & ROLLS_BACK) !== 0) this.#rollBack();
    else if ((this.#nature & STARTS) !== 0) this.#startTransaction();
    else if ((this.#nature & SETS) !== 0) this.#set();
  }

  #load(): void {
    if (this.scanner.is('LOAD')) this.#loads = true;
    else if (this.#loads && this.scanner.is('LOCAL')) this.#found |= LOADS_LOCAL_FILE;
  }

  /** BEGIN and BEGIN WORK start a transaction; what else begins so is a block of statements. */
  #begin(): void {
    const { scanner } = this;
    if (scanner.is('BEGIN') || scanner.is('WORK')) return;
    this.#found |= CHANGES_SESSION;
    if (!scanner.is('NOT') || this.#blocks !== undefined) return;
    this.#blocks = new Blocks(false);
    this.#blocks.depth = 1;
  }

  #define(): void {
    const { scanner } = this;
    const { sql, start, end } = scanner;
    if (scanner.is('TEMPORARY')) this.#found |= CHANGES_SESSION;
    // The default database is gone when it is dropped, even when it is made again.
    else if ((scanner.is('DATABASE') || scanner.is('SCHEMA')) && this.#isBehindDefiningWord()) this.#found |= CHANGES_SESSION;
    else if (STORED_PROGRAMS.at(sql, start, end) === true) this.#blocks ??= new Blocks(false);
  }

  #isBehindDefiningWord(): boolean {
    return this.#isBehind('DROP') || this.#isBehind('CREATE') || this.#isBehind('ALTER') || this.#isBehind('REPLACE');
  }

  /** Going back to a savepoint does not end the transaction. */
  #rollBack(): void {
    if (this.scanner.is('TO') && (this.#isBehind('ROLLBACK') || this.#isBehind('WORK'))) this.#commits = false;
  }

  #startTransaction(): void {
    if (this.scanner.is('ONLY') && this.#isBehind('READ')) this.#found |= ASKS_READ_ONLY_TRANSACTION;
  }

  #set(): void {
    const { sql, start, end } = this.scanner;
    if (this.#inSettings && this.scanner.is('FOR')) {
      this.#inSettings = false;
      this.#behindSettings = true;
      this.#atStart = true;
    } else if (this.scanner.is('ONLY') && this.#isBehind('READ'))
      this.#found |= this.#forNext ? ASKS_READ_ONLY_NEXT : ASKS_READ_ONLY_SESSION;
    else if (this.scanner.is('WRITE') && this.#isBehind('READ') && !this.#forNext) this.#found |= ENDS_READ_ONLY;
    else if (isReadOnlyVariable(sql, start, end)) this.#assignment = 'named';
  }

  /** The token behind a variable that makes transactions read only, or behind its equals sign. */
  #assigned(kind: number): void {
    const { sql, start, end, code } = this.scanner;
    if (this.#assignment === 'named' && kind === SIGN && (code === EQUALS || code === COLON)) {
      this.#assignment = 'assigned';
      return;
    }
    const isZero = kind === NUMBER && end === start + 1 && sql.charCodeAt(start) === ZERO;
    if (this.#assignment === 'named' || !(isZero || this.scanner.is('OFF') || this.scanner.is('FALSE')))
      this.#found |= ASKS_READ_ONLY_SESSION;
    else this.#found |= ENDS_READ_ONLY;
    this.#assignment = 'none';
  }

  #isBehind(word: string): boolean {
    return this.#kind === WORD && isWordAt(this.scanner.sql, this.#start, this.#end, word);
  }
}

/** `read_only`, `transaction_read_only`, `tx_read_only`, with `@@` or not. */
function isReadOnlyVariable(sql: string, start: number, end: number): boolean {
  return end - start >= READ_ONLY.length && isWordAt(sql, end - READ_ONLY.length, end, READ_ONLY);
}

const LOCK = '_LOCK';

/**
 * Most texts have no comment, no variable, no second statement and nothing of a lock in them, in no literal either. The engine's own searches
 * see that many times faster than a scanner does. Every other text is left to the survey.
 */
export function isPlain(sql: string): boolean {
  return (
    !sql.includes('/*') &&
    !sql.includes(':=') &&
    endsAtSemicolon(sql) &&
    !mayFillVariable(sql) &&
    !mayLock(sql, sql.indexOf('_l'), '_l') &&
    !mayLock(sql, sql.indexOf('_L'), '_L')
  );
}

function endsAtSemicolon(sql: string): boolean {
  const at = sql.indexOf(';');
  return at === -1 || at === sql.length - 1;
}

/** `INTO @v`: with white space in between, as no comment is there. */
function mayFillVariable(sql: string): boolean {
  let at = sql.indexOf('@');
  if (at === -1) return false;
  if (sql.includes('--') || sql.includes('#')) return true;
  for (; at !== -1; at = sql.indexOf('@', at + 1)) {
    const code = lastBefore(sql, at);
    if (code === 0x4f || code === 0x6f || code >= 0x80) return true;
  }
  return false;
}

/** The last character before this one that is no white space. Each run of white space is passed over once. */
function lastBefore(sql: string, end: number): number {
  let at = end - 1;
  while (at > 0 && sql.charCodeAt(at) <= 0x20) at -= 1;
  return at < 0 ? 0 : sql.charCodeAt(at);
}

/** Whether the name of a function that takes locks may be there: each has `_LOCK` in it. */
function mayLock(sql: string, from: number, beginning: string): boolean {
  for (let at = from; at !== -1; at = sql.indexOf(beginning, at + 2)) if (isWordAt(sql, at, at + LOCK.length, LOCK)) return true;
  return false;
}
