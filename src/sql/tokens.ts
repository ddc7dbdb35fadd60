/** A scanner of SQL text: one walk over the characters, which passes each of them a bounded number of times and makes no objects. */

import {
  AT,
  BACKQUOTE,
  BACKSLASH,
  classOf,
  COLON,
  DASH,
  DIGITS,
  DOT,
  DOUBLE_QUOTE,
  EQUALS,
  EXCLAMATION,
  HASH,
  isDigit,
  isNamePart,
  isQuote,
  LETTERS,
  NO_BREAK_SPACE,
  PLUS,
  QUOTE,
  SEMICOLON,
  SIGNS,
  SLASH,
  SPACES,
  STAR,
  ZERO,
} from './characters.js';
import { isWordAt } from './words.js';

/** Kinds of tokens. */
export const END = 0;
/** A keyword or a name without quotes. */
export const WORD = 1;
export const NUMBER = 2;
/** In single quotes. */
export const TEXT = 3;
/** In double quotes: a text, or a name under ANSI_QUOTES. */
export const DOUBLE = 4;
/** In backquotes. */
export const NAME = 5;
/** With its `@` or `@@`. */
export const VARIABLE = 6;
/** One character, or `:=`. */
export const SIGN = 7;
/** The beginning of a comment that the server executes, with its version: whether it does depends on the server. */
export const EXECUTABLE = 8;
export const EXECUTABLE_END = 9;

/** How the sql_mode of a session reads quotes. */
export interface Reading {
  /** Whether a backslash in single quotes takes the next character with it; not under NO_BACKSLASH_ESCAPES. */
  readonly single: boolean;
  /** The same in double quotes; not under ANSI_QUOTES either. */
  readonly double: boolean;
}

export const BY_DEFAULT: Reading = { single: true, double: true };
/** The other ways to read a text. They agree with the default one wherever no backslash stands before a quote inside of such quotes. */
export const OTHER_READINGS: readonly Reading[] = [
  { single: false, double: false },
  { single: true, double: false },
];

/** What is done with comments that the server executes. */
export type Comments = 'counted' | 'skipped';

/**
 * Walks over a text token by token. White space and comments are passed over (MySQL reference manual, "Comments", "String Literals", "Schema
 * Object Names"; MariaDB knowledge base, "Comment Syntax"). It is the server's own lexer in what matters to where a token ends: a number with an
 * exponent or a point may be followed by a word at once, and `--` begins a comment only before white space, a control character or the end.
 */
export class Scanner {
  kind = END;
  /** Where the token begins, and before which character it ends. */
  start = 0;
  end = 0;
  /** The first character of a sign. */
  code = 0;
  /** A comment that the server may execute was seen. */
  executable = false;
  /** A backslash stood before a quote inside of such quotes: under another sql_mode the text is another one from there. */
  escapedQuote = false;
  /** A text, a name or a comment has no end. */
  unterminated = false;
  /** A comment that the server may execute has quotes, comment marks or semicolons in it: what follows it depends on whether it does. */
  unclear = false;
  /** What was seen means different things in different character sets. */
  doubtful = false;
  #inExecutable = false;
  #backslash = -1;

  /** @param limit where to stop */
  constructor(
    readonly sql: string,
    private readonly reading: Reading = BY_DEFAULT,
    private readonly limit: number = sql.length,
    private readonly comments: Comments = 'counted',
  ) {}

  /** Goes to the next token and returns its kind. */
  next(): number {
    const { sql, limit } = this;
    let at = this.end;
    while (at < limit) {
      const code = sql.charCodeAt(at);
      const type = classOf(code);
      if (type === LETTERS) return this.#word(at, at + 1);
      if (type === SPACES) {
        if (code === NO_BREAK_SPACE) this.doubtful = true;
        at += 1;
      } else if (type === DIGITS) return this.#startsInName(at) ? this.#word(at, at + 1) : this.#number(at);
      else if (type === SIGNS) return this.#sign(code, at, at + 1);
      else {
        const behind = this.#behindComment(code, at);
        if (behind === at) return this.#other(code, at);
        if (this.kind === EXECUTABLE && this.end === behind) return EXECUTABLE;
        at = behind;
      }
    }
    if (this.#inExecutable) this.unterminated = true;
    return this.#token(END, limit, limit);
  }

  /** Whether the token is this word, given in capitals. */
  is(word: string): boolean {
    return this.kind === WORD && isWordAt(this.sql, this.start, this.end, word);
  }

  #token(kind: number, start: number, end: number): number {
    this.kind = kind;
    this.start = start;
    this.end = end;
    return kind;
  }

  #sign(code: number, start: number, end: number): number {
    this.code = code;
    return this.#token(SIGN, start, end);
  }

  #other(code: number, at: number): number {
    const { sql } = this;
    switch (code) {
      case QUOTE:
        return this.#quoted(TEXT, at, at, this.reading.single);
      case DOUBLE_QUOTE:
        return this.#quoted(DOUBLE, at, at, this.reading.double);
      case BACKQUOTE:
        return this.#quoted(NAME, at, at, false);
      case AT:
        return this.#variable(at);
      case DOT:
        return this.#dot(at);
      case COLON:
        return this.#sign(code, at, sql.charCodeAt(at + 1) === EQUALS ? at + 2 : at + 1);
      case STAR:
        return this.#star(at);
      default:
        return this.#sign(code, at, at + 1);
    }
  }

  /** Where what follows a comment begins; `at` when no comment begins there. One that may be executed becomes the token. */
  #behindComment(code: number, at: number): number {
    if (code === SLASH) return this.sql.charCodeAt(at + 1) === STAR ? this.#behindLongComment(at) : at;
    if (code !== HASH && !(code === DASH && this.#isDashComment(at))) return at;
    const end = this.sql.indexOf('\n', at);
    return end === -1 ? this.limit : end + 1;
  }

  #isDashComment(at: number): boolean {
    if (this.sql.charCodeAt(at + 1) !== DASH) return false;
    if (at + 2 >= this.sql.length) return true;
    const code = this.sql.charCodeAt(at + 2);
    // Some character sets have white space and control characters there.
    if (code >= 0x80) this.doubtful = true;
    return code <= 0x20 || code === 0x7f;
  }

  #behindLongComment(at: number): number {
    const { sql } = this;
    const mark = sql.charCodeAt(at + 2) === 0x4d ? at + 3 : at + 2;
    if (sql.charCodeAt(mark) === EXCLAMATION) {
      this.executable = true;
      if (!this.unclear) this.unclear = !isPlainComment(sql, mark + 1);
      if (this.comments === 'counted') return this.#openExecutable(at, mark + 1);
    }
    const end = sql.indexOf('*/', at + 2);
    if (end !== -1) return end + 2;
    this.unterminated = true;
    return this.limit;
  }

  /** A version has five digits or six. */
  #openExecutable(start: number, at: number): number {
    let end = at;
    while (end < at + 6 && isDigit(this.sql.charCodeAt(end))) end += 1;
    this.#inExecutable = true;
    this.#token(EXECUTABLE, start, end);
    return end;
  }

  #star(at: number): number {
    if (!this.#inExecutable || this.sql.charCodeAt(at + 1) !== SLASH) return this.#sign(STAR, at, at + 1);
    this.#inExecutable = false;
    return this.#token(EXECUTABLE_END, at, at + 2);
  }

  #word(start: number, from: number): number {
    const { sql, limit } = this;
    let end = from;
    while (end < limit && isNamePart(sql.charCodeAt(end))) end += 1;
    return this.#token(WORD, start, end);
  }

  /** `t.5th`: the point follows the table's name at once, and the column's name the point. */
  #startsInName(at: number): boolean {
    return this.kind === SIGN && this.code === DOT && this.end === at;
  }

  /**
   * A quoted text of which a doubled quote is a part. It begins at `start`, its quote at `open`. The engine's own search finds the next quote and
   * the next backslash; a place that it has found is used until it is passed, so that nothing is searched twice.
   */
  #quoted(kind: number, start: number, open: number, escapes: boolean): number {
    const { sql, limit } = this;
    const code = sql.charCodeAt(open);
    const quote = code === QUOTE ? "'" : code === DOUBLE_QUOTE ? '"' : '`';
    let at = open + 1;
    let close = sql.indexOf(quote, at);
    while (at < limit) {
      if (close !== -1 && close < at) close = sql.indexOf(quote, at);
      const backslash = escapes ? this.#backslashFrom(at) : limit;
      if (backslash < limit && (close === -1 || backslash < close)) {
        at = backslash + 2;
        if (backslash + 1 === close) this.escapedQuote = true;
      } else if (close === -1 || close >= limit) break;
      else if (close + 1 >= limit || sql.charCodeAt(close + 1) !== code) return this.#token(kind, start, close + 1);
      else at = close + 2;
    }
    this.unterminated = true;
    return this.#token(kind, start, limit);
  }

  /** Where the next backslash is; not before the end when there is none. */
  #backslashFrom(at: number): number {
    if (this.#backslash < at) {
      const found = this.sql.indexOf('\\', at);
      this.#backslash = found === -1 ? Number.MAX_SAFE_INTEGER : found;
    }
    return this.#backslash;
  }

  #variable(start: number): number {
    const { sql, limit } = this;
    const at = sql.charCodeAt(start + 1) === AT ? start + 2 : start + 1;
    const code = sql.charCodeAt(at);
    if (isQuote(code)) {
      const escapes = code === QUOTE ? this.reading.single : code === DOUBLE_QUOTE && this.reading.double;
      return this.#quoted(VARIABLE, start, at, escapes);
    }
    let end = Math.min(at, limit);
    while (end < limit && (isNamePart(sql.charCodeAt(end)) || sql.charCodeAt(end) === DOT)) end += 1;
    return this.#token(VARIABLE, start, end);
  }

  /** A number such as .5, unless the point belongs to a name. */
  #dot(at: number): number {
    const belongs = this.kind === WORD && this.end === at;
    if (!belongs && isDigit(this.sql.charCodeAt(at + 1))) return this.#token(NUMBER, at, this.#behindExponent(this.#behindDigits(at + 1)));
    // Behind a quoted name a digit begins a number: what it looks like does not count then.
    return this.#sign(DOT, at, at + 1);
  }

  #number(start: number): number {
    const { sql } = this;
    const end = this.#behindDigits(start);
    const code = sql.charCodeAt(end);
    if (code === DOT) return this.#token(NUMBER, start, this.#behindExponent(this.#behindDigits(end + 1)));
    if (end >= this.limit || !isNamePart(code)) return this.#token(NUMBER, start, end);
    const special = Math.max(this.#behindPrefixed(start), this.#behindExponent(end));
    // A name may begin with a digit.
    return special > end ? this.#token(NUMBER, start, special) : this.#word(start, end);
  }

  /** `0xff` and `0b01`, where nothing of a name follows. */
  #behindPrefixed(start: number): number {
    const { sql } = this;
    if (sql.charCodeAt(start) !== ZERO) return start;
    const prefix = sql.charCodeAt(start + 1) | 0x20;
    if (prefix !== 0x78 && prefix !== 0x62) return start;
    const isPart = prefix === 0x78 ? isHexDigit : isBit;
    let end = start + 2;
    while (end < this.limit && isPart(sql.charCodeAt(end))) end += 1;
    return end === start + 2 || isNamePart(sql.charCodeAt(end)) ? start : end;
  }

  #behindDigits(at: number): number {
    let end = at;
    while (end < this.limit && isDigit(this.sql.charCodeAt(end))) end += 1;
    return end;
  }

  #behindExponent(at: number): number {
    const { sql } = this;
    if ((sql.charCodeAt(at) | 0x20) !== 0x65) return at;
    const sign = sql.charCodeAt(at + 1);
    const digits = sign === PLUS || sign === DASH ? at + 2 : at + 1;
    return isDigit(sql.charCodeAt(digits)) ? this.#behindDigits(digits) : at;
  }
}

/** Whether nothing in a comment, up to its end, could hide that end from a server that executes it. */
function isPlainComment(sql: string, from: number): boolean {
  for (let at = from; at < sql.length; at += 1) {
    const code = sql.charCodeAt(at);
    if (code === STAR && sql.charCodeAt(at + 1) === SLASH) return true;
    if (isQuote(code) || code === HASH || code === BACKSLASH || code === SEMICOLON) return false;
    if (code === DASH && sql.charCodeAt(at + 1) === DASH) return false;
    if (code === SLASH && sql.charCodeAt(at + 1) === STAR) return false;
  }
  return false;
}

function isHexDigit(code: number): boolean {
  const letter = code | 0x20;
  return isDigit(code) || (letter >= 0x61 && letter <= 0x66);
}

function isBit(code: number): boolean {
  return code === ZERO || code === ZERO + 1;
}
