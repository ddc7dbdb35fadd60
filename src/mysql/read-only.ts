/** Statements that only read, as far as their first word goes. */
const READING = /^(?:select|show|desc|describe|explain|values|table|with)\b/i;

/** Words that may make such a statement write, lock, or hand out a number. Some are harmless in places: it is only a retry that is not made. */
const NOT_ONLY_READING =
  /\b(?:into|for|lock|locking|update|delete|insert|replace|procedure|call|set|analyze|handler|load|nextval|lastval|setval)\b|:=/i;

/** What may stand before a bracket without being the name of a function. */
const KEYWORDS: ReadonlySet<string> = words(`
  ALL AND ANY AS BETWEEN BY CASE DISTINCT DIV ELSE EXCEPT EXISTS FROM HAVING IN INTERSECT INTERVAL IS JOIN LIKE LIMIT MOD NOT ON OR OVER PARTITION
  SELECT SOME TABLE THEN UNION USING VALUES WHEN WHERE XOR CHAR VARCHAR BINARY DECIMAL DATETIME TIME`);

/**
 * Functions of the server that only compute. Any other may be a stored one, which may write. The server takes some of these names for its own
 * only when the bracket follows at once (MySQL reference manual, "Function Name Parsing and Resolution").
 */
const PURE_FUNCTIONS: ReadonlySet<string> = words(`
  ABS AVG BIN_TO_UUID CAST CEIL CEILING CHAR_LENGTH COALESCE CONCAT CONCAT_WS CONNECTION_ID CONVERT COUNT CRC32 CURDATE CURRENT_DATE CURRENT_TIMESTAMP CURTIME
  DATABASE DATE DATE_ADD DATE_FORMAT DATE_SUB DATEDIFF DAY DAYOFMONTH DAYOFWEEK DAYOFYEAR DENSE_RANK EXTRACT FIELD FIND_IN_SET FIRST_VALUE FLOOR FORMAT
  FROM_UNIXTIME GREATEST GROUP_CONCAT HEX HOUR IF IFNULL INET6_ATON INET6_NTOA INET_ATON INET_NTOA INSTR ISNULL JSON_ARRAY JSON_ARRAYAGG JSON_CONTAINS
  JSON_EXTRACT JSON_KEYS JSON_LENGTH JSON_OBJECT JSON_OBJECTAGG JSON_UNQUOTE JSON_VALUE LAG LAST_DAY LAST_VALUE LEAD LEAST LEFT LENGTH LN LOCATE LOG LOWER LPAD
  LTRIM MAX MD5 MIN MINUTE MONTH NOW NTILE NULLIF OCTET_LENGTH POW POWER QUARTER RANK RIGHT ROUND ROW_NUMBER RPAD RTRIM SECOND SHA1 SHA2 SIGN SQRT STDDEV
  STR_TO_DATE STRCMP SUBSTR SUBSTRING SUBSTRING_INDEX SUM TIME_TO_SEC TIMESTAMP TIMESTAMPADD TIMESTAMPDIFF TO_DAYS TRIM TRUNCATE UNHEX UNIX_TIMESTAMP UPPER
  UTC_DATE UTC_TIMESTAMP UUID_TO_BIN VARIANCE VERSION WEEK WEEKDAY YEAR`);

/** What stands for a literal or a quoted name: before a bracket it is the name of a function that nobody knows. */
const QUOTED = " '' ";

/**
 * Whether a text proves by itself that it only reads: run twice it does what it does once. Wrong in one direction costs a retry that is
 * not made. The one thing that the text cannot show is a view that calls a stored function that writes.
 */
export function isReadOnly(sql: string): boolean {
  const text = withoutQuotes(sql)
    ?.trim()
    .replace(/;\s*$/, '')
    .replace(/^[\s(]+/, '');
  if (text === undefined || text.includes(';') || !READING.test(text) || NOT_ONLY_READING.test(text)) return false;
  for (const [, name, space] of text.matchAll(/([\w$.@\u0080-\uFFFF]+|'')(\s*)\(/g)) {
    const word = (name as string).toUpperCase();
    if (!KEYWORDS.has(word) && !(space === '' && PURE_FUNCTIONS.has(word))) return false;
  }
  return true;
}

/**
 * The text without comments, literals and quoted names. Nothing when it cannot be sure where one ends: backslashes mean what the server's
 * mode says, and some comments are executed.
 */
function withoutQuotes(sql: string): string | undefined {
  let text = '';
  let index = 0;
  while (index < sql.length) {
    const letter = sql[index] as string;
    if (letter === "'" || letter === '"' || letter === '`') {
      const end = sql.indexOf(letter, index + 1);
      if (end < 0 || sql.slice(index, end).includes('\\')) return undefined;
      text += QUOTED;
      index = end + 1;
    } else if (sql.startsWith('/*', index)) {
      const end = sql.indexOf('*/', index + 2);
      if (end < 0 || /^\/\*M?!/.test(sql.slice(index, index + 4))) return undefined;
      text += ' ';
      index = end + 2;
    } else if (letter === '#' || letter === '\\' || sql.startsWith('--', index)) {
      return undefined;
    } else {
      text += letter;
      index += 1;
    }
  }
  return text;
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
