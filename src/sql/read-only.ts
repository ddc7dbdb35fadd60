/** Proves of a text that it only reads, so that a statement may be run a second time. */

import { BACKSLASH, COLON, DOT, OPEN, SEMICOLON } from './characters.js';
import { END, EXECUTABLE, OTHER_READINGS, type Reading, Scanner, SIGN, WORD } from './tokens.js';
import { WordTable } from './words.js';

/** Statements that only read, as far as their first word goes. */
const READING = new WordTable<boolean>([[true, 'SELECT SHOW DESC DESCRIBE EXPLAIN VALUES TABLE WITH']]);

/** Such a statement may write, lock, or hand out a number with this word. Some are harmless in places: that costs a retry that is not made. */
const FORBIDDEN = 1;
/** It may stand before a bracket without being the name of a function. */
const KEYWORD = 2;
/** It is a function that only computes. */
const PURE = 3;

/**
 * Functions of the server that only compute. Any other may be a stored one, which may write. The server takes some of these names for its own
 * only when the bracket follows at once (MySQL reference manual, "Function Name Parsing and Resolution").
 */
const WORDS = new WordTable<number>([
  [
    PURE,
    `ABS AVG BIN_TO_UUID CAST CEIL CEILING CHAR_LENGTH COALESCE CONCAT CONCAT_WS CONNECTION_ID CONVERT COUNT CRC32 CURDATE CURRENT_DATE
    CURRENT_TIMESTAMP CURTIME DATABASE DATE DATE_ADD DATE_FORMAT DATE_SUB DATEDIFF DAY DAYOFMONTH DAYOFWEEK DAYOFYEAR DENSE_RANK EXTRACT FIELD
    FIND_IN_SET FIRST_VALUE FLOOR FORMAT FROM_UNIXTIME GREATEST GROUP_CONCAT HEX HOUR IF IFNULL INET6_ATON INET6_NTOA INET_ATON INET_NTOA INSTR
    ISNULL JSON_ARRAY JSON_ARRAYAGG JSON_CONTAINS JSON_EXTRACT JSON_KEYS JSON_LENGTH JSON_OBJECT JSON_OBJECTAGG JSON_UNQUOTE JSON_VALUE LAG
    LAST_DAY LAST_VALUE LEAD LEAST LEFT LENGTH LN LOCATE LOG LOWER LPAD LTRIM MAX MD5 MIN MINUTE MONTH NOW NTILE NULLIF OCTET_LENGTH POW POWER
    QUARTER RANK RIGHT ROUND ROW_NUMBER RPAD RTRIM SECOND SHA1 SHA2 SIGN SQRT STDDEV STR_TO_DATE STRCMP SUBSTR SUBSTRING SUBSTRING_INDEX SUM
    TIME_TO_SEC TIMESTAMP TIMESTAMPADD TIMESTAMPDIFF TO_DAYS TRIM TRUNCATE UNHEX UNIX_TIMESTAMP UPPER UTC_DATE UTC_TIMESTAMP UUID_TO_BIN VARIANCE
    VERSION WEEK WEEKDAY YEAR`,
  ],
  [
    KEYWORD,
    `ALL AND ANY AS BETWEEN BY CASE DISTINCT DIV ELSE EXCEPT EXISTS FROM HAVING IN INTERSECT INTERVAL IS JOIN LIKE LIMIT MOD NOT ON OR OVER
    PARTITION SELECT SOME TABLE THEN UNION USING VALUES WHEN WHERE XOR CHAR VARCHAR BINARY DECIMAL DATETIME TIME`,
  ],
  [FORBIDDEN, 'INTO FOR LOCK LOCKING UPDATE DELETE INSERT REPLACE PROCEDURE CALL SET ANALYZE HANDLER LOAD NEXTVAL LASTVAL SETVAL'],
]);

interface TokenBefore {
  readonly kind: number;
  readonly start: number;
  readonly end: number;
  readonly isBehindDot: boolean;
}

/**
 * Whether a text proves by itself that it only reads: run twice it does what it does once. Wrong in one direction costs a retry that is
 * not made. The one thing that the text cannot show is a view that calls a stored function that writes.
 *
 * A text that has another meaning under another sql_mode must only read under each of them. Where a literal has no end under the other mode, the
 * server refuses the text as a whole, because it is one statement only.
 */
export function isReadOnly(sql: string): boolean {
  const scanner = new Scanner(sql);
  if (!reads(scanner) || scanner.unterminated) return false;
  return !scanner.escapedQuote || OTHER_READINGS.every((reading) => readsIn(sql, reading));
}

function readsIn(sql: string, reading: Reading): boolean {
  return reads(new Scanner(sql, reading));
}

function reads(scanner: Scanner): boolean {
  if (!beginsReading(scanner)) return false;
  const before = { kind: WORD, start: scanner.start, end: scanner.end, isBehindDot: false };
  for (let kind = scanner.next(); kind !== END; kind = scanner.next()) {
    if (kind === EXECUTABLE) return false;
    if (kind === WORD && WORDS.at(scanner.sql, scanner.start, scanner.end) === FORBIDDEN) return false;
    if (kind === SIGN) {
      if (scanner.code === SEMICOLON) return nothingFollows(scanner);
      if (scanner.code === OPEN ? !mayOpen(scanner, before) : isForbidden(scanner)) return false;
    }
    before.isBehindDot = before.kind === SIGN && scanner.sql.charCodeAt(before.start) === DOT;
    before.kind = kind;
    before.start = scanner.start;
    before.end = scanner.end;
  }
  return !scanner.doubtful;
}

function beginsReading(scanner: Scanner): boolean {
  let kind = scanner.next();
  while (kind === SIGN && scanner.code === OPEN) kind = scanner.next();
  return kind === WORD && READING.at(scanner.sql, scanner.start, scanner.end) === true;
}

/** An assignment to a variable; a backslash outside of a literal. */
function isForbidden({ code, start, end }: Scanner): boolean {
  return code === BACKSLASH || (code === COLON && end === start + 2);
}

function nothingFollows(scanner: Scanner): boolean {
  while (scanner.next() !== END) if (scanner.kind !== SIGN || scanner.code !== SEMICOLON) return false;
  return !scanner.doubtful;
}

/** Whether a bracket may stand behind a token: no function that is not known is called so. */
function mayOpen({ sql, start: bracket }: Scanner, { kind, start, end, isBehindDot }: TokenBefore): boolean {
  if (kind === SIGN) return true;
  // A function with a database's name before it is a stored one.
  if (kind !== WORD || isBehindDot) return false;
  const word = WORDS.at(sql, start, end);
  return word === KEYWORD || (word === PURE && end === bracket);
}
