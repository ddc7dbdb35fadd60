/** The facts of a text of SQL, each found when it is first asked for, and one bounded memo from texts to their facts. */

import { AT, classOf, DOT, isNamePart, isQuote, LETTERS, OPEN, QUESTION, SEMICOLON } from './characters.js';
import { callsRoutine } from './routine-calls.js';
import { digestOf, LONGEST_DIGEST, ruleDigestOf, type TelemetryNames, telemetryNamesOf } from './digest.js';
import { isReadOnly } from './read-only.js';
import {
  ASKS_READ_ONLY_NEXT,
  ASKS_READ_ONLY_SESSION,
  ASKS_READ_ONLY_TRANSACTION,
  CHANGES_SESSION,
  ENDS_READ_ONLY,
  FIRST_MAY_COMMIT,
  isPlain,
  LOADS_LOCAL_FILE,
  MAY_COMMIT,
  SEVERAL,
  surveyOf,
} from './session-effects.js';
import { capitalsAt, isHarmless, isLookedInto, knownWordAt, mayAsk, natureAt, neverCommits, SETS } from './statement-words.js';
import { END, EXECUTABLE, EXECUTABLE_END, Scanner, SIGN, WORD } from './tokens.js';
import { wordSet } from './words.js';

const OTHER_OPERATION = 'OTHER';

/** Statements that run what their text does not show. */
const RUNS_OTHERS = wordSet('CALL EXECUTE');

/** Statements whose values are data. */
const TAKES_VALUES = wordSet('SELECT INSERT UPDATE DELETE REPLACE');

/** What a text of one statement or several says about itself. */
export class StatementFacts {
  readonly sql: string;
  /** The first word: its nature, and where it stands. */
  readonly #nature: number;
  readonly #start: number;
  readonly #end: number;
  /** The first word stands in or behind a comment that a server may execute. */
  readonly #conditional: boolean;
  #first: string | undefined = undefined;
  #survey = -1;
  #readOnly: boolean | undefined = undefined;
  #callsRoutine: boolean | undefined = undefined;
  #digest: string | undefined = undefined;
  #ruleDigest: string | null | undefined = undefined;
  #names: TelemetryNames | undefined = undefined;
  #takesValues: boolean | undefined = undefined;

  constructor(sql: string) {
    this.sql = sql;
    if (sql.length > 0 && classOf(sql.charCodeAt(0)) === LETTERS) {
      let end = 1;
      while (isNamePart(sql.charCodeAt(end))) end += 1;
      this.#start = 0;
      this.#end = end;
      this.#conditional = false;
    } else {
      const scanner = atFirstWord(sql);
      const isWord = scanner.kind === WORD;
      this.#start = isWord ? scanner.start : 0;
      this.#end = isWord ? scanner.end : 0;
      this.#conditional = scanner.executable;
    }
    this.#nature = this.#end === 0 ? 0 : natureAt(sql, this.#start, this.#end);
  }

  /**
   * The first keyword in capitals, behind white space, brackets, semicolons, comments and the marks of comments that a server may execute. An
   * empty text when there is none.
   */
  get first(): string {
    this.#first ??= this.#end === 0 ? '' : capitalsAt(this.sql, this.#start, this.#end);
    return this.#first;
  }

  /** The first keyword when some statement begins with it, otherwise OTHER: a bounded set, for OpenTelemetry's `db.operation.name`. */
  get operation(): string {
    return this.#end === 0 ? OTHER_OPERATION : (knownWordAt(this.sql, this.#start, this.#end) ?? OTHER_OPERATION);
  }

  /** The operation with the tables that it names, for OpenTelemetry's `db.query.summary`: at most 255 characters, and no values. */
  get summary(): string {
    return this.names.summary;
  }

  /** What telemetry calls it: its summary, and the one operation, table or procedure that it names. */
  get names(): TelemetryNames {
    this.#names ??= telemetryNamesOf(this.sql, this.operation);
    return this.#names;
  }

  /** It is more than one statement. The definition of a stored program is one, as far as that can be seen without a grammar. */
  get severalStatements(): boolean {
    return this.#has(SEVERAL);
  }

  /** The text proves that it only reads: run twice it does what it does once. */
  get readOnly(): boolean {
    this.#readOnly ??= isReadOnly(this.sql);
    return this.#readOnly;
  }

  /** It may leave something behind in the session that the status flags of the protocol do not show. */
  get changesSession(): boolean {
    // MariaDB's SET STATEMENT … FOR sets nothing for longer than its statement.
    if (!isHarmless(this.#nature)) return this.#nature !== SETS || this.#has(CHANGES_SESSION);
    if (this.#survey === -1 && !this.#conditional && !isLookedInto(this.#nature) && isPlain(this.sql))
      this.#survey = neverCommits(this.#nature) ? 0 : MAY_COMMIT | FIRST_MAY_COMMIT;
    return this.#has(CHANGES_SESSION);
  }

  /** MariaDB's SET STATEMENT … FOR: what it sets is as before when its statement has ended, and nothing else is changed by it. */
  get setsForItself(): boolean {
    return this.#nature === SETS && !this.changesSession && !this.callsRoutine;
  }

  /** Of a statement that changes the session: whether the role may be among what it changes. */
  get mayChangeRole(): boolean {
    return RUNS_OTHERS.has(this.first) || /role/i.test(this.sql);
  }

  /** The same of the resource group. */
  get mayChangeResourceGroup(): boolean {
    return /resource/i.test(this.sql);
  }

  /** It may call a stored function, in which anything may happen that changes the session. */
  get callsRoutine(): boolean {
    this.#callsRoutine ??= callsRoutine(this.sql, this.first === 'INSERT' || this.first === 'REPLACE');
    return this.#callsRoutine;
  }

  /**
   * It asks for a transaction in which nothing is written: the one that it begins, the next one, or those of the session from now on.
   */
  get asksReadOnly(): 'transaction' | 'next' | 'session' | undefined {
    // Most statements are spared the walk.
    if (!mayAsk(this.#nature) && !this.#conditional && !this.sql.includes(';')) return undefined;
    if (!/read/i.test(this.sql)) return undefined;
    if (this.#has(ASKS_READ_ONLY_SESSION)) return 'session';
    if (this.#has(ASKS_READ_ONLY_NEXT)) return 'next';
    return this.#has(ASKS_READ_ONLY_TRANSACTION) ? 'transaction' : undefined;
  }

  /** It lets the transactions of the session write again. */
  get endsReadOnly(): boolean {
    return this.#has(ENDS_READ_ONLY);
  }

  /** LOAD DATA LOCAL or LOAD XML LOCAL: it asks the client for a file, which can be read once only. */
  get loadsLocalFile(): boolean {
    const runsText = this.first === 'EXECUTE' || this.first === 'PREPARE';
    return runsText ? mentionsLocalFile(this.sql.toLowerCase()) : this.#has(LOADS_LOCAL_FILE);
  }

  /** It begins with SELECT, on every server: the only test of the cache that every statement pays for. */
  get looksLikeRead(): boolean {
    return this.first === 'SELECT' && !this.#conditional;
  }

  /** The shape of the statement, without its values, for people: at most 600 characters. */
  get digest(): string {
    this.#digest ??= digestOf(this.sql, LONGEST_DIGEST);
    return this.#digest;
  }

  /** The whole shape in small letters, by which the rules of a cache match. Undefined when there is none, or it is not clear. */
  get ruleDigest(): string | undefined {
    if (this.#ruleDigest === undefined) this.#ruleDigest = ruleDigestOf(this.sql) ?? null;
    return this.#ruleDigest ?? undefined;
  }

  /**
   * Whether it ends the transaction that it is run in, or may do so. Going back to a savepoint does not.
   *
   * @param severalStatements the connection takes texts of several statements
   */
  mayCommit(severalStatements: boolean): boolean {
    if (this.#end === 0 && !severalStatements) return true;
    if (neverCommits(this.#nature) && !this.#conditional && (!severalStatements || !this.sql.includes(';'))) return false;
    return this.#has(severalStatements ? MAY_COMMIT : FIRST_MAY_COMMIT);
  }

  /**
   * Values that are written in place of its placeholders change none of these facts, as long as they are escaped, and have no quotes that a
   * sql_mode may read in another way: each placeholder stands for a value, in a statement that does not depend on one, as SET does.
   */
  get takesValues(): boolean {
    this.#takesValues ??= TAKES_VALUES.has(this.first) && !this.#conditional && placeholdersAreValues(this.sql);
    return this.#takesValues;
  }

  /** @param longest what is left of a longer digest, in characters */
  digestUpTo(longest: number): string {
    return longest === LONGEST_DIGEST ? this.digest : digestOf(this.sql, longest);
  }

  #has(bit: number): boolean {
    if (this.#survey === -1) this.#survey = surveyOf(this.sql);
    return (this.#survey & bit) !== 0;
  }
}

/** A scanner that stands at the first token that is no bracket. */
function atFirstWord(sql: string): Scanner {
  const scanner = new Scanner(sql);
  let kind = scanner.next();
  while (isBeforeFirstWord(kind, scanner.code)) kind = scanner.next();
  return scanner;
}

function isBeforeFirstWord(kind: number, code: number): boolean {
  return kind === EXECUTABLE || kind === EXECUTABLE_END || (kind === SIGN && (code === OPEN || code === SEMICOLON));
}

/**
 * Each question mark stands alone for a value: it is in no text, name or comment, and what is written in its place becomes no part of a name, a
 * variable or a call, as in `??`, `@?` and `? (`.
 */
function placeholdersAreValues(sql: string): boolean {
  const scanner = new Scanner(sql);
  let found = 0;
  let isBehindOne = false;
  for (let kind = scanner.next(); kind !== END; kind = scanner.next()) {
    if (kind === EXECUTABLE || (isBehindOne && kind === SIGN && scanner.code === OPEN)) return false;
    isBehindOne = kind === SIGN && scanner.code === QUESTION;
    if (!isBehindOne) continue;
    if (joins(sql.charCodeAt(scanner.start - 1)) || joins(sql.charCodeAt(scanner.end))) return false;
    found += 1;
  }
  return found === sql.split('?').length - 1;
}

/** Whether a character next to a value may make one token with it. */
function joins(code: number): boolean {
  return isNamePart(code) || isQuote(code) || code === AT || code === DOT || code === QUESTION;
}

/** MariaDB's EXECUTE IMMEDIATE runs a statement that stands in a literal. */
function mentionsLocalFile(text: string): boolean {
  const at = text.indexOf('load');
  return at !== -1 && text.includes('local', at);
}

/** Longer texts are not remembered: they have values in them, so they do not come again. */
const LONGEST_REMEMBERED = 4_000;
/** Pairs of places, a power of two. */
const PAIRS = 512;
/** Of all remembered texts together. Beyond this the memo begins again. */
const MOST_CHARACTERS = 524_288;

/**
 * A table in which each text has a pair of places, found by its length and a few of its characters. A Map would hash the whole of each text: that
 * costs more than to read it, and most texts with values in them are asked for once only. Of the texts that share a pair the two last ones stay.
 */
export class Memo {
  readonly #places = Array<StatementFacts | undefined>(2 * PAIRS).fill(undefined);
  #characters = 0;
  /** The long text that was read last: one statement asks for several facts. The text can be collected all the same. */
  #long: WeakRef<StatementFacts> | undefined = undefined;

  factsOf(sql: string): StatementFacts {
    if (sql.length > LONGEST_REMEMBERED) return this.#factsOfLong(sql);
    const places = this.#places;
    const place = 2 * pairOf(sql);
    const last = places[place];
    if (last !== undefined && last.sql === sql) return last;
    const older = places[place + 1];
    const facts = older !== undefined && older.sql === sql ? older : this.#read(sql, older);
    places[place + 1] = places[place];
    places[place] = facts;
    return facts;
  }

  /** Facts that take the place of others. */
  #read(sql: string, replaced: StatementFacts | undefined): StatementFacts {
    this.#characters += sql.length - (replaced === undefined ? 0 : replaced.sql.length);
    if (this.#characters > MOST_CHARACTERS) this.#clear(sql);
    return new StatementFacts(sql);
  }

  #clear(sql: string): void {
    this.#places.fill(undefined);
    this.#characters = sql.length;
  }

  #factsOfLong(sql: string): StatementFacts {
    const last = this.#long?.deref();
    if (last !== undefined && last.sql === sql) return last;
    const facts = new StatementFacts(sql);
    this.#long = new WeakRef(facts);
    return facts;
  }
}

/** By characters from all over the text: those of one program mostly differ in names, and texts with values in them in their digits. */
function pairOf(sql: string): number {
  const { length } = sql;
  const step = (length >> 3) + 1;
  let hash = length;
  for (let at = length - 1; at >= 0; at -= step) hash = Math.imul(hash, 31) + sql.charCodeAt(at);
  return (hash ^ (hash >>> 10) ^ (hash >>> 20)) & (PAIRS - 1);
}

const memo = new Memo();

/** The facts of a text. Never throws, for any text. */
export function factsOf(sql: string): StatementFacts {
  return memo.factsOf(sql);
}
