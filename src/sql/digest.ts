/** What stands for a statement: its shape for people, its shape for the rules of a cache, and its short name for telemetry. */

import { BACKQUOTE, COMMA, EQUALS, isDigit, isNamePart, OPEN, QUESTION, QUOTE } from './characters.js';
import { tablesIn } from './reach/index.js';
import { isName, type Token, tokenListsOf, unquoted } from './token-list.js';
import { BY_DEFAULT, DOUBLE, END, NAME, NUMBER, Scanner, SIGN, TEXT, VARIABLE, WORD } from './tokens.js';
import { isWordAt, wordSet, WordTable } from './words.js';

/** What is left of a longer digest. */
export const LONGEST_DIGEST = 600;
/** How much of a statement is looked at: a bulk insert may have megabytes. */
const LONGEST_SCAN = 8_192;

const MORE = ' …';

/** Words that stand for values, but not in `IS NULL`. */
const VALUE_WORDS = new WordTable<boolean>([[true, 'NULL TRUE FALSE DEFAULT']]);

const OPERATORS = wordSet('<= >= <> != := || && ->');
const OPERATOR_STARTS = '<>!:|&-';

const NO_SPACE_BEFORE = wordSet(', ) ; .');
const NO_SPACE_AFTER = wordSet('( . @');

/** Words that are followed by a list, not by arguments: `COUNT(`, but `IN (`. */
const BEFORE_LIST = new WordTable<boolean>([
  [true, `IN VALUE VALUES AND OR NOT WHERE ON AS FROM JOIN EXISTS INTO USING SELECT ANY ALL WHEN THEN ELSE BY HAVING UNION LIMIT`],
]);

/**
 * The shape of a statement: its text with `?` for each value or list of values, without comments, with single spaces. Two statements that differ
 * in their values only have the same digest, and no value is in it.
 *
 * Text in double quotes counts as a value, though it is a name under `ANSI_QUOTES`; and what follows a backslash before a quote is left out,
 * because under `NO_BACKSLASH_ESCAPES` the value ends there. So is what follows a quote in a comment that a server may execute. Each costs detail
 * where the other reading would show a value.
 *
 * @example
 * digestOf("SELECT * FROM users WHERE id IN (1, 2, 3) AND name = 'x' -- why", 600)
 * // SELECT * FROM users WHERE id IN (?) AND name = ?
 *
 * @param longest what is left of a longer one, in characters
 */
export function digestOf(sql: string, longest: number): string {
  return new Digest(sql, longest).text();
}

/** One walk over the beginning of a text. */
class Digest {
  readonly #scanner: Scanner;
  #parts: string[] = [];
  #length = 0;
  #cut: boolean;

  constructor(
    private readonly sql: string,
    private readonly longest: number,
  ) {
    this.#scanner = new Scanner(sql, BY_DEFAULT, Math.min(sql.length, LONGEST_SCAN), 'skipped');
    this.#cut = sql.length > LONGEST_SCAN;
  }

  text(): string {
    let goesOn = true;
    while (goesOn) goesOn = this.#next();
    const text = joined(this.#parts);
    const cut = this.#cut || text.length > this.longest;
    return cut ? text.slice(0, this.longest) + MORE : text;
  }

  /** Takes the next token. False when it is the last one. */
  #next(): boolean {
    const scanner = this.#scanner;
    const kind = scanner.next();
    if (scanner.unclear || (kind === NAME && scanner.unterminated)) return this.#giveUp();
    if (kind === END) return false;
    if (this.#length >= this.longest) return this.#giveUp();
    this.#token(kind);
    return scanner.escapedQuote ? this.#giveUp() : true;
  }

  #token(kind: number): void {
    const { start, end } = this.#scanner;
    if (kind === WORD) this.#word(start, end);
    else if (kind === VARIABLE) this.#variable(start, end);
    else if (kind === NAME) this.#push(this.sql.slice(start, end));
    else if (kind === TEXT || kind === DOUBLE || kind === NUMBER) this.#value();
    else this.#sign();
  }

  #giveUp(): false {
    this.#cut = true;
    return false;
  }

  #word(start: number, end: number): void {
    const { sql } = this;
    if (sql.charCodeAt(end) === QUOTE && isPrefixOfText(sql, start, end)) return;
    const previous = this.#parts.at(-1);
    const mayBeValue = previous === '(' || previous === ',' || previous === '=';
    if (mayBeValue && VALUE_WORDS.at(sql, start, end) === true) this.#value();
    // A name may begin with a digit. Where it is not surely one, it is not shown.
    else this.#push(isDigit(sql.charCodeAt(start)) && previous !== '.' ? '?' : sql.slice(start, end));
  }

  /** Its name shows, unless it looks like a value. */
  #variable(start: number, end: number): void {
    const { sql } = this;
    const at = sql.startsWith('@@', start) ? start + 2 : start + 1;
    for (let count = start; count < at; count += 1) this.#push('@');
    if (at >= end) return;
    const code = sql.charCodeAt(at);
    if (code === BACKQUOTE || (isNamePart(code) && !isDigit(code))) this.#push(sql.slice(at, end));
    else this.#value();
  }

  #sign(): void {
    const { sql } = this;
    const scanner = this.#scanner;
    const { start, code } = scanner;
    if (code === QUESTION) {
      this.#value();
      return;
    }
    const one = sql.charAt(start);
    const two = OPERATOR_STARTS.includes(one) ? sql.slice(start, start + 2) : one;
    const sign = OPERATORS.has(two) ? two : one;
    scanner.end = start + sign.length;
    this.#push(sign);
    if (sign === ')') this.#foldRows();
  }

  /** A list of values is one. */
  #value(): void {
    const parts = this.#parts;
    // The sign of a number, where no value is before it.
    if ((parts.at(-1) === '-' || parts.at(-1) === '+') && isBeforeValue(parts.at(-2) ?? '(')) this.#drop(1);
    if (parts.at(-1) === ',' && parts.at(-2) === '?') this.#drop(2);
    // Texts side by side are one.
    if (parts.at(-1) === '?') return;
    this.#push('?');
  }

  /** `(?), (?)`: the rows of an INSERT. */
  #foldRows(): void {
    const parts = this.#parts;
    if (parts.at(-5) === ')' && parts.slice(-7).join('') === '(?),(?)') this.#drop(4);
  }

  #push(part: string): void {
    this.#parts.push(part);
    this.#length += part.length + 1;
  }

  #drop(count: number): void {
    for (const part of this.#parts.splice(-count)) this.#length -= part.length + 1;
  }
}

/** `_utf8mb4'x'`, `N'x'`, `x'ff'`, `b'01'`. */
function isPrefixOfText(sql: string, start: number, end: number): boolean {
  if (sql.charCodeAt(start) === 0x5f) return end > start + 1;
  return isWordAt(sql, start, end, 'N') || isWordAt(sql, start, end, 'X') || isWordAt(sql, start, end, 'B');
}

/** Whether a value may follow this sign: `= -1`, `(-1`, `<> -1`. */
function isBeforeValue(part: string): boolean {
  const code = part.charCodeAt(0);
  return code === OPEN || code === COMMA || code === EQUALS || code === 0x3c || code === 0x3e || part === '!=';
}

function joined(parts: readonly string[]): string {
  let text = '';
  let previous: string | undefined;
  for (const part of parts) {
    if (previous !== undefined && !NO_SPACE_AFTER.has(previous) && !NO_SPACE_BEFORE.has(part) && (part !== '(' || !isFunction(previous))) {
      text += ' ';
    }
    text += part;
    previous = part;
  }
  return text;
}

/** Whether a word is followed by its arguments. */
function isFunction(word: string): boolean {
  return isNamePart(word.charCodeAt(0)) && BEFORE_LIST.at(word, 0, word.length) !== true;
}

/** No rule is for a longer one: so the time for a text that comes to nothing is bounded. Lists of values are short in it. */
const MOST_RULE_TOKENS = 65_536;

/**
 * The whole text in small letters: literals are `?`, lists of them one `?`, spaces and comments do not count.
 *
 * @returns undefined when there is nothing in it, when it is too long, or when it is not clear where something in it ends
 */
export function ruleDigestOf(sql: string): string | undefined {
  const scanner = new Scanner(sql);
  const texts: string[] = [];
  for (let kind = scanner.next(); kind !== END; kind = scanner.next()) {
    const text = ruleTextOf(scanner, kind);
    const last = texts.length - 1;
    if (text === '?' && standsForValue(scanner, kind) && texts[last] === ',' && texts[last - 1] === '?') texts.pop();
    else if (last === MOST_RULE_TOKENS) return undefined;
    else texts.push(text);
  }
  if (scanner.unterminated || scanner.unclear) return undefined;
  while (texts.at(-1) === ';') texts.pop();
  return texts.length === 0 ? undefined : texts.join(' ');
}

function standsForValue({ code }: Scanner, kind: number): boolean {
  return kind === TEXT || kind === NUMBER || (kind === SIGN && code === QUESTION);
}

function ruleTextOf({ sql, start, end }: Scanner, kind: number): string {
  switch (kind) {
    case TEXT:
    case NUMBER:
      return '?';
    case NAME:
    case DOUBLE:
      return unquoted(sql.slice(start, end));
    case SIGN:
      return sql.slice(start, end);
    case WORD:
      return sql.slice(start, end).toLowerCase();
    // A variable; the marks of a comment that a server may execute, with its version.
    default:
      return sql.slice(start, end);
  }
}

/** OpenTelemetry, "Semantic conventions for database client spans", `db.query.summary`. */
const LONGEST_SUMMARY = 255;

/** What telemetry calls a statement. No value is in any of it. */
export interface TelemetryNames {
  /** `SELECT users`, `INSERT orders`. */
  readonly summary: string;
  /** The operation, where the text has one only. */
  readonly operation: string | undefined;
  /** The table, where the text names one only, and no database of its own for it. */
  readonly collection: string | undefined;
  /** The procedure that is called. */
  readonly procedure: string | undefined;
}

/**
 * Texts in double quotes count as values, and where it is not clear where a value ends, only the operation is left.
 */
export function telemetryNamesOf(sql: string, operation: string): TelemetryNames {
  const { statements, escapedQuote, unclear } = tokenListsOf(sql, BY_DEFAULT, Math.min(sql.length, LONGEST_SCAN), 'literal');
  const tokens = statements[0]?.tokens;
  if (tokens === undefined || escapedQuote || unclear)
    return { summary: operation, operation, collection: undefined, procedure: undefined };
  const isOne = statements.length === 1;
  const procedure = operation === 'CALL' ? procedureIn(tokens) : undefined;
  const tables = tablesIn(tokens);
  const summary = summaryOf(operation, procedure === undefined ? tables : [procedure]);
  const [table] = tables;
  return {
    summary,
    operation: isOne ? operation : undefined,
    collection: isOne && table !== undefined && tables.length === 1 && !isBehindDatabase(table, tokens) ? table : undefined,
    procedure: isOne ? procedure : undefined,
  };
}

function summaryOf(operation: string, targets: readonly string[]): string {
  let summary = operation;
  for (const target of targets) {
    if (summary.length + 1 + target.length > LONGEST_SUMMARY) break;
    summary += ` ${target}`;
  }
  return summary;
}

/** `CALL database.procedure(…)`: the last part is the procedure. */
function procedureIn(tokens: readonly Token[]): string | undefined {
  const [, first, sign, second] = tokens;
  const name = sign?.text === '.' ? second : first;
  return name !== undefined && isName(name) ? name.text : undefined;
}

/** A column of the table's name, behind its table, costs the table's name: the other mistake would name the wrong table. */
function isBehindDatabase(table: string, tokens: readonly Token[]): boolean {
  return tokens.some(({ text }, index) => text === table && tokens[index - 1]?.text === '.');
}
