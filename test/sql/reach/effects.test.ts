// What statements read and write, under a schema with views, triggers, foreign keys and routines.
import { describe, expect, it } from 'vitest';
import { dependenciesOf, effectOf, factsOf, Schema } from '../../../src/sql/index.js';

const digestOf = (sql: string): string | undefined => factsOf(sql).ruleDigest;

const schema = new Schema({
  tables: ['a', 'b', 'c', 'd', 'status', 'we ird', 'log', 'child', 'grandchild', 'opaque'],
  views: [
    { name: 'v', definition: 'select `x`.`a`.`id` from `x`.`a` join `x`.`b`' },
    { name: 'w', definition: 'select * from v' },
    { name: 'hidden', definition: undefined },
    { name: 'computed', definition: 'select f(1) from a' },
  ],
  triggers: [
    { table: 'c', body: 'BEGIN INSERT INTO log VALUES (1); END' },
    { table: 'opaque', body: 'CALL p()' },
  ],
  cascades: [
    { parent: 'd', child: 'child' },
    { parent: 'child', child: 'grandchild' },
  ],
  routines: ['f', 'p'],
  epoch: '1',
});

const reads = (sql: string): string => {
  const found = dependenciesOf(sql, schema);
  return found.kind === 'tables' ? [...found.tables].sort().join(' ') : found.kind;
};

const writes = (sql: string): string => {
  const effect = effectOf(sql, schema);
  if (effect.kind !== 'writes') return effect.kind;
  return effect.tables === 'everything' ? '*' : [...effect.tables].sort().join(' ');
};

describe('what a statement reads', () => {
  it.each([
    ['SELECT * FROM a', 'a'],
    ['select 1', ''],
    ['SELECT * FROM `we ird` WHERE x IN (SELECT id FROM b)', 'b we ird'],
    ['SELECT * FROM x.A, b AS q JOIN c USING (id) LEFT JOIN (SELECT * FROM d) z ON 1', 'a b c d'],
    ['SELECT (SELECT MAX(id) FROM b), CASE WHEN EXISTS(SELECT 1 FROM c) THEN 1 END FROM a ORDER BY (SELECT n FROM d)', 'a b c d'],
    ['WITH q AS (SELECT * FROM a), r (n) AS (SELECT 1 FROM b) SELECT * FROM q JOIN r', 'a b'],
    ['SELECT 1 FROM a UNION (SELECT 1 FROM b EXCEPT SELECT 1 FROM c)', 'a b c'],
    ['SELECT * FROM w', 'a b v w'],
    ['SELECT \'FROM b\', "c" -- FROM d\n FROM a # JOIN b\n /* JOIN c */', 'a c'],
    ['SELECT * FROM a /*!50000 JOIN b */', 'a b'],
    ["SELECT 'it''s \\' b' FROM a", 'a'],
    ['SELECT EXTRACT(YEAR FROM day), TRIM(LEADING x FROM y), x IS DISTINCT FROM z FROM a', 'a'],
    ['SELECT * FROM a FORCE INDEX (i) PARTITION (p0), b WHERE REPLACE(x, 1, 2) = INSERT(x, 1, 1, 2)', 'a b'],
    ['TABLE a', 'a'],
    ['(SELECT * FROM a) LIMIT 1;', 'a'],
    ['SELECT NOW(), RAND() FROM a', 'unwatchable'],
    ['SELECT * FROM unheard', 'unknown'],
    ['SELECT * FROM a JOIN unheard', 'unknown'],
    ['SELECT f(1)', 'unknown'],
    ['SELECT * FROM hidden', 'unknown'],
    ['SELECT * FROM computed', 'unknown'],
    ['SELECT * FROM information_schema.tables', 'unwatchable'],
    ['SELECT @x', 'uncacheable'],
    ['SELECT * FROM a WHERE x = @@session.y', 'uncacheable'],
    ['SELECT LAST_INSERT_ID()', 'uncacheable'],
    ['SELECT * FROM a FOR UPDATE', 'uncacheable'],
    ['SELECT * FROM a LOCK IN SHARE MODE', 'uncacheable'],
    ["SELECT * FROM a INTO OUTFILE 'x'", 'uncacheable'],
    ['SELECT NEXTVAL(s)', 'uncacheable'],
    ['SELECT NEXT VALUE FOR s', 'uncacheable'],
    ['SELECT 1; DELETE FROM a', 'uncacheable'],
    ['SHOW TABLES', 'uncacheable'],
    ["SELECT 'no end", 'uncacheable'],
    ['WITH q AS (SELECT 1) DELETE FROM a', 'uncacheable'],
    ['UPDATE a SET x = 1', 'uncacheable'],
    ['SELECT `last_insert_id`()', 'uncacheable'],
    ['SELECT PREVIOUS VALUE FOR s', 'uncacheable'],
    ['SELECT 1e5INTO @x', 'uncacheable'],
    ["SELECT * FROM a WHERE x = 'O\\'Brien'", 'a'],
    ["SELECT 'a\\', `b`, \\'' FROM a", 'a b'],
    ["SELECT 'a\\', @x, '' FROM a", 'uncacheable'],
    ["SELECT * FROM a /*! WHERE x = 'b' */", 'uncacheable'],
    ['/*!99999 SELECT */ UPDATE a SET x = 1', 'uncacheable'],
    ['SELECT * FROM a /* no end', 'uncacheable'],
    ['SELECT 1--1 FROM a -- JOIN b', 'a'],
    ['', 'uncacheable'],
  ])('%s', (sql, expected) => {
    expect(reads(sql)).toBe(expected);
  });
});

describe('what a statement writes', () => {
  it.each([
    ['INSERT INTO a (status) VALUES (1)', 'a'],
    ['INSERT a SET status = 1', 'a'],
    ['INSERT LOW_PRIORITY IGNORE INTO `x`.`a` VALUES (?)', 'a'],
    ["insert into a values ('b'), ('c') on duplicate key update status = values(status), y = 2", 'a'],
    ['INSERT INTO a SELECT id, x FROM b ON DUPLICATE KEY UPDATE z = 1, y = 2', 'a b'],
    ['REPLACE a VALUES (1)', 'a'],
    ['UPDATE a SET status = REPLACE(x, 1, 2), y = EXTRACT(YEAR FROM z)', 'a'],
    ['UPDATE a q, b r SET r.x = 1', 'a b'],
    ['UPDATE a JOIN b ON a.id = b.id, (SELECT 1) z SET a.x = 1', 'a b'],
    ['DELETE q FROM a AS q JOIN b USING (status)', 'a b'],
    ['DELETE FROM a WHERE x = 1', 'a'],
    ['WITH q AS (SELECT 1 FROM b) UPDATE a JOIN q SET x = 1', 'a b'],
    ["LOAD DATA INFILE 'f' INTO TABLE a (x, y)", 'a'],
    ['TRUNCATE TABLE a', 'a'],
    ['TRUNCATE a', 'a'],
    ['UPDATE v SET id = 1', 'a b v'],
    ['INSERT INTO c VALUES (1)', 'c log'],
    ['DELETE FROM d', 'child d grandchild'],
    ['DELETE FROM opaque', '*'],
    ['INSERT INTO unheard VALUES (1)', '*'],
    ['UPDATE a JOIN unheard SET x = 1', '*'],
    ['CALL p()', '*'],
    ['EXECUTE anything', '*'],
    ['SELECT f(1)', '*'],
    ['UPDATE a SET x = f(1)', '*'],
    ["UPDATE a SET x = 'no end", '*'],
    ['what is this', '*'],
    ['CREATE TABLE n (x INT)', 'schema'],
    ['DROP TABLE a', 'schema'],
    ['CREATE TEMPORARY TABLE n (x INT)', 'none'],
    ['SELECT * FROM a', 'none'],
    ['WITH q AS (SELECT 1) SELECT * FROM q', 'none'],
    ['START TRANSACTION', 'none'],
    ['SET NAMES utf8mb4', 'none'],
    ['EXPLAIN UPDATE a SET x = 1', 'none'],
    ['ANALYZE UPDATE a SET x = 1', 'a'],
    ['ANALYZE TABLE a', 'none'],
    ['EXPLAIN ANALYZE UPDATE a JOIN b SET x = 1', 'a b'],
    ['BEGIN WORK', 'none'],
    ['BEGIN NOT ATOMIC UPDATE a SET x = 1; END', '*'],
    ['SET STATEMENT max_statement_time = 1 FOR UPDATE a SET x = 1', '*'],
    ["XA COMMIT 'x'", '*'],
    ["XA PREPARE 'x'", 'none'],
    ['', 'none'],
    ['SELECT 1; UPDATE a SET x = 1; INSERT INTO b VALUES (1)', 'a b'],
    ['UPDATE a SET x = 1; DROP TABLE b', 'schema'],
    ["UPDATE a SET x = ';DROP TABLE b'", 'a'],
    ['/*! UPDATE a SET x = 1 */', 'a'],
    ['INSERT INTO /*!99999 a */ b VALUES (1)', 'a b'],
    ['/*!99999 SELECT */ UPDATE /*!99999 a SET */ b SET x = 1', '*'],
    ['/*!1 CREATE */ /*!2 TABLE */ n (x INT)', 'schema'],
    ["/*! SELECT '*/ UPDATE a SET x = 1", 'schema'],
    ["INSERT INTO a VALUES ('O\\'Brien')", 'a'],
    ["UPDATE a SET x = 'y\\', z = '; UPDATE b SET x = 1 -- '", 'a b'],
    ["INSERT INTO a VALUES ('/*!', ';', ':=', '#')", 'a'],
    ['WITH q AS (SELECT 1) DELETE FROM a', 'a'],
    ['TABLE a', 'none'],
    ['VALUES ROW(1)', 'none'],
    ['DO f(1)', '*'],
    ['CREATE TEMPORARY TABLE n SELECT f(1)', '*'],
    ['(((', 'none'],
  ])('%s', (sql, expected) => {
    expect(writes(sql)).toBe(expected);
  });

  it('is everything while the schema is not known', () => {
    expect(effectOf('UPDATE a SET x = 1', undefined)).toEqual({ kind: 'writes', tables: 'everything', immediate: true });
  });

  it('is found in a text of megabytes', () => {
    const text = `INSERT INTO a VALUES ${Array.from({ length: 20_000 }, (_, n) => `(${n}, '${'\\'.repeat(2)}b''${'x'.repeat(50)}')`).join(', ')}`;
    expect(writes(text)).toBe('a');
  });
});

describe('the digest of a statement', () => {
  it('is the same for any literals, lengths of lists, spaces, comments and case of letters', () => {
    const digest = digestOf('SELECT * FROM a WHERE x = ? AND y IN (?, ?)');
    for (const sql of ["select *  from A where x='q' and y in (1,2,3)", 'SELECT * FROM `a` WHERE x = 5 AND y IN (?); -- z'])
      expect(digestOf(sql)).toBe(digest);
    expect(digestOf('SELECT * FROM b WHERE x = ? AND y IN (?)')).not.toBe(digest);
    expect(digestOf(' /* nothing */ ')).toBeUndefined();
  });
});
