/** Whether a statement may call a stored function: whether it has a name before a bracket that is not the server's own. */

import { BACKQUOTE, DOT, DOUBLE_QUOTE, isNamePart, OPEN, SEMICOLON, SLASH } from './characters.js';
import { COMPUTING_FUNCTIONS, MOMENT_FUNCTIONS, MOMENT_WORDS } from './own-functions.js';
import { DOUBLE, END, NAME, OTHER_READINGS, type Reading, Scanner, SIGN, WORD } from './tokens.js';
import { isWordAt, WordTable } from './words.js';

/**
 * Functions, types and keywords that may stand before a bracket (MySQL reference manual, "Built-In Function and Operator Reference"; MariaDB's table
 * `information_schema.sql_functions`). A function of a later version that is missing here costs a question at each release, not more.
 */
const OWN = new WordTable<boolean>([
  [true, `${COMPUTING_FUNCTIONS} ${MOMENT_WORDS} ${MOMENT_FUNCTIONS}`.toUpperCase()],
  [
    true,
    `BENCHMARK CONNECTION_ID CURRENT_ROLE CURRENT_USER DATABASE FOUND_ROWS GEOMCOLLECTION GEOMETRYCOLLECTION GEOMETRYFROMTEXT GEOMFROMTEXT
    IF INTERVAL IS_FREE_LOCK IS_USED_LOCK LASTVAL LAST_INSERT_ID LEFT LINESTRING LOAD_FILE MASTER_GTID_WAIT MASTER_POS_WAIT MBRCONTAINS
    MBRCOVEREDBY MBRCOVERS MBRDISJOINT MBREQUAL MBREQUALS MBRINTERSECTS MBROVERLAPS MBRTOUCHES MBRWITHIN MULTILINESTRING MULTIPOINT
    MULTIPOLYGON NEXTVAL POINT POLYGON PS_CURRENT_THREAD_ID PS_THREAD_ID RELEASE_ALL_LOCKS RELEASE_LOCK REPEAT REPLACE RIGHT ROLES_GRAPHML
    ROW ROW_COUNT SCHEMA SESSION_USER SETVAL SLEEP SOURCE_POS_WAIT ST_AREA ST_ASBINARY ST_ASGEOJSON ST_ASTEXT ST_ASWKB ST_ASWKT
    ST_BOUNDARY ST_BUFFER ST_BUFFER_STRATEGY ST_CENTROID ST_COLLECT ST_CONTAINS ST_CONVEXHULL ST_CROSSES ST_DIFFERENCE ST_DIMENSION
    ST_DISJOINT ST_DISTANCE ST_DISTANCE_SPHERE ST_ENDPOINT ST_ENVELOPE ST_EQUALS ST_EXTERIORRING ST_FRECHETDISTANCE ST_GEOHASH
    ST_GEOMCOLLFROMTEXT ST_GEOMCOLLFROMWKB ST_GEOMETRYFROMTEXT ST_GEOMETRYFROMWKB ST_GEOMETRYN ST_GEOMETRYTYPE ST_GEOMFROMGEOJSON
    ST_GEOMFROMTEXT ST_GEOMFROMWKB ST_HAUSDORFFDISTANCE ST_INTERIORRINGN ST_INTERSECTION ST_INTERSECTS ST_ISCLOSED ST_ISEMPTY ST_ISRING
    ST_ISSIMPLE ST_ISVALID ST_LATFROMGEOHASH ST_LATITUDE ST_LENGTH ST_LINEFROMTEXT ST_LINEFROMWKB ST_LINEINTERPOLATEPOINT
    ST_LINEINTERPOLATEPOINTS ST_LONGFROMGEOHASH ST_LONGITUDE ST_MAKEENVELOPE ST_MLINEFROMTEXT ST_MLINEFROMWKB ST_MPOINTFROMTEXT
    ST_MPOINTFROMWKB ST_MPOLYFROMTEXT ST_MPOLYFROMWKB ST_NUMGEOMETRIES ST_NUMINTERIORRINGS ST_NUMPOINTS ST_OVERLAPS ST_POINTATDISTANCE
    ST_POINTFROMGEOHASH ST_POINTFROMTEXT ST_POINTFROMWKB ST_POINTN ST_POINTONSURFACE ST_POLYFROMTEXT ST_POLYFROMWKB ST_RELATE ST_SIMPLIFY
    ST_SRID ST_STARTPOINT ST_SWAPXY ST_SYMDIFFERENCE ST_TOUCHES ST_TRANSFORM ST_UNION ST_VALIDATE ST_WITHIN ST_X ST_Y SYSTEM_USER
    UNIX_TIMESTAMP USER VALUE VALUES WAIT_FOR_EXECUTED_GTID_SET YEAR`,
  ],
  [
    true,
    `BIGINT BINARY BIT CHAR CHARACTER DATE DATETIME DEC DECIMAL DOUBLE ENUM FLOAT INT INTEGER NCHAR NUMERIC NVARCHAR REAL SET SIGNED SMALLINT TIME
    TIMESTAMP TINYINT UNSIGNED VARBINARY VARCHAR VECTOR
    AGAINST ALL AND ANY AS BETWEEN BY CASE CHECK COLUMNS DISTINCT DISTINCTROW DIV DUPLICATE ELSE EXCEPT EXISTS FOR FROM HAVING IN INDEX INTERSECT
    INTO IS JOIN KEY LATERAL LIKE LIMIT MATCH MEMBER MINUS NOT OF OFFSET ON OR OVER PARTITION REGEXP RETURNING RLIKE SELECT SOME STRAIGHT_JOIN
    TABLE THEN UNION USING WHEN WHERE WITHIN XOR`,
  ],
]);

/** What may run a stored function, and answers with what it does not say. Before a bracket in it stands a function; */
const ANYWHERE = 1;
/** only behind one of the words that begin values. Before that, a table with its columns. */
const BEHIND_COLUMNS = 2;
/** SET: in its values; and behind FOR in the statement that SET STATEMENT is for. */
const IN_SETTINGS = 3;
const STATEMENTS = new WordTable<number>([
  [ANYWHERE, 'ANALYZE DELETE DESC DESCRIBE EXPLAIN SELECT SHOW TABLE UPDATE VALUES WITH'],
  [BEHIND_COLUMNS, 'CREATE INSERT REPLACE'],
  [IN_SETTINGS, 'SET'],
]);
/** Behind them a name with columns may stand. */
const NAMING = new WordTable<boolean>([[true, 'AS RECURSIVE WITH']]);
const INTO = 'INTO';
const BEGINS_VALUES = new WordTable<boolean>([[true, 'RETURNING SELECT SET VALUE VALUES']]);

/** A longer INSERT is data: to walk through it costs more than what the server does not report of a function in it. */
const LONGEST_INSERT = 16_384;

/**
 * Whether a statement of the text may call a stored function, or one that was loaded.
 *
 * @param inserts it begins with INSERT or REPLACE
 */
export function callsRoutine(sql: string, inserts: boolean): boolean {
  if ((inserts && sql.length > LONGEST_INSERT) || !mayCall(sql, inserts)) return false;
  const scanner = new Scanner(sql);
  return calls(scanner) || (scanner.escapedQuote && OTHER_READINGS.some((reading) => callsIn(sql, reading)));
}

function callsIn(sql: string, reading: Reading): boolean {
  return calls(new Scanner(sql, reading));
}

function calls(scanner: Scanner): boolean {
  const { sql } = scanner;
  let atStart = true;
  let place = 0;
  let kind = SIGN;
  let start = 0;
  let end = 0;
  // Of the token before that one, when it is a word or a dot.
  let behindNaming = false;
  let behindDot = false;
  for (let next = scanner.next(); next !== END; next = scanner.next()) {
    if (next === SIGN && scanner.code === SEMICOLON) {
      atStart = true;
      place = 0;
    } else if (next === SIGN && scanner.code === OPEN) {
      const isName = kind === NAME || kind === DOUBLE || (kind === WORD && (behindDot || OWN.at(sql, start, end) !== true));
      if ((place === ANYWHERE || place === IN_SETTINGS) && isName && !behindNaming) return true;
    } else if (atStart) {
      atStart = false;
      place = next === WORD ? (STATEMENTS.at(sql, scanner.start, scanner.end) ?? 0) : 0;
    } else if (next === WORD && place === BEHIND_COLUMNS && BEGINS_VALUES.at(sql, scanner.start, scanner.end) === true) place = ANYWHERE;
    else if (place === IN_SETTINGS && scanner.is('FOR')) atStart = true;
    behindNaming = kind === WORD && NAMING.at(sql, start, end) === true;
    behindDot = kind === SIGN && sql.charCodeAt(start) === DOT;
    kind = next;
    start = scanner.start;
    end = scanner.end;
  }
  return false;
}

/**
 * Most texts have none but the server's own words before their brackets, in literals either, and no comment before one. The engine's own search
 * finds the brackets.
 */
function mayCall(sql: string, inserts: boolean): boolean {
  let at = sql.indexOf('(');
  if (at === -1) return false;
  if (sql.includes('#') || sql.includes('--')) return true;
  if (inserts && isBehindTable(sql, at)) at = sql.indexOf('(', at + 1);
  for (; at !== -1; at = sql.indexOf('(', at + 1)) if (mayBeCalledAt(sql, at)) return true;
  return false;
}

function mayBeCalledAt(sql: string, bracket: number): boolean {
  const end = behindLast(sql, bracket);
  const code = end === 0 ? 0 : sql.charCodeAt(end - 1);
  if (!isNamePart(code)) return code === BACKQUOTE || code === DOUBLE_QUOTE || code === SLASH || code >= 0x80;
  const start = startOfName(sql, end);
  if (OWN.at(sql, start, end) !== true) return true;
  const before = behindLast(sql, start);
  const mark = before === 0 ? 0 : sql.charCodeAt(before - 1);
  return mark === DOT || mark === SLASH;
}

/** Whether a bracket follows the name of the table that an INSERT is into, with or without the database's. */
function isBehindTable(sql: string, bracket: number): boolean {
  let end = startOfName(sql, behindLast(sql, bracket));
  if (sql.charCodeAt(end - 1) === DOT) end = startOfName(sql, end - 1);
  end = behindLast(sql, end);
  return isWordAt(sql, end - INTO.length, end, INTO);
}

/** Where a name begins that ends before this place; in backquotes without a backquote in it, or without quotes. */
function startOfName(sql: string, end: number): number {
  if (sql.charCodeAt(end - 1) === BACKQUOTE) return Math.max(sql.lastIndexOf('`', end - 2), 0);
  let start = end;
  while (start > 0 && isNamePart(sql.charCodeAt(start - 1))) start -= 1;
  return start;
}

/** Behind the last character before this place that is no white space. */
function behindLast(sql: string, place: number): number {
  let at = place;
  while (at > 0 && sql.charCodeAt(at - 1) <= 0x20) at -= 1;
  return at;
}
