/** Finds how much of a long INSERT, REPLACE or UPDATE has to be read to know what it writes: its values name no table that is written. */

import { CLOSE, DOT, OPEN, SEMICOLON } from '../characters.js';
import type { Schema } from './schema.js';
import { unquoted } from '../token-list.js';
import { DOUBLE, END, EXECUTABLE, NAME, OTHER_READINGS, Scanner, SIGN, WORD } from '../tokens.js';
import { WordTable } from '../words.js';

/** In characters. Shorter texts are soon read. */
const LONG = 2_000;

const INSERTING = 1;
const UPDATING = 2;
const FIRST = new WordTable<number>([
  [INSERTING, 'INSERT REPLACE'],
  [UPDATING, 'UPDATE'],
]);
/** Behind these words there are values only. */
const BEFORE_VALUES = new WordTable<number>([
  [INSERTING, 'VALUES VALUE'],
  [INSERTING | UPDATING, 'SET'],
]);

/**
 * How many characters of a text show which tables it writes. All of them, unless it is one long statement whose values call no routine of the
 * schema. `schema` undefined: what is written is unknown in any case.
 *
 * @param severalStatements the connection takes texts of several statements
 */
export function lengthOfHead(sql: string, schema: Schema | undefined, severalStatements: boolean): number {
  const { length } = sql;
  if (length < LONG) return length;
  const scanner = new Scanner(sql);
  if (!findValues(scanner)) return length;
  const { start } = scanner;
  const callsMatter = schema?.hasRoutines === true && schema.isNamedIn(sql);
  if (!callsMatter && !(severalStatements && sql.includes(';', start))) return start;
  const routines = callsMatter ? schema : undefined;
  if (!hasPlainValues(scanner, routines) || scanner.unterminated) return length;
  if (!scanner.escapedQuote) return start;
  const isPlain = OTHER_READINGS.every((reading) => {
    const other = new Scanner(sql, reading);
    other.end = start;
    return hasPlainValues(other, routines);
  });
  return isPlain ? start : length;
}

/** Goes to the word before the values. */
function findValues(scanner: Scanner): boolean {
  const { sql } = scanner;
  const first = scanner.next() === WORD ? FIRST.at(sql, scanner.start, scanner.end) : undefined;
  if (first === undefined) return false;
  let depth = 0;
  let isBehindDot = false;
  for (let kind = scanner.next(); kind !== END && kind !== EXECUTABLE; kind = scanner.next()) {
    if (kind === SIGN) {
      if (scanner.code === OPEN) depth += 1;
      else if (scanner.code === CLOSE) depth -= 1;
      else if (scanner.code === SEMICOLON) return false;
    } else if (kind === WORD && depth === 0 && !isBehindDot && ((BEFORE_VALUES.at(sql, scanner.start, scanner.end) ?? 0) & first) !== 0)
      return !scanner.escapedQuote && !scanner.unclear && !scanner.doubtful;
    isBehindDot = kind === SIGN && scanner.code === DOT;
  }
  return false;
}

/** Whether nothing follows but values: no other statement, no routine that is called, nothing that a server may execute or not. */
function hasPlainValues(scanner: Scanner, routines: Schema | undefined): boolean {
  let before = END;
  let start = 0;
  let end = 0;
  let isBehindDot = false;
  for (let kind = scanner.next(); kind !== END; kind = scanner.next()) {
    // A view may call a routine, too.
    if (kind === EXECUTABLE || (routines !== undefined && scanner.is('SELECT'))) return false;
    if (kind === SIGN) {
      if (scanner.code === SEMICOLON) return false;
      if (scanner.code === OPEN && routines !== undefined && mayBeRoutine(nameAt(scanner.sql, before, start, end), isBehindDot, routines))
        return false;
    }
    isBehindDot = before === SIGN && scanner.sql.charCodeAt(start) === DOT;
    before = kind;
    ({ start, end } = scanner);
  }
  return !scanner.unclear && !scanner.doubtful;
}

/** What has a database's or a package's name before it is a routine in any case. */
function mayBeRoutine(name: string, isBehindDot: boolean, routines: Schema): boolean {
  return name !== '' && (isBehindDot || routines.hasRoutine(name));
}

/** The name that the token is, in small letters; an empty text when it is none. */
function nameAt(sql: string, kind: number, start: number, end: number): string {
  if (kind === WORD) return sql.slice(start, end).toLowerCase();
  return kind === NAME || kind === DOUBLE ? unquoted(sql.slice(start, end)) : '';
}
