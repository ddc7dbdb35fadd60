import { describe, expect, it } from 'vitest';
import { isReadOnly } from '../../src/mysql/read-only.js';

describe('a text that only reads', () => {
  it.each([
    'SELECT 1',
    'select * from users where id = ? ;',
    '  (SELECT a FROM t) UNION (SELECT b FROM u)',
    "SELECT COUNT(*), MAX(total) FROM `orders` o JOIN users u ON (o.user_id = u.id) WHERE name IN ('a', 'it''s') AND (x > 1 OR NOT (y < 2))",
    'SELECT COALESCE(CONCAT(first, " ", last), ?) FROM people ORDER BY id LIMIT 10',
    "SELECT 'INSERT INTO t; -- not a comment' AS text",
    'SELECT `update`, `for` FROM `delete`',
    '/* by the reporting job */ SELECT 1',
    'WITH recent AS (SELECT id FROM orders WHERE at > NOW() - INTERVAL 1 DAY) SELECT * FROM recent',
    'SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) FROM t WHERE EXISTS (SELECT 1 FROM u)',
    'SELECT CAST(price AS DECIMAL(10, 2)) FROM t WHERE (a, b) IN ((1, 2), (3, 4))',
    'SHOW TABLES',
    'EXPLAIN SELECT 1',
    'VALUES (1), (2)',
  ])('%s', (sql) => {
    expect(isReadOnly(sql)).toBe(true);
  });

  it.each([
    '',
    'INSERT INTO t VALUES (1)',
    'UPDATE t SET a = 1',
    'DELETE FROM t',
    'REPLACE INTO t VALUES (1)',
    'CALL p()',
    'DO f()',
    'SET @a = 1',
    'SELECT 1; DELETE FROM t',
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    'SELECT * FROM t FOR UPDATE',
    'SELECT * FROM t LOCK IN SHARE MODE',
    'SELECT @a := 1',
    "SELECT GET_LOCK('a', 1)",
    'SELECT my_function(1)',
    'SELECT `my_function`(1)',
    'SELECT "my_function"(1)',
    'SELECT app.count(1)',
    'SELECT `app`.`count`(1)',
    'SELECT COUNT (1)',
    'SELECT zähle(1)',
    'SELECT NEXT VALUE FOR s',
    'SELECT NEXTVAL(s)',
    'SELECT s.nextval',
    'SELECT SQL_CALC_FOUND_ROWS * FROM t PROCEDURE ANALYSE()',
    'WITH x AS (SELECT 1) DELETE FROM t WHERE id IN (SELECT * FROM x)',
    'EXPLAIN ANALYZE SELECT f()',
    'ANALYZE UPDATE t SET a = 1',
    '/*! DELETE FROM t */',
    'SELECT 1 /*! INTO OUTFILE "x" */',
    'SELECT 1 /*M! INTO OUTFILE "x" */',
    'SELECT 1 -- \n; DELETE FROM t',
    'SELECT 1 # \n; DELETE FROM t',
    "SELECT 'a\\'; DELETE FROM t; SELECT '",
    "SELECT 'unfinished",
    'SELECT 1 /* unfinished',
  ])('is not proven: %s', (sql) => {
    expect(isReadOnly(sql)).toBe(false);
  });
});
