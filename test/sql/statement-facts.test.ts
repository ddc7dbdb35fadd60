// The facts of a text: its first word, what telemetry calls it, whether it may commit, asks for read-only transactions or loads a file.
import * as fc from 'fast-check';
import { format } from 'mysql2';
import { describe, expect, it } from 'vitest';
import { dependenciesOf, effectOf, factsOf, Schema, type StatementFacts } from '../../src/sql/index.js';

const HOSTILE = '\'"`\\/*!+-#?(),.;:=@0x1e \n\tMNB_$azé\u00A0\u0000'.split('');

function allFacts(facts: StatementFacts): unknown[] {
  const { first, operation, summary, severalStatements, readOnly, changesSession, asksReadOnly, loadsLocalFile, looksLikeRead } = facts;
  const digests = [facts.digest, facts.digestUpTo(10), facts.ruleDigest];
  const commits = [facts.mayCommit(false), facts.mayCommit(true)];
  return [
    first,
    operation,
    summary,
    severalStatements,
    readOnly,
    changesSession,
    asksReadOnly,
    loadsLocalFile,
    looksLikeRead,
    ...digests,
    ...commits,
  ];
}

describe('the first word of a text', () => {
  it.each([
    ['SELECT 1', 'SELECT', 'SELECT'],
    ['select*from t', 'SELECT', 'SELECT'],
    [' \n\t((;/* x */-- y\n# z\nInsert INTO t', 'INSERT', 'INSERT'],
    ['/*!40101 SET NAMES utf8 */', 'SET', 'SET'],
    ['/*M!100100 ANALYZE */', 'ANALYZE', 'ANALYZE'],
    ['/*!*/ SET @a = 1', 'SET', 'SET'],
    ['/*!50000*/ SET @a = 1', 'SET', 'SET'],
    ['newfangled 1', 'NEWFANGLED', 'OTHER'],
    ['SELECT1', 'SELECT1', 'OTHER'],
    [`${'x'.repeat(40)} 1`, '', 'OTHER'],
    ['--SELECT 1', '', 'OTHER'],
    ['5', '', 'OTHER'],
    ['`SELECT` 1', '', 'OTHER'],
    ['', '', 'OTHER'],
    ['/* only */', '', 'OTHER'],
    ['ſelect 1', '', 'OTHER'],
  ])('of %s is %s, and telemetry says %s', (sql, first, operation) => {
    expect(factsOf(sql)).toMatchObject({ first, operation });
  });
});

describe('the summary of a text', () => {
  it.each([
    ['SELECT * FROM users u JOIN `Orders` AS o ON o.user = u.id WHERE x = "secret"', 'SELECT users orders'],
    ["INSERT INTO app.users VALUES ('secret')", 'INSERT users'],
    ['CREATE TABLE IF NOT EXISTS users (id INT)', 'CREATE users'],
    ['WITH q AS (SELECT 1 FROM a) DELETE FROM b', 'WITH a b'],
    ['PREPARE s FROM "SELECT secret"', 'PREPARE'],
    ["SELECT 'a\\', secret FROM t", 'SELECT'],
    ['SELECT 1 FROM t /*! WHERE a = "*/ FROM secret', 'SELECT'],
    ['newfangled 1', 'OTHER'],
    ['', 'OTHER'],
  ])('of %s is %s', (sql, summary) => {
    expect(factsOf(sql).summary).toBe(summary);
  });

  it('is short, however many tables there are', () => {
    const sql = `SELECT 1 FROM ${Array.from({ length: 100 }, (_, n) => `table_${n}`).join(', ')}`;
    expect(factsOf(sql).summary).toMatch(/^SELECT table_0 .*table_\d+$/);
    expect(factsOf(sql).summary.length).toBeLessThanOrEqual(255);
  });
});

describe('several statements', () => {
  it.each(['SELECT 1; SELECT 2', ';;SELECT 1; ;SELECT 2;', 'CREATE PROCEDURE p() BEGIN SELECT 1; END; SELECT 2', 'BEGIN; SELECT 1'])(
    'are in: %s',
    (sql) => {
      expect(factsOf(sql).severalStatements).toBe(true);
    },
  );

  it.each([
    'SELECT 1',
    'SELECT 1; -- ; no more\n',
    'SELECT \';\', `;`, ";" /* ; */ # ;\n;;',
    "SELECT 'O\\'Brien'",
    'CREATE PROCEDURE p() BEGIN DECLARE x INT; IF x THEN SELECT 1; END IF; SELECT CASE x WHEN 1 THEN 2 END; END',
    'CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW IF NEW.x THEN SET NEW.y = IF(1, 2, 3); END IF',
    'CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC WHILE a DO SET a = a - 1; END WHILE',
    'BEGIN NOT ATOMIC SELECT 1; SELECT 2; END',
    'IF 1 THEN SELECT 1; ELSE SELECT 2; END IF',
    '',
  ])('are not in: %s', (sql) => {
    expect(factsOf(sql).severalStatements).toBe(false);
  });
});

describe('a text may end the transaction', () => {
  it.each([
    'COMMIT',
    'ROLLBACK',
    'rollback work',
    'CREATE TABLE t (a INT)',
    'SET autocommit = 1',
    'CALL p()',
    '',
    'BEGIN',
    '/*! COMMIT */',
    'LOCK TABLES t READ',
  ])('as one statement: %s', (sql) => {
    expect(factsOf(sql).mayCommit(false)).toBe(true);
  });

  it.each([
    'SELECT 1; COMMIT',
    'SELECT 1; /* x */ (commit)',
    'UPDATE t SET a = 1; TRUNCATE t',
    "SELECT 'a\\'; COMMIT; SELECT '",
    'SELECT 1 /*! ; COMMIT */',
    'SELECT 1 /*!99999 */ ; COMMIT',
    'ROLLBACK TO a; COMMIT',
    'COMMIT',
  ])('as several: %s', (sql) => {
    expect(factsOf(sql).mayCommit(true)).toBe(true);
  });

  it.each([
    'SELECT 1',
    'INSERT INTO t VALUES (1)',
    'ROLLBACK TO a',
    'rollback /* x */ work to savepoint a',
    'SAVEPOINT a',
    'RELEASE SAVEPOINT a',
    "SELECT 1; UPDATE t SET a = '; COMMIT'; # ; COMMIT",
    "INSERT INTO t VALUES ('O\\'Brien')",
    'SELECT /*!40001 SQL_NO_CACHE */ 1',
    'SELECT `;commit`',
  ])('and does not: %s', (sql) => {
    expect(factsOf(sql).mayCommit(false)).toBe(false);
    expect(factsOf(sql).mayCommit(true)).toBe(false);
  });
});

describe('read-only transactions', () => {
  it.each([
    ['START TRANSACTION READ ONLY', 'transaction'],
    ['start transaction with consistent snapshot, read /* x */ only', 'transaction'],
    ['SELECT 1; START TRANSACTION READ ONLY', 'transaction'],
    ['SET TRANSACTION READ ONLY', 'next'],
    ['SET SESSION TRANSACTION READ ONLY', 'session'],
    ['SET SESSION transaction_read_only = 1', 'session'],
    ['SET @@session.tx_read_only = ON', 'session'],
    ['SET GLOBAL read_only = 1', 'session'],
    ['/*!50003 SET SESSION TRANSACTION READ ONLY */', 'session'],
    ['SET SESSION transaction_read_only = 0', undefined],
    ['SET SESSION transaction_read_only := OFF', undefined],
    ['START TRANSACTION', undefined],
    ['START TRANSACTION READ WRITE', undefined],
    ["SET @a = 'read only'", undefined],
    ['SELECT read_only FROM t', undefined],
  ])('%s asks for: %s', (sql, expected) => {
    expect(factsOf(sql).asksReadOnly).toBe(expected);
  });
});

describe('a local file', () => {
  it.each([
    'LOAD DATA LOCAL INFILE "x" INTO TABLE t',
    'load xml low_priority local infile "x" into table t',
    'SELECT 1; LOAD DATA /* x */ LOCAL INFILE "x" INTO TABLE t',
    '/*! LOAD DATA */ LOCAL INFILE "x" INTO TABLE t',
    '/*!99999 x */ LOAD DATA LOCAL INFILE "x" INTO TABLE t',
    'SET STATEMENT max_statement_time = 5 FOR LOAD DATA LOCAL INFILE "x" INTO TABLE t',
    'EXECUTE IMMEDIATE \'LOAD DATA LOCAL INFILE "x" INTO TABLE t\'',
  ])('is loaded by: %s', (sql) => {
    expect(factsOf(sql).loadsLocalFile).toBe(true);
  });

  it.each([
    'LOAD DATA INFILE "LOCAL" INTO TABLE t',
    'SELECT load, local FROM t',
    "SET SESSION sql_mode = 'LOAD DATA LOCAL'",
    'SET LOCAL foreign_key_checks = 0',
    "SELECT 'LOAD DATA LOCAL'",
    'EXECUTE s',
  ])('is not loaded by: %s', (sql) => {
    expect(factsOf(sql).loadsLocalFile).toBe(false);
  });
});

describe('a text looks like a read', () => {
  it('when it begins with SELECT on every server', () => {
    for (const sql of ['SELECT 1', 'select 1', ' (SELECT 1)', '/* x */ SELECT 1']) expect(factsOf(sql).looksLikeRead).toBe(true);
    for (const sql of ['SELECTED', 'WITH a AS (SELECT 1) SELECT 1', '/*!99999 SELECT */ UPDATE a SET x = 1', ''])
      expect(factsOf(sql).looksLikeRead).toBe(false);
  });
});

describe('the facts of a text', () => {
  it('are remembered, and those of many texts are forgotten again', () => {
    const facts = factsOf('SELECT remembered');
    expect(factsOf('SELECT remembered')).toBe(facts);
    for (let n = 0; n < 5_000; n += 1) factsOf(`SELECT ${String(n * 7_919).repeat(100)}`);
    expect(factsOf('SELECT remembered')).not.toBe(facts);
  });

  it('of the last long text are at hand', () => {
    const long = `SELECT ${'1, '.repeat(2_000)} 1`;
    expect(factsOf(long)).toBe(factsOf(long));
  });

  it('are the same from the memo and read again, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...HOSTILE), maxLength: 40 }), (text) => {
        const sql = `SELECT ${text}`;
        const facts = allFacts(factsOf(sql));
        for (let n = 0; n < 3; n += 1) factsOf(`${'x'.repeat(n)}${sql}`);
        expect(allFacts(factsOf(sql))).toEqual(facts);
      }),
      { numRuns: 500 },
    );
  });

  it('are found for every text, without an error', () => {
    const schema = new Schema({ tables: ['t'], views: [], triggers: [], cascades: [], routines: ['f'], epoch: '' });
    const pieces = fc.constantFrom(
      ...HOSTILE,
      'SELECT ',
      'SET ',
      'BEGIN ',
      'END ',
      'CREATE PROCEDURE ',
      'IF ',
      'INTO ',
      't',
      'f(',
      'READ ONLY',
      '/*!',
      '*/',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        const sql = parts.join('');
        expect(allFacts(factsOf(sql))).toHaveLength(14);
        expect(effectOf(sql, schema).kind).toMatch(/^(none|writes|schema)$/);
        expect(dependenciesOf(sql, schema).kind).toMatch(/^(tables|uncacheable|unknown)$/);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a text without its values', () => {
  const SIMPLE = ['SELECT a FROM t WHERE id = ? AND b IN (?, ?)', 'insert into `t` values (?,?)', '/* why? not */ UPDATE t SET a=?'];

  it('says what it says with them, where each placeholder stands for a value', () => {
    expect(SIMPLE.slice(0, 2).every((sql) => factsOf(sql).takesValues)).toBe(true);
    const others = ["SELECT '?'", 'SELECT `?`', 'SELECT ?? FROM t', 'SET @a = ?', 'EXECUTE IMMEDIATE ?', 'CALL f(?)', '/*! SELECT */ ?'];
    expect([...others, SIMPLE[2] as string].filter((sql) => factsOf(sql).takesValues)).toEqual([]);
  });

  it('holds for any text and any plain values without quotes, as mysql2 writes them', () => {
    const pieces = [...HOSTILE, '?', '?', ' ? ', '??', ' f(', 'GET_LOCK', 'INTO OUTFILE', ' SET ', 'READ ONLY', ';', ' LOCK '];
    const text = fc.tuple(
      fc.constantFrom('SELECT ', 'INSERT t ', 'UPDATE t SET ', 'DELETE ', 'REPLACE ', 'SET '),
      fc.array(fc.constantFrom(...pieces), { maxLength: 24 }).map((parts) => parts.join('')),
    );
    const value = fc.oneof(
      fc.array(fc.constantFrom(...pieces.filter((piece) => !/['"\\]/.test(piece))), { maxLength: 8 }).map((parts) => parts.join('')),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.bigInt(),
      fc.constantFrom(null, undefined, true, false, Buffer.from("'; SET x"), new Date(0)),
    );
    fc.assert(
      fc.property(text, fc.array(value, { maxLength: 6 }), ([begin, rest], values) => {
        const sql = begin + rest;
        const facts = factsOf(sql);
        if (!facts.takesValues) return;
        const written = factsOf(format(sql, values));
        expect(SESSION_FACTS.filter((name) => facts[name] !== written[name])).toEqual([]);
        // With values, a semicolon in one makes it a text that may have several statements.
        expect(facts.mayCommit(true) && !written.mayCommit(true)).toBe(false);
        expect(facts.mayCommit(false)).toBe(written.mayCommit(false));
      }),
      { numRuns: 5_000 },
    );
  });
});

const SESSION_FACTS = ['first', 'severalStatements', 'changesSession', 'callsRoutine', 'asksReadOnly', 'loadsLocalFile'] as const;
