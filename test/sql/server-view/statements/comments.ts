/** The table of statements: comments, those that the server runs and those that it does not. */
import { type Expectation, type Row, type Subject, subject } from '../statement-row.js';

const READ: Expectation = { session: 'clean', transaction: 'open', effect: 'none' };
const CHANGED: Expectation = { session: 'changed', readOnly: false };
const UNFINISHED: Expectation = { fails: true, readOnly: false };

/** Comments that no server runs, and that end on their own line. */
const COMMENTS = [
  '/* a */',
  '/**/',
  '/***/',
  '/* * / */',
  '/*\n*/',
  '/* ; */',
  "/* ' */",
  '/* " */',
  '/* ` */',
  '/* -- */',
  '/*+ a */',
  '/* /* */',
];
const LINES = ['-- a\n', '--\n', '--\t a\n', '# a\n', '#\n', "-- it's\n", '# "\n', '-- `\n', '# /*\n', '-- /*\n', '-- ;\n', '--\r\n'];

const OTHERS: readonly (readonly [string, Expectation])[] = [
  ['SELECT 1', { ...READ, readOnly: true }],
  ['SET @x = 1', CHANGED],
  ['COMMIT', { session: 'clean', transaction: 'ended', readOnly: false }],
];

/** Every comment before each kind of statement. */
function leading(): Row[] {
  return [...COMMENTS, ...LINES].flatMap((comment) => OTHERS.map(([sql, expected]): Row => ({ ...expected, sql: comment + sql })));
}

/** Every comment between the words of a statement, and behind it. */
function within(): Row[] {
  return [...COMMENTS, ...LINES].flatMap((comment): Row[] => [
    { ...READ, sql: `SELECT${comment.startsWith('/') ? comment : ` ${comment}`}id FROM items` },
    { ...READ, sql: `SELECT id FROM items ${comment}` },
    { ...CHANGED, sql: `SELECT 1 INTO ${comment} @x` },
  ]);
}

export const COMMENTED: readonly Subject[] = [
  subject('comments before a statement', {}, leading()),
  subject('comments within and behind a statement', {}, within()),
  subject('what is no comment', READ, [
    'SELECT 1--1',
    'SELECT 2 --1',
    'SELECT 1---1',
    'SELECT 6 /2',
    'SELECT 6 / 2',
    'SELECT 2 * 3',
    "SELECT '-- a', '# b', '/* c */'",
    'SELECT "-- a", "# b", "/* c */"',
    'SELECT 1 AS `-- a`, 2 AS `# b`, 3 AS `/* c */`',
    { sql: '--1\nSELECT 1', fails: 1064, session: undefined, transaction: undefined, effect: undefined },
    { sql: 'SELECT 1 //', fails: 1064 },
    { sql: "SELECT '/*', @x := 1, '*/'", session: 'changed' },
    { sql: 'SELECT "/*", @x := 1, "*/"', session: 'changed' },
    { sql: 'SELECT 1 AS `/*`, @x := 1 AS `*/`', session: 'changed' },
    { sql: "SELECT '-- ', @x := 1", session: 'changed' },
    { sql: "SELECT '#', @x := 1", session: 'changed' },
    { sql: 'SELECT 1--(@x := 1)', session: 'changed' },
    { sql: 'SELECT 2 --(@x := 1)', session: 'changed' },
    { sql: "SELECT 1 --' \n, @x := 1 -- '" },
    { sql: 'SELECT 1 /* a /* b */, @x := 1', session: 'changed' },
    { sql: 'SELECT 1 /* a */, @x := 1 /* b */', session: 'changed' },
    { sql: "SELECT 1 /* ' */, @x := 1 /* ' */", session: 'changed' },
    { sql: 'SELECT 1 -- "\n, @x := 1 -- "', session: 'changed' },
    { sql: 'SELECT 1 # `\n, @x := 1 # `', session: 'changed' },
    { sql: 'SELECT 1 --\u00a0a\n, @x := 1', fails: 1054, session: undefined, transaction: undefined, effect: undefined, on: 'mysql' },
    { sql: 'SELECT 1 --\u0001a\n, @x := 1', session: 'changed' },
    { sql: 'SELECT 1 --\u000b\n, @x := 1', session: 'changed' },
    { sql: 'SELECT 1 --\f\n, @x := 1', session: 'changed' },
    { sql: 'SELECT 1 -- a\r, @x := 1', session: 'clean' },
  ]),
  subject('comments that the server runs', {}, [
    { sql: '/*! SET @x = 1 */', ...CHANGED },
    { sql: '/*!SET @x = 1*/', ...CHANGED },
    { sql: '/*!50000 SET @x = 1 */', ...CHANGED },
    { sql: '/*!50000SET @x = 1 */', ...CHANGED },
    { sql: '/*!40101 SET NAMES latin1 */', ...CHANGED },
    { sql: '/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;', ...CHANGED },
    { sql: '/*!99999 SET @x = 1 */', statements: 0 },
    { sql: '/*!999999 SET @x = 1 */', statements: 0 },
    { sql: 'SELECT 1 /*!99999 , @x := 1 */' },
    { sql: 'SELECT 1 /*!999999 , @x := 1 */' },
    { sql: 'SELECT 1 /*!50000 , @x := 1 */', ...CHANGED },
    { sql: 'SELECT 1 /*!, @x := 1 */', ...CHANGED },
    { sql: 'SELECT 1 /*! /* a */ , @x := 1 */', session: 'changed' },
    { sql: 'SELECT 1 /*!50000 , /* a */ @x := 1 */', session: 'changed' },
    { sql: "SELECT 1 /*! , '*/' , @x := 1 */", session: 'changed' },
    { sql: 'SELECT 1 /*!50700 , @x := 1 */', session: undefined },
    { sql: 'SELECT 1 /*!80000 , @x := 1 */', session: undefined },
    { sql: 'SELECT 1 /*!080000 , @x := 1 */', on: 'mysql', session: 'changed' },
    { sql: 'SELECT 1 /*!080000 , @x := 1 */', on: 'mariadb' },
    { sql: 'SELECT 1 /*!5 , @x := 1 */', fails: 1064 },
    { sql: 'SELECT 1 /*!500001 , @x := 1 */' },
    { sql: '/*! INSERT INTO plain VALUES (9, 9) */', readOnly: false },
    { sql: '/*! INSERT */ INTO plain VALUES (9, 9)', readOnly: false },
    { sql: 'INSERT /*! INTO */ plain VALUES (9, 9)', readOnly: false },
    { sql: 'DELETE /*!40001 SQL_NO_CACHE */ FROM plain', readOnly: false, fails: 1109 },
    { sql: 'SELECT /*!40001 SQL_NO_CACHE */ * FROM plain', readOnly: undefined },
    { sql: 'SELECT /*! STRAIGHT_JOIN */ * FROM plain', readOnly: undefined },
    { sql: 'SELECT * FROM plain /*! FOR UPDATE */', readOnly: false },
    { sql: "SELECT * FROM plain /*! INTO OUTFILE '/nowhere/x' */", readOnly: false, fails: true },
    {
      sql: '/*!50003 CREATE*/ /*!50017 DEFINER=CURRENT_USER*/ /*!50003 TRIGGER made BEFORE INSERT ON plain FOR EACH ROW SET NEW.a = 1 */',
      effect: 'schema',
      transaction: 'ended',
    },
    { sql: '/* a */ /*! USE archive */', ...CHANGED },
    { sql: '/*!*/ SET @x = 1', ...CHANGED },
    { sql: '/*!50000*/ SET @x = 1', ...CHANGED },
    { sql: '/*!', fails: true },
    { sql: '/*M! SET @x = 1 */', on: 'mariadb', ...CHANGED },
    { sql: '/*M!100000 SET @x = 1 */', on: 'mariadb', ...CHANGED },
    { sql: '/*M!999999 SET @x = 1 */ SELECT 1', on: 'mariadb', operation: 'SET' },
    { sql: 'SELECT 1 /*M!, @x := 1 */', on: 'mariadb', ...CHANGED },
    { sql: 'SELECT 1 /*M!100100 , @x := 1 */', on: 'mariadb', ...CHANGED },
    { sql: 'SELECT 1 /*m! , @x := 1 */', session: 'clean' },
    { sql: 'SELECT 1 /*M , @x := 1 */', session: 'clean' },
    { sql: 'SELECT 1 /* ! , @x := 1 */', session: 'clean' },
    { sql: 'SELECT 1 /*M! , @x := 1 */', on: 'mysql' },
    { sql: 'SELECT 1 /*+ ! , @x := 1 */', session: 'clean' },
    { sql: "SELECT '/*!', 1, '*/'", session: 'clean', transaction: 'open', readOnly: true },
    { sql: '# /*!\nSELECT 1 # */', session: 'clean', transaction: 'open' },
    { sql: '-- /*!\nSELECT 1 -- */', session: 'clean', transaction: 'open' },
    { sql: '/* /*! */ SELECT 1', session: 'clean', transaction: 'open' },
  ]),
  subject('texts without an end', UNFINISHED, [
    'SELECT 1 /* a',
    'SELECT 1 /*',
    'SELECT 1 /*!',
    'SELECT 1 /*! , 2',
    'SELECT 1 /*!50000 , @x := 1',
    '/* a',
    "SELECT 'a",
    'SELECT "a',
    'SELECT 1 AS `a',
    "SELECT 'a\\'",
    'SELECT "a\\"',
    "SELECT 'a''",
    "SELECT 'a''''",
    { sql: '', fails: 1065, readOnly: undefined },
    { sql: ';', fails: 1065, readOnly: undefined },
    { sql: ' \n\t ', fails: true, readOnly: undefined },
    { sql: '-- a', fails: undefined, statements: 0, readOnly: undefined },
    { sql: '/* a */', fails: undefined, statements: 0, readOnly: undefined },
    { sql: '5', readOnly: undefined },
    { sql: '?', readOnly: undefined },
    { sql: '🙂', readOnly: undefined },
    { sql: '*/ SELECT 1', readOnly: undefined },
    { sql: ') SELECT 1', readOnly: undefined },
    { sql: '((SELECT 1)', readOnly: undefined },
  ]),
];
