import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factsOf } from '../../../src/sql/statement-facts.js';
import { Session } from '../../../src/mysql/session/session.js';

function after(...statements: string[]): Session {
  const session = new Session();
  for (const statement of statements) session.noteStatement(factsOf(statement));
  return session;
}

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
  ])('is as clean as before after: %s', (statement) => {
    expect(after(statement).dirty).toBe(false);
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
  ])('may have changed after: %s', (statement) => {
    expect(after(statement).dirty).toBe(true);
  });

  it('knows from the server whether a transaction is open', () => {
    const session = after('SELECT 1');
    session.noteStatus(0x0003);
    expect(session.inTransaction).toBe(true);
    session.noteStatus(0x0002);
    expect(session.inTransaction).toBe(false);
  });

  it('is clean again when it was cleaned', () => {
    const session = after('USE other', 'SET @a = 1');
    session.noteStatus(0x0001);
    expect(session).toMatchObject({ dirty: true, inTransaction: true });
    session.cleaned();
    expect(session).toMatchObject({ dirty: false, inTransaction: false });
  });

  it('stays dirty until it is cleaned', () => {
    expect(after('SET @a = 1', 'SELECT 1', 'COMMIT').dirty).toBe(true);
  });

  it('takes each statement that begins with an unknown word for a change, in any case and behind any comment', () => {
    const words = fc.constantFrom('SET', 'CALL', 'USE', 'LOCK', 'PREPARE', 'HANDLER', 'XA', 'DO', 'NEWFANGLED', 'INSTALL');
    const before = fc.constantFrom('', ' ', '\n\t', '/* x */', '-- x\n', '#\n', '(', ';');
    fc.assert(
      fc.property(words, fc.array(before, { maxLength: 4 }), fc.boolean(), (word, prefix, lower) => {
        const statement = `${prefix.join('')}${lower ? word.toLowerCase() : word} something`;
        expect(after(statement).dirty).toBe(true);
      }),
    );
  });

  it('is judged in time that grows with the text’s length only', () => {
    for (const text of [
      `SELECT ${'('.repeat(50_000)}`,
      '/* '.repeat(50_000),
      `${'-- x\n'.repeat(20_000)}SELECT 1`,
      `SELECT '${'; '.repeat(50_000)}'`,
      ' '.repeat(200_000),
    ]) {
      // Time that grew with its square would be minutes.
      expect(after(text)).toBeInstanceOf(Session);
    }
  });
});
