// The shape of a statement for people: values never show, and two statements that differ in values only have the same one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { format } from 'mysql2';
import { factsOf } from '../../src/sql/index.js';

const digestOf = (sql: string): string => factsOf(sql).digest;

describe('the digest of a statement', () => {
  it.each([
    ['SELECT 1', 'SELECT ?'],
    ['select *  from\n\tusers where id = 7', 'select * from users where id = ?'],
    ["SELECT * FROM users WHERE name = 'O''Brien' AND a = -1.5e-3", 'SELECT * FROM users WHERE name = ? AND a = ?'],
    ['SELECT * FROM t WHERE id IN (1, 2, 3)', 'SELECT * FROM t WHERE id IN (?)'],
    ['SELECT * FROM t WHERE id IN (?, ?)', 'SELECT * FROM t WHERE id IN (?)'],
    ['SELECT * FROM t WHERE id IN (1)', 'SELECT * FROM t WHERE id IN (?)'],
    ["INSERT INTO t (a, b) VALUES (1, 'x'), (2, NULL), (-3, DEFAULT)", 'INSERT INTO t(a, b) VALUES (?)'],
    ['SELECT a FROM t WHERE b IS NULL AND c IS NOT NULL', 'SELECT a FROM t WHERE b IS NULL AND c IS NOT NULL'],
    ['UPDATE t SET a = NULL, b = TRUE WHERE id = ?', 'UPDATE t SET a = ?, b = ? WHERE id = ?'],
    [
      "SELECT /* id 7 */ a -- secret\nFROM t # 'x\nWHERE a = _utf8mb4'ä' OR b = x'ff' OR c = 0xFF",
      'SELECT a FROM t WHERE a = ? OR b = ? OR c = ?',
    ],
    ['SELECT `we ird`.`col 7`, t1.c2 FROM db.t1 LIMIT 10, 20', 'SELECT `we ird`.`col 7`, t1.c2 FROM db.t1 LIMIT ?'],
    ['SELECT COUNT(*) FROM t WHERE a >= 3 AND b<>4', 'SELECT COUNT(*) FROM t WHERE a >= ? AND b <> ?'],
    ['SELECT a - 1, b-2 FROM t', 'SELECT a - ?, b - ? FROM t'],
    ['SELECT "a value, by default"', 'SELECT ?'],
    ["SELECT 'unended", 'SELECT ?'],
    ['SELECT `unended', 'SELECT …'],
    ['SELECT @a, @@session.b, @`c d` FROM t', 'SELECT @a, @@session.b, @`c d` FROM t'],
    ["SELECT @'secret', user@123", 'SELECT @?, user @?'],
    ['SELECT a /*!40001 SQL_NO_CACHE */ FROM t', 'SELECT a FROM t'],
    ["SELECT a /*! 'x */ FROM t WHERE b = 'secret'", 'SELECT a …'],
    ["SELECT '/*!', a FROM t", 'SELECT ?, a FROM t'],
    ['SELECT 1--1, t.5th, 7th, .5, 1e+5, 0b01, 0xZZ', 'SELECT ? - - ?, t.5th, ?, ?'],
    ['SELECT a:=1, b||c, d&&e, f->"$.g", h!=-1', 'SELECT a := ?, b || c, d && e, f -> ?, h != ?'],
    ['/* only */', ''],
    ['', ''],
  ])('%s', (sql, digest) => {
    expect(digestOf(sql)).toBe(digest);
  });

  it('leaves out what follows a backslash before a quote: where the value ends depends on the mode of the session', () => {
    expect(digestOf("SELECT 'a\\', 'secret' FROM t")).toBe('SELECT ? …');
  });

  it('can be cut shorter', () => {
    expect(factsOf('SELECT a, b, c FROM t').digestUpTo(8)).toBe('SELECT a …');
    expect(factsOf('SELECT a').digestUpTo(600)).toBe('SELECT a');
  });

  it('is short, and quick to make, however long the statement is', () => {
    const rows = Array.from({ length: 100_000 }, (_, row) => `(${row}, 'x')`).join(', ');
    expect(digestOf(`INSERT INTO t VALUES ${rows}`)).toMatch(/^INSERT INTO t VALUES \(\?\).{0,10} …$/);
    expect(digestOf(`SELECT ${Array.from({ length: 5_000 }, (_, n) => `c${n}`).join(', ')} FROM t`).length).toBeLessThan(610);
    expect(digestOf("'".repeat(100_000)).length).toBeLessThan(10);
  });

  it('never shows a value that mysql2 has put in, and is the same for all of them', () => {
    const value = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constant(null),
      fc.date({ noInvalidDate: true }),
    );
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 2 }), (values) => {
        const digest = digestOf(format('SELECT * FROM t WHERE a = ? AND b IN (?)', values));
        const whole = 'SELECT * FROM t WHERE a = ? AND b IN (?)';
        // Cut, where a value holds a quote.
        const isPrefix = digest.endsWith(' …') && whole.startsWith(digest.slice(0, -2));
        expect(digest === whole || isPrefix).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('ends for every text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'\'"`\\/*-#?(),.0x \nabcNULL_@;'.split('')), maxLength: 60 }), (sql) => {
        expect(digestOf(sql).length).toBeLessThan(200);
      }),
      { numRuns: 5_000 },
    );
  });
});
