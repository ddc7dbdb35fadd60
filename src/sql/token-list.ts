/** The statements of a text as lists of tokens, for readers that look forwards and back. */

import { OPEN, QUESTION, SEMICOLON } from './characters.js';
import {
  BY_DEFAULT,
  DOUBLE,
  END,
  EXECUTABLE,
  EXECUTABLE_END,
  NAME,
  NUMBER,
  type Reading,
  Scanner,
  SIGN,
  TEXT,
  VARIABLE,
} from './tokens.js';

/** A piece of a statement's text. */
export interface Token {
  /**
   * 'word': a keyword or a name, in small letters; 'name': a quoted one (also a text in double quotes, which ANSI_QUOTES makes a name);
   * 'literal': a text, a number or a placeholder; 'variable': with its @; 'sign': one character, or `:=`.
   */
  readonly kind: 'word' | 'name' | 'literal' | 'variable' | 'sign';
  readonly text: string;
  /** It stands in a comment that the server may execute. */
  readonly conditional: boolean;
}

/** One statement of a text. */
export interface StatementTokens {
  readonly tokens: Token[];
  /** How many comments it has that the server may execute. */
  executables: number;
}

export interface TokenLists {
  /** Those that are not empty. */
  readonly statements: readonly StatementTokens[];
  readonly unterminated: boolean;
  readonly escapedQuote: boolean;
  /** What the text does depends on what cannot be known: the server's version, or the character set. */
  readonly unclear: boolean;
  /** It has more tokens than were asked for; the rest was not read. */
  readonly tooLong: boolean;
}

/** Most tokens are signs and literals, of which there is one object each. */
const LITERALS = [false, true].map((conditional): Token => ({ kind: 'literal', text: '?', conditional }));
const SIGNS = [false, true].map((conditional) =>
  Array.from({ length: 128 }, (_, code): Token => ({ kind: 'sign', text: String.fromCharCode(code), conditional })),
);

/** To read a longer text would hold up every caller of this process for longer than most answers take. */
export const MOST_TOKENS = 131_072;

/** Of a text with more statements, the rest is not read: what it does is not clear. */
const MOST_STATEMENTS = 1_000;

/**
 * Reads a whole text.
 *
 * @param limit where to stop
 * @param doubleQuoted what a text in double quotes counts as
 * @param most tokens that are read
 */
export function tokenListsOf(
  sql: string,
  reading: Reading = BY_DEFAULT,
  limit: number = sql.length,
  doubleQuoted: 'name' | 'literal' = 'name',
  most: number = Number.POSITIVE_INFINITY,
): TokenLists {
  const scanner = new Scanner(sql, reading, limit);
  const statements: StatementTokens[] = [];
  let current: StatementTokens | undefined = undefined;
  let conditional = 0;
  let left = most;
  for (let kind = scanner.next(); kind !== END && left > 0; kind = scanner.next()) {
    left -= 1;
    if (kind === SIGN && scanner.code === SEMICOLON) {
      current = undefined;
      continue;
    }
    if (kind === EXECUTABLE_END) {
      conditional = 0;
      continue;
    }
    if (current === undefined) {
      if (statements.length === MOST_STATEMENTS) break;
      current = { tokens: [], executables: 0 };
      statements.push(current);
    }
    if (kind === EXECUTABLE) {
      conditional = 1;
      current.executables += 1;
    } else current.tokens.push(tokenOf(scanner, conditional, doubleQuoted));
  }
  const { unterminated, escapedQuote, unclear, doubtful } = scanner;
  return {
    statements: statements.filter(({ tokens }) => tokens.length > 0),
    unterminated,
    escapedQuote,
    unclear: unclear || doubtful || (statements.length === MOST_STATEMENTS && scanner.kind !== END),
    tooLong: scanner.kind !== END,
  };
}

function tokenOf({ kind, sql, start, end, code }: Scanner, index: number, doubleQuoted: 'name' | 'literal'): Token {
  const conditional = index === 1;
  if (kind === SIGN && end === start + 1) {
    if (code === QUESTION) return LITERALS[index] as Token;
    return SIGNS[index]?.[code] ?? { kind: 'sign', text: sql.slice(start, end), conditional };
  }
  if (kind === TEXT || kind === NUMBER || (kind === DOUBLE && doubleQuoted === 'literal')) return LITERALS[index] as Token;
  const text = sql.slice(start, end);
  if (kind === SIGN) return { kind: 'sign', text, conditional };
  if (kind === VARIABLE) return { kind: 'variable', text, conditional };
  if (kind === NAME || kind === DOUBLE) return { kind: 'name', text: unquoted(text), conditional };
  return { kind: 'word', text: text.toLowerCase(), conditional };
}

/** A quoted name without its quotes, in small letters. */
export function unquoted(text: string): string {
  const quote = text.charAt(0);
  return text
    .slice(1, -1)
    .replaceAll(quote + quote, quote)
    .toLowerCase();
}

/** Where the first token is that is not a bracket. */
export function firstIndexOf(tokens: readonly Token[]): number {
  let index = 0;
  while (index < tokens.length && tokens[index]?.text.charCodeAt(0) === OPEN && tokens[index]?.kind === 'sign') index += 1;
  return index;
}

/** The first word, in small letters; an empty text where there is no token, `?` where the first one is no word. */
export function firstWordOf(tokens: readonly Token[]): string {
  const first = tokens[firstIndexOf(tokens)];
  return first?.kind === 'word' ? first.text : first === undefined ? '' : '?';
}

/**
 * The first words of all statements of a text, in small letters. Undefined where the server's version or its sql_mode decides what they are.
 */
export function firstWordsOf(sql: string): readonly string[] | undefined {
  const { statements, unterminated, escapedQuote, unclear } = tokenListsOf(sql);
  if (unterminated || escapedQuote || unclear || statements.some(({ executables }) => executables > 0)) return undefined;
  return statements.map(({ tokens }) => firstWordOf(tokens));
}

export function isName({ kind }: Token): boolean {
  return kind === 'word' || kind === 'name';
}

/** Whether a bracket stands behind a name: it may be a function's. */
export function isCall(tokens: readonly Token[], index: number): boolean {
  const token = tokens[index];
  return token !== undefined && isName(token) && tokens[index + 1]?.text === '(';
}

/** Whether a point stands before a token: it is part of a name then. */
export function isPartOfName(tokens: readonly Token[], index: number): boolean {
  return tokens[index - 1]?.text === '.';
}
