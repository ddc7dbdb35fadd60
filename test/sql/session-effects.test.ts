// What a statement may leave behind in the session, statement by statement.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factsOf } from '../../src/sql/index.js';
import { CHANGES_SESSION, isPlain, surveyOf } from '../../src/sql/session-effects.js';

const changes = (sql: string): boolean => factsOf(sql).changesSession;

describe('a session', () => {
  it.each([
    'SELECT 1',
    'select * from t where a = "x;y"',
    '  \n\tSELECT 1;',
    '((SELECT 1) UNION (SELECT 2))',
    '-- words\nSELECT 1',
    '# words\nSELECT 1',
    '/* set */ SELECT 1',
    'INSERT INTO t VALUES (1)',
    'UPDATE t SET a = 1',
    'DELETE FROM t',
    'REPLACE INTO t VALUES (1)',
    'LOAD DATA LOCAL INFILE "x" INTO TABLE t (a, b)',
    'LOAD XML INFILE "x" INTO TABLE t',
    'WITH c AS (SELECT 1) SELECT * FROM c',
    'BEGIN',
    'START TRANSACTION',
    'COMMIT',
    'ROLLBACK',
    'SAVEPOINT a',
    'RELEASE SAVEPOINT a',
    'SHOW TABLES',
    'EXPLAIN SELECT 1',
    'DESCRIBE t',
    'CREATE TABLE t (a INT)',
    'ALTER TABLE t ADD b INT',
    'DROP TABLE t',
    'TRUNCATE t',
    'SELECT offset, `set`, usage_count FROM t',
    'SELECT 1; SELECT 2',
    "INSERT INTO t VALUES ('temporary', ':=', '; do', '/*!', 'into @', 'get_lock(', '-- ', '#')",
    "INSERT INTO t VALUES ('a@b.com', 'into@x'); ",
    "INSERT INTO t VALUES ('O\\'Brien')",
    "SELECT 'it''s; set', \"it's; set\"",
    'SELECT 1 -- ; SET @a = 1',
    'SELECT 1 # ; SET @a = 1',
    'SELECT 1 /* INTO @a; GET_LOCK(1) := */',
    'SELECT /*+ SET_VAR(sort_buffer_size = 1) */ 1',
    'SELECT `get_lock`, get_lock FROM t',
    'SELECT last_login, lock_until FROM t WHERE a IN (1)',
    'SELECT @a, @@b FROM t',
    'SELECT 5--1',
    'INSERT INTO t (temporary) VALUES (1)',
    'SELECT 1; COMMIT; START TRANSACTION',
    'BEGIN WORK;',
    'begin /* now */ work',
    'ROLLBACK TO a',
    'CREATE FUNCTION f() RETURNS INT BEGIN SET @left = 1; RETURN 1; END',
    "CREATE TABLE t (a INT COMMENT 'temporary')",
    'CREATE TABLE database_of_x (a INT)',
    "SELECT 1 INTO OUTFILE '/tmp/@x'",
    'ANALYZE TABLE t',
    'GRANT SELECT ON *.* TO "u"@"h"',
  ])('is as clean as before after: %s', (statement) => {
    expect(changes(statement)).toBe(false);
  });

  it.each([
    'SET @a = 1',
    'set session sql_mode = ""',
    'SET NAMES utf8mb4',
    'SELECT @a := 1',
    'SELECT 1 INTO @a',
    'SELECT a INTO  @b FROM t',
    "SELECT GET_LOCK('a', 1)",
    "select get_lock ('a', 1)",
    'CREATE TEMPORARY TABLE t (a INT)',
    'CREATE OR REPLACE TEMPORARY TABLE t (a INT)',
    'DROP TEMPORARY TABLE t',
    'LOCK TABLES t READ',
    'UNLOCK TABLES',
    'FLUSH TABLES WITH READ LOCK',
    'PREPARE s FROM "SELECT 1"',
    'CALL p()',
    'HANDLER t OPEN',
    "XA START 'x'",
    'LOAD DATA LOCAL INFILE "x" INTO TABLE t (@a)',
    'DO 1',
    '/*! SET @a = 1 */',
    '/*!50000 SELECT 1 */',
    '/*M!100000 SET @a = 1 */',
    'SELECT /*! 1 */',
    'SELECT 1; SET @a = 1',
    'SELECT 1; CALL p()',
    'EXECUTE IMMEDIATE "SELECT 1"',
    '',
    '5',
    '🙂',
    "SELECT '-- not a comment', @left := 1",
    "SELECT '# nor this', @left := 1",
    "SELECT '/*', @left := 1, '*/'",
    "SELECT 'a' -- 'a comment\n, @left := 1",
    "BEGIN NOT ATOMIC SET SESSION time_zone = '+05:00'; END",
    "SELECT GET_LOCK/* quietly */('a', 0)",
    "SELECT `GET_LOCK`('a', 0)",
    'SELECT "GET_LOCK"(\'a\', 0)',
    "SELECT Get_Lock\n\t('a', 0)",
    "SELECT GET_LOCK -- why\n('a', 0)",
    "SELECT service_get_write_locks('a', 'b', 0)",
    "SELECT version_tokens_lock_shared('a', 0)",
    'SELECT 1 INTO /* quietly */ @left',
    'SELECT 1 INTO # quietly\n @left',
    'SELECT 1 INTO@left',
    "SELECT 1 INTO @'left'",
    'SELECT 1 INTO @`left`',
    'SELECT 1e5INTO @left',
    'SELECT 1.5INTO @left',
    'SELECT .5INTO @left',
    'TABLE t INTO @left',
    'VALUES ROW(1) INTO @left',
    'EXPLAIN FORMAT=JSON INTO @left SELECT 1',
    "SELECT '/*', 1 INTO @left, '*/'",
    'FLUSH TABLES t FOR EXPORT',
    'SET ROLE r',
    'BACKUP STAGE START',
    'LOCK INSTANCE FOR BACKUP',
    'USE other',
    'DROP DATABASE d',
    '/* x */ DROP DATABASE d',
    'DROP /* x */ SCHEMA d',
    'CREATE DATABASE d',
    'CREATE OR REPLACE DATABASE d',
    'ALTER DATABASE d CHARACTER SET utf8mb4',
    'SELECT 1; DROP SCHEMA d',
    'SELECT 1; CREATE TEMPORARY TABLE t (a INT)',
    'SELECT 1; BEGIN NOT ATOMIC SELECT 1; END',
    'SELECT 1;(((USE d',
    "INSERT INTO t VALUES ('a'); SET @a = 1",
    "SELECT 'O\\'Brien', GET_LOCK('a', 0)",
    "SELECT 'a\\', @left := 1, '\\'",
    'SELECT "a\\", @left := 1, \'\\"\'',
    'CREATE PROCEDURE p() BEGIN SELECT 1; SET @a = 1; END',
    'CREATE PROCEDURE p() SELECT 1; IF 1 THEN SET @a = 1; END IF',
    'IF 1 THEN SET @a = 1; END IF',
    'BEGIN; SET @a = 1',
    'SELECT 1 INTO\u00A0@left',
    '--SELECT 1',
    '? 1',
    '"SELECT" 1',
  ])('may have changed after: %s', (statement) => {
    expect(changes(statement)).toBe(true);
  });

  it('is taken to have changed after a word that is not known, in any case and behind any comment', () => {
    const words = fc.constantFrom('SET', 'CALL', 'USE', 'LOCK', 'PREPARE', 'HANDLER', 'XA', 'DO', 'NEWFANGLED', 'INSTALL');
    const before = fc.constantFrom('', ' ', '\n\t', '/* x */', '-- x\n', '#\n', '(', ';');
    fc.assert(
      fc.property(words, fc.array(before, { maxLength: 4 }), fc.boolean(), (word, prefix, lower) => {
        const statement = `${prefix.join('')}${lower ? word.toLowerCase() : word} something`;
        expect(changes(statement)).toBe(true);
      }),
    );
  });

  it('is as clean as before after any literal that has one reading only', () => {
    const pieces = fc.constantFrom(
      ':=',
      ' into @',
      '@',
      ';',
      '; set',
      'get_lock(',
      '/*',
      '*/',
      '/*!',
      '--',
      '-- ',
      '#',
      '\n',
      "''",
      '"',
      '`',
      'temporary',
      '(',
      'é',
      '\\\\',
      '\\n',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        expect(changes(`INSERT INTO t (a, b) VALUES ('${parts.join('')}', 1)`)).toBe(false);
      }),
    );
  });

  it('has changed wherever what changes it stands, as long as that is no literal and no comment', () => {
    const change = fc.constantFrom('@a := 1', "GET_LOCK ('a', 1)", '`get_lock`/**/(1, 2)', '(SELECT 1 INTO @a)');
    const pieces = fc.constantFrom(
      "'/*'",
      "'*/'",
      "'-- '",
      "'#'",
      '"/*"',
      '`/*`',
      '/* x */',
      '-- x\n',
      '# x\n',
      "'it''s'",
      '1',
      '.5',
      'a.b',
      "x'ff'",
      "'\\\\'",
    );
    const list = fc.array(pieces, { maxLength: 5 });
    fc.assert(
      fc.property(list, change, list, (before, what, after) => {
        expect(changes(`SELECT ${[...before, what, ...after].join(', ')}`)).toBe(true);
      }),
    );
  });

  it('is never as clean as before at first sight and changed at a closer look', () => {
    const pieces = fc.constantFrom(
      ' ',
      "'",
      '"',
      '`',
      '@',
      '@v',
      ' into ',
      'x',
      '_lock',
      'get_lock',
      '(',
      ';',
      ':',
      '=',
      '-',
      '#',
      '/',
      '*',
      '!',
      '\\',
      '1',
      '.',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const sql = `SELECT ${parts.join('')}`;
        expect(isPlain(sql) && (surveyOf(sql) & CHANGES_SESSION) !== 0).toBe(false);
      }),
      { numRuns: 20_000 },
    );
  });
});
