// Where tokens begin and end, as the servers' own lexers see it.
import { describe, expect, it } from 'vitest';
import * as tokens from '../../src/sql/tokens.js';

const NAMES: Readonly<Record<number, string>> = {
  [tokens.WORD]: 'word',
  [tokens.NUMBER]: 'number',
  [tokens.TEXT]: 'text',
  [tokens.DOUBLE]: 'double',
  [tokens.NAME]: 'name',
  [tokens.VARIABLE]: 'variable',
  [tokens.SIGN]: 'sign',
  [tokens.EXECUTABLE]: 'executable',
  [tokens.EXECUTABLE_END]: 'end',
};

function kindsIn(sql: string, reading?: tokens.Reading): string {
  const scanner = new tokens.Scanner(sql, reading);
  const found: string[] = [];
  while (scanner.next() !== tokens.END) found.push(`${NAMES[scanner.kind]}:${sql.slice(scanner.start, scanner.end)}`);
  return found.join(' ');
}

describe('a text is cut into tokens', () => {
  it.each([
    ['SELECT a', 'word:SELECT word:a'],
    ['1e5INTO', 'number:1e5 word:INTO'],
    ['1.5INTO', 'number:1.5 word:INTO'],
    ['.5INTO', 'number:.5 word:INTO'],
    ['1.e+5x', 'number:1.e+5 word:x'],
    ['1e+', 'word:1e sign:+'],
    ['t.5INTO', 'word:t sign:. word:5INTO'],
    ['t .5INTO', 'word:t number:.5 word:INTO'],
    ['`t`.5INTO', 'name:`t` number:.5 word:INTO'],
    ['0x1f 0x1fg 0b01 0b012', 'number:0x1f word:0x1fg number:0b01 word:0b012'],
    ['7th zähle $a _b', 'word:7th word:zähle word:$a word:_b'],
    ["'it''s' 'a\\\\' 'b\\n'", "text:'it''s' text:'a\\\\' text:'b\\n'"],
    ["'a\\'b' c", "text:'a\\'b' word:c"],
    ['"a""b" `c``d`', 'double:"a""b" name:`c``d`'],
    ["N'a' x'ff' _utf8mb4'b'", "word:N text:'a' word:x text:'ff' word:_utf8mb4 text:'b'"],
    ['@a @@b.c @`d e` @\'f\' @"g"', 'variable:@a variable:@@b.c variable:@`d e` variable:@\'f\' variable:@"g"'],
    ['@a:=1', 'variable:@a sign::= number:1'],
    ['1--1', 'number:1 sign:- sign:- number:1'],
    ['1-- 1\n2 --\n3 # 4\n5--', 'number:1 number:2 number:3 number:5'],
    ['a/* b */c/**/d/*/e*/f', 'word:a word:c word:d word:f'],
    ['a/*+ SET_VAR(b=1) */c', 'word:a word:c'],
    ['a/*!b*/c', 'word:a executable:/*! word:b end:*/ word:c'],
    ['/*!50003SET*/', 'executable:/*!50003 word:SET end:*/'],
    ['/*M!100100 1 */*/', 'executable:/*M!100100 number:1 end:*/ sign:* sign:/'],
    ["'/*' a '*/'", "text:'/*' word:a text:'*/'"],
    ['\u0000\t\u00A0a', 'word:a'],
  ])('%s', (sql, expected) => {
    expect(kindsIn(sql)).toBe(expected);
  });

  it('with backslashes as the sql_mode has them', () => {
    const [noEscapes, ansi] = tokens.OTHER_READINGS;
    expect(kindsIn("'a\\' b", noEscapes)).toBe("text:'a\\' word:b");
    expect(kindsIn('"a\\" b', ansi)).toBe('double:"a\\" word:b');
    expect(kindsIn("'a\\'b' c", ansi)).toBe("text:'a\\'b' word:c");
  });

  it.each(["'a", '"a', '`a', '/* a', '/*! a', "@'a", "'a''", "'a\\'"])('and what has no end is noticed: %s', (sql) => {
    const scanner = new tokens.Scanner(sql);
    while (scanner.next() !== tokens.END);
    expect(scanner.unterminated).toBe(true);
  });

  it.each([
    ["'a\\'b'", true],
    ['"a\\"b"', true],
    ["@'a\\''", true],
    ["'a\\\\'", false],
    ["'a\\\"'", false],
    ['`a\\`', false],
  ])('and a quote behind a backslash in %s is noticed: %s', (sql, expected) => {
    const scanner = new tokens.Scanner(sql);
    while (scanner.next() !== tokens.END);
    expect(scanner.escapedQuote).toBe(expected);
  });
});
