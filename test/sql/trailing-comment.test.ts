import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commentOf, factsOf, withTrailingComment } from '../../src/sql/index.js';

const TRACE = "/*traceparent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'*/";

describe('a comment of tags', () => {
  it('is in sqlcommenter’s form: keys in order, keys and values encoded as in a URL', () => {
    expect(commentOf({ tracestate: 'congo=t61,rojo=00', route: "/users/'x'", 'a key': '!*()' })).toBe(
      "/*a%20key='%21%2A%28%29',route='%2Fusers%2F%27x%27',tracestate='congo%3Dt61%2Crojo%3D00'*/",
    );
    expect(commentOf({})).toBeUndefined();
  });

  it('is one harmless comment, no matter what is in it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), { minKeys: 1 }), (tags) => {
        const comment = commentOf(tags) ?? '';
        expect(comment).toMatch(/^\/\*[\w.~%-]*='[\w.~%-]*'(,[\w.~%-]*='[\w.~%-]*')*\*\/$/);
        expect(factsOf(`SELECT 1 ${comment}`).digest).toBe('SELECT ?');
      }),
    );
    expect(commentOf({ a: '\uD800' })).toBe("/*a='%EF%BF%BD'*/");
  });
});

describe('a text with a comment behind it', () => {
  it.each([
    ['SELECT 1', `SELECT 1 ${TRACE}`],
    ['SELECT 1;\n', `SELECT 1 ${TRACE};\n`],
    ['SELECT 1; SELECT 2 ; ', `SELECT 1; SELECT 2 ${TRACE} ; `],
    ['SELECT 1 /* mine */', `SELECT 1 /* mine */ ${TRACE}`],
    ["SELECT '/*a=''b''*/'", `SELECT '/*a=''b''*/' ${TRACE}`],
    ['SELECT 1 -- why', `SELECT 1 -- why ${TRACE}`],
  ])('%j is %j', (sql, commented) => {
    expect(withTrailingComment(sql, TRACE)).toBe(commented);
  });

  it.each([`SELECT 1 ${TRACE}`, `SELECT 1 ${TRACE};`, "SELECT 1 /* route='x' */", '', ' ; '])('%j is left as it is', (sql) => {
    expect(withTrailingComment(sql, TRACE)).toBeUndefined();
  });
});
