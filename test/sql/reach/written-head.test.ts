import { describe, expect, it } from 'vitest';
import { effectOf, Schema } from '../../../src/sql/index.js';
import { lengthOfHead } from '../../../src/sql/reach/written-head.js';

const VALUES = Array.from({ length: 200 }, (_, row) => `(${row}, 'it\\'s row (${row})', NULL, NOW())`).join(', ');
const facts = { tables: ['t', 'u', 'value'], views: [], triggers: [], cascades: [], epoch: '' };
const plain = new Schema({ ...facts, routines: [] });
const withFunction = new Schema({ ...facts, routines: ['f'] });
const withOddName = new Schema({ ...facts, routines: ['f', 'a`b'] });

describe('a long text that writes', () => {
  it.each([
    [`INSERT INTO t (a, b, c, d) VALUES ${VALUES}`, 'VALUES'],
    [`insert t value ${VALUES}`, 'value ('],
    [`REPLACE INTO db.t VALUES ${VALUES}`, 'VALUES'],
    [`INSERT INTO value VALUES ${VALUES}`, 'value'],
    [`UPDATE t, u SET t.a = '${'x'.repeat(3_000)}' WHERE t.id = u.id`, 'SET'],
    [`INSERT t SET a = '${'x'.repeat(3_000)}'`, 'SET'],
  ])('is read up to its values: %#', (sql, values) => {
    for (const schema of [undefined, plain, withFunction])
      for (const several of [false, true]) expect(lengthOfHead(sql, schema, several)).toBe(sql.indexOf(values));
  });

  it.each([
    ['it calls a routine', `INSERT INTO t VALUES ${VALUES}, (1, f(2))`, withFunction],
    ['it calls one in a way of its own', `INSERT INTO t VALUES ${VALUES}, (1, \`F\` (2))`, withFunction],
    ['it calls one under another sql_mode', `INSERT INTO t VALUES ${VALUES}, ('\\', f(2)); -- ')`, withFunction],
    ['a routine has a name that is written in more than one way', `INSERT INTO t VALUES ${VALUES}, (\`a\`\`b\`(1))`, withOddName],
    ['a comment may be executed', `INSERT INTO t VALUES ${VALUES} /*!50000 , (f(1)) */`, withFunction],
    ['the head may be executed or not', `INSERT INTO /*!50000 u SELECT * FROM */ t VALUES ${VALUES}`, plain],
    ['it is a SELECT', `INSERT INTO t SELECT '${'x'.repeat(3_000)}' FROM u`, plain],
  ])('is read to its end where %s', (_, sql, schema) => {
    expect(lengthOfHead(sql, schema, false)).toBe(sql.length);
  });

  it('is read to its end where another statement follows', () => {
    const sql = `INSERT INTO t VALUES ${VALUES}; DELETE FROM u`.replaceAll('\\', "'");
    expect(lengthOfHead(sql, plain, true)).toBe(sql.length);
    expect(effectOf(sql, plain, true)).toEqual({ kind: 'writes', tables: ['t', 'u'] });
    // The server refuses it on a connection that takes one.
    expect(effectOf(sql, plain, false)).toEqual({ kind: 'writes', tables: ['t'] });
  });

  it('writes what its whole text says', () => {
    for (const sql of [
      `INSERT INTO t VALUES ${VALUES}`,
      `REPLACE u (a) VALUES ${VALUES}`,
      `UPDATE t JOIN u SET a = '${'x'.repeat(3_000)}'`,
    ]) {
      for (const schema of [undefined, plain, withFunction]) {
        // A bracket before it: no such text is cut short.
        expect(lengthOfHead(`(${sql})`, schema, true)).toBe(sql.length + 2);
        expect(effectOf(sql, schema)).toEqual(effectOf(`(${sql})`, schema));
      }
    }
  });
});
