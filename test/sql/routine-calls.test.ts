/** Which statements may call a stored function, by their text. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factsOf } from '../../src/sql/index.js';

describe('a stored function', () => {
  it.each([
    'SELECT f()',
    'SELECT f ()',
    'SELECT f/**/(1)',
    'SELECT f -- in\n(1)',
    'SELECT f # in\n(1)',
    'SELECT `f`(1)',
    'SELECT db.now()',
    'SELECT db . now()',
    'SELECT db./**/now()',
    'SELECT `count`(1)',
    'SELECT 1; SELECT f()',
    'SELECT "O\'\\"x", f()',
    'SELECT * FROM t WHERE a = f(b)',
    'WITH c AS (SELECT f()) SELECT * FROM c',
    'UPDATE t SET a = f(1)',
    'DELETE FROM t WHERE a = f()',
    "INSERT INTO notes (body) VALUES (f('x'))",
    'INSERT INTO `db`.`notes` (`body`) VALUES (f(1))',
    'INSERT notes (body) VALUES (f(1))',
    'INSERT INTO t SELECT f(a) FROM t',
    'INSERT INTO t SET a = f()',
    'REPLACE INTO t SET a = f()',
    'INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = f()',
    'CREATE TABLE t AS SELECT f()',
    'EXPLAIN ANALYZE SELECT f()',
    'SET STATEMENT max_statement_time = 1 FOR SELECT f()',
    'VALUES ROW(f())',
    'SELECT überall(1)',
  ])('may be called by: %s', (sql) => {
    expect(factsOf(sql).callsRoutine).toBe(true);
  });

  it.each([
    '',
    'SELECT 1',
    'SELECT COUNT(*), MAX(a) FROM t WHERE id IN (1, 2) AND (a OR b)',
    'SELECT \'f(1)\', "f(1)", `f` FROM t -- f(1)',
    'SELECT CAST(a AS DECIMAL(10,2)), CONVERT(a, CHAR(3)) FROM t',
    'SELECT * FROM (SELECT 1) AS d (a)',
    'WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT * FROM s',
    "SELECT * FROM JSON_TABLE('[]', '$[*]' COLUMNS (a INT PATH '$')) AS j",
    'SELECT ROW_NUMBER() OVER (PARTITION BY a) FROM t WINDOW w AS (ORDER BY a)',
    'SELECT * FROM t USE INDEX (i) JOIN u USING (id) WHERE MATCH (a) AGAINST (b)',
    'SELECT ST_Distance_Sphere(a, b), VEC_DISTANCE_COSINE(a, b), UUID()',
    'INSERT INTO notes (body) VALUES (NOW())',
    'INSERT INTO `db`.`notes` (`body`) VALUES (?)',
    'INSERT INTO notes(body) VALUES (1) ON DUPLICATE KEY UPDATE body = VALUES(body)',
    'INSERT INTO notes (body) VALUES (1) AS new (a) ON DUPLICATE KEY UPDATE body = a',
    'REPLACE notes (body) VALUES (1)',
    'CREATE TABLE t (a INT, KEY k (a))',
    'ALTER TABLE t ADD INDEX i (a)',
    'CALL f(1)',
  ])('is not called by: %s', (sql) => {
    expect(factsOf(sql).callsRoutine).toBe(false);
  });

  it('is not seen in any data', () => {
    const parts = fc.constantFrom(
      'f(',
      'temporary',
      ':=',
      '; do',
      '/*!',
      '*/',
      'into @x',
      '-- ',
      '#',
      "''",
      '\\\\',
      'get_lock(',
      ' (',
      'set role',
      '\n',
      'é',
    );
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 12 }), (data) => {
        const text = data.join(' ');
        for (const sql of [
          `INSERT INTO notes (body) VALUES ('${text}')`,
          `UPDATE notes SET body = '${text}' WHERE id = 1`,
          `SELECT '${text}' AS a`,
        ]) {
          const { callsRoutine, changesSession } = factsOf(sql);
          expect([sql, callsRoutine, changesSession]).toEqual([sql, false, false]);
        }
      }),
    );
  });
});

describe("MariaDB's SET STATEMENT", () => {
  it.each([
    ['SET STATEMENT max_statement_time = 1 FOR SELECT 1', true],
    ["set /* x */ statement sort_buffer_size = 1, sql_mode = '' for insert into t (a) values (1)", true],
    ['SET STATEMENT max_statement_time = 1 FOR SELECT f()', false],
    ['SET STATEMENT max_statement_time = 1 FOR SET @a = 1', false],
    ['SET STATEMENT max_statement_time = 1 FOR (SELECT @a := 1)', false],
    ["SET STATEMENT max_statement_time = GET_LOCK('a', 0) FOR SELECT 1", false],
    ['SET STATEMENT max_statement_time = 1 FOR CALL p()', false],
    ['SET STATEMENT max_statement_time = 1', false],
    ['SET STATEMENT max_statement_time = 1 FOR', false],
    ['SET STATEMENT max_statement_time = 1 FOR SELECT 1; SET @a = 1', false],
    ['SET @statement = 1', false],
    ['SET', false],
  ])('leaves the session as it was, %s: %s', (sql, expected) => {
    expect(factsOf(sql).setsForItself).toBe(expected);
  });
});
