/** Whether a statement may call a stored function: whether it has a name before a bracket that is not the server's own. */

import { BACKQUOTE, DOT, DOUBLE_QUOTE, isNamePart, OPEN, SEMICOLON, SLASH } from './characters.js';
import { DOUBLE, END, NAME, OTHER_READINGS, type Reading, Scanner, SIGN, WORD } from './tokens.js';
import { isWordAt, WordTable } from './words.js';

/**
 * Functions, types and keywords that may stand before a bracket (MySQL reference manual, "Built-In Function and Operator Reference"; MariaDB's table
 * `information_schema.sql_functions`). A function of a later version that is missing here costs a question at each release, not more.
 */
const OWN = new WordTable<boolean>([
  [
    true,
    `ABS ACOS ADDDATE ADDTIME ADD_MONTHS AES_DECRYPT AES_ENCRYPT ANY_VALUE ASCII ASIN ATAN ATAN2 AVG BENCHMARK BIN BINLOG_GTID_POS BIN_TO_UUID
    BIT_AND BIT_COUNT BIT_LENGTH BIT_OR BIT_XOR CAST CEIL CEILING CHARACTER_LENGTH CHARSET CHAR_LENGTH CHR COALESCE COERCIBILITY COLLATION
    COLUMN_ADD COLUMN_CHECK COLUMN_CREATE COLUMN_DELETE COLUMN_EXISTS COLUMN_GET COLUMN_JSON COLUMN_LIST COMPRESS CONCAT CONCAT_WS CONNECTION_ID
    CONV CONVERT CONVERT_TZ COS COT COUNT CRC32 CRC32C CUME_DIST CURDATE CURRENT_DATE CURRENT_ROLE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER
    CURTIME DATABASE DATEDIFF DATE_ADD DATE_FORMAT DATE_SUB DAY DAYNAME DAYOFMONTH DAYOFWEEK DAYOFYEAR DECODE DEFAULT DEGREES DENSE_RANK
    DES_DECRYPT DES_ENCRYPT DISTANCE ELT ENCODE ENCRYPT EXP EXPORT_SET EXTRACT EXTRACTVALUE FIELD FIND_IN_SET FIRST_VALUE FLOOR FORMAT
    FORMAT_BYTES FORMAT_PICO_TIME FOUND_ROWS FROM_BASE64 FROM_DAYS FROM_UNIXTIME GEOMCOLLECTION GEOMETRYCOLLECTION GEOMETRYFROMTEXT
    GEOMFROMTEXT GET_FORMAT GREATEST GROUPING GROUP_CONCAT GTID_SUBSET GTID_SUBTRACT HEX HOUR ICU_VERSION IF IFNULL INET6_ATON INET6_NTOA
    INET_ATON INET_NTOA INSTR INTERVAL ISNULL IS_FREE_LOCK IS_IPV4 IS_IPV4_COMPAT IS_IPV4_MAPPED IS_IPV6 IS_USED_LOCK IS_UUID JSON_ARRAY
    JSON_ARRAYAGG JSON_ARRAY_APPEND JSON_ARRAY_INSERT JSON_ARRAY_INTERSECT JSON_COMPACT JSON_CONTAINS JSON_CONTAINS_PATH JSON_DEPTH
    JSON_DETAILED JSON_EQUALS JSON_EXISTS JSON_EXTRACT JSON_INSERT JSON_KEY_VALUE JSON_KEYS JSON_LENGTH JSON_LOOSE JSON_MERGE JSON_MERGE_PATCH
    JSON_MERGE_PRESERVE JSON_NORMALIZE JSON_OBJECT JSON_OBJECTAGG JSON_OBJECT_FILTER_KEYS JSON_OBJECT_TO_ARRAY JSON_OVERLAPS JSON_PRETTY
    JSON_QUERY JSON_QUOTE JSON_REMOVE JSON_REPLACE JSON_SCHEMA_VALID JSON_SCHEMA_VALIDATION_REPORT JSON_SEARCH JSON_SET JSON_STORAGE_FREE
    JSON_STORAGE_SIZE JSON_TABLE JSON_TYPE JSON_UNQUOTE JSON_VALID JSON_VALUE LAG LASTVAL LAST_DAY LAST_INSERT_ID LAST_VALUE LCASE LEAD LEAST
    LEFT LENGTH LENGTHB LINESTRING LN LOAD_FILE LOCALTIME LOCALTIMESTAMP LOCATE LOG LOG10 LOG2 LOWER LPAD LTRIM MAKEDATE MAKETIME MAKE_SET
    MASTER_GTID_WAIT MASTER_POS_WAIT MAX MBRCONTAINS MBRCOVEREDBY MBRCOVERS MBRDISJOINT MBREQUAL MBREQUALS MBRINTERSECTS MBROVERLAPS MBRTOUCHES
    MBRWITHIN MD5 MEDIAN MICROSECOND MID MIN MINUTE MOD MONTH MONTHNAME MULTILINESTRING MULTIPOINT MULTIPOLYGON NAME_CONST NATURAL_SORT_KEY
    NEXTVAL NOW NTH_VALUE NTILE NULLIF NVL NVL2 OCT OCTET_LENGTH OLD_PASSWORD ORD PASSWORD PERCENTILE_CONT PERCENTILE_DISC PERCENT_RANK
    PERIOD_ADD PERIOD_DIFF PI POINT POLYGON POSITION POW POWER PS_CURRENT_THREAD_ID PS_THREAD_ID QUARTER QUOTE RADIANS RAND RANDOM_BYTES RANK
    REGEXP_INSTR REGEXP_LIKE REGEXP_REPLACE REGEXP_SUBSTR RELEASE_ALL_LOCKS RELEASE_LOCK REPEAT REPLACE REVERSE RIGHT ROLES_GRAPHML ROUND ROW
    ROW_COUNT ROW_NUMBER RPAD RTRIM SCHEMA SECOND SEC_TO_TIME SESSION_USER SETVAL SFORMAT SHA SHA1 SHA2 SIGN SIN SLEEP SOUNDEX
    SOURCE_POS_WAIT SPACE SQRT STATEMENT_DIGEST STATEMENT_DIGEST_TEXT STD STDDEV STDDEV_POP STDDEV_SAMP STRCMP STRING_TO_VECTOR STR_TO_DATE
    ST_AREA ST_ASBINARY ST_ASGEOJSON ST_ASTEXT ST_ASWKB ST_ASWKT ST_BOUNDARY ST_BUFFER ST_BUFFER_STRATEGY ST_CENTROID ST_COLLECT ST_CONTAINS
    ST_CONVEXHULL ST_CROSSES ST_DIFFERENCE ST_DIMENSION ST_DISJOINT ST_DISTANCE ST_DISTANCE_SPHERE ST_ENDPOINT ST_ENVELOPE ST_EQUALS
    ST_EXTERIORRING ST_FRECHETDISTANCE ST_GEOHASH ST_GEOMCOLLFROMTEXT ST_GEOMCOLLFROMWKB ST_GEOMETRYFROMTEXT ST_GEOMETRYFROMWKB ST_GEOMETRYN
    ST_GEOMETRYTYPE ST_GEOMFROMGEOJSON ST_GEOMFROMTEXT ST_GEOMFROMWKB ST_HAUSDORFFDISTANCE ST_INTERIORRINGN ST_INTERSECTION ST_INTERSECTS
    ST_ISCLOSED ST_ISEMPTY ST_ISRING ST_ISSIMPLE ST_ISVALID ST_LATFROMGEOHASH ST_LATITUDE ST_LENGTH ST_LINEFROMTEXT ST_LINEFROMWKB
    ST_LINEINTERPOLATEPOINT ST_LINEINTERPOLATEPOINTS ST_LONGFROMGEOHASH ST_LONGITUDE ST_MAKEENVELOPE ST_MLINEFROMTEXT ST_MLINEFROMWKB
    ST_MPOINTFROMTEXT ST_MPOINTFROMWKB ST_MPOLYFROMTEXT ST_MPOLYFROMWKB ST_NUMGEOMETRIES ST_NUMINTERIORRINGS ST_NUMPOINTS ST_OVERLAPS
    ST_POINTATDISTANCE ST_POINTFROMGEOHASH ST_POINTFROMTEXT ST_POINTFROMWKB ST_POINTN ST_POINTONSURFACE ST_POLYFROMTEXT ST_POLYFROMWKB
    ST_RELATE ST_SIMPLIFY ST_SRID ST_STARTPOINT ST_SWAPXY ST_SYMDIFFERENCE ST_TOUCHES ST_TRANSFORM ST_UNION ST_VALIDATE ST_WITHIN ST_X ST_Y
    SUBDATE SUBSTR SUBSTRING SUBSTRING_INDEX SUBTIME SUM SYSDATE SYSTEM_USER SYS_GUID TAN TIMEDIFF TIMESTAMPADD TIMESTAMPDIFF TIME_FORMAT
    TIME_TO_SEC TO_BASE64 TO_CHAR TO_DAYS TO_SECONDS TO_VECTOR TRIM TRUNCATE UCASE UNCOMPRESS UNCOMPRESSED_LENGTH UNHEX UNIX_TIMESTAMP UPDATEXML
    UPPER USER UTC_DATE UTC_TIME UTC_TIMESTAMP UUID UUID_SHORT UUID_TO_BIN VALIDATE_PASSWORD_STRENGTH VALUE VALUES VARIANCE VAR_POP VAR_SAMP
    VECTOR_DIM VECTOR_TO_STRING VEC_DISTANCE VEC_DISTANCE_COSINE VEC_DISTANCE_EUCLIDEAN VEC_FROMTEXT VEC_TOTEXT VERSION
    WAIT_FOR_EXECUTED_GTID_SET WEEK WEEKDAY WEEKOFYEAR WEIGHT_STRING YEAR YEARWEEK`,
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
const STATEMENTS = new WordTable<number>([
  [ANYWHERE, 'ANALYZE DELETE DESC DESCRIBE EXPLAIN SELECT SET SHOW TABLE UPDATE VALUES WITH'],
  [BEHIND_COLUMNS, 'CREATE INSERT REPLACE'],
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
      if (place === ANYWHERE && isName && !behindNaming) return true;
    } else if (atStart) {
      atStart = false;
      place = next === WORD ? (STATEMENTS.at(sql, scanner.start, scanner.end) ?? 0) : 0;
    } else if (next === WORD && place === BEHIND_COLUMNS && BEGINS_VALUES.at(sql, scanner.start, scanner.end) === true) place = ANYWHERE;
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
