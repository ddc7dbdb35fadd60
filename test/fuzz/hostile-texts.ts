/** Texts that no caller should give as a statement, and that some do: unfinished, deeply nested, very long, or broken copies of real ones. */

import type { Dice } from '../simulation/dice.js';

/** What the statements of the fuzzer are made from. None of them changes anything that outlives its connection. */
const REAL_STATEMENTS: readonly string[] = [
  'SELECT ? AS a',
  "SELECT 'it''s', \"quoted\", `name` FROM (SELECT 1 AS `name`) AS t WHERE 1 = ? -- remark",
  'SELECT /*+ MAX_EXECUTION_TIME(1000) */ * FROM hostile WHERE id IN (?) ORDER BY id LIMIT 3',
  'WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT SUM(i) FROM n',
  '/*!50003 SELECT 1 AS a */',
  "INSERT INTO hostile (id, word) VALUES (?, 'x') ON DUPLICATE KEY UPDATE word = VALUES(word)",
  'UPDATE hostile SET word = ? WHERE id = 3 # remark',
  'DELETE FROM hostile WHERE id = -1',
  "SET @a = 'b'",
  'START TRANSACTION',
  'COMMIT',
  'SHOW TABLES',
  "SELECT CAST(? AS CHAR) AS text, x'4D', b'01', 1e3, .5, N't', _utf8mb4'u'",
  'CREATE TEMPORARY TABLE IF NOT EXISTS scratch (a INT)',
  'LOAD DATA LOCAL INFILE "file" INTO TABLE hostile (word)',
  'CALL no_such_procedure(?)',
];

const TOKENS: readonly string[] = [
  '(',
  ')',
  "'",
  '"',
  '`',
  '/*',
  '*/',
  '/*!',
  '/*!99999 ',
  '/* ',
  '-- ',
  '--',
  '#',
  '\n',
  ';',
  ',',
  '?',
  '??',
  ':a',
  '@',
  '@@',
  '@@session.',
  ':=',
  '\\',
  "\\'",
  "''",
  '""',
  '``',
  '\0',
  '\u{1F600}',
  'é',
  '\uD800',
  '\uDFFF',
  ' ',
  '\t',
  '\r\n',
  '1',
  '0x',
  'e',
  '.',
  'SELECT ',
  'BEGIN ',
  'END ',
  'CASE ',
  'IF ',
  'LOOP ',
  'AS ',
  'WITH a AS (',
  'UNION ',
  'FROM a, ',
  'JOIN b ',
  'CREATE ',
  'PROCEDURE ',
  'INTO @a ',
  "x'",
  "q'",
  '$$',
  '{',
  '}',
  '[',
  '<',
  '=',
  '<=>',
  'NOT ',
  'DELIMITER ',
]; // prettier-ignore

const KIB = 1_024;

/** How long repeated tokens get, and how often: the longer, the rarer, because each costs the server, too. */
const SIZES: readonly (readonly [size: number, weight: number])[] = [
  [16, 600],
  [1 * KIB, 250],
  [16 * KIB, 100],
  [256 * KIB, 20],
  [1_024 * KIB, 4],
  [4_096 * KIB, 1],
]; // prettier-ignore

/** @param longest how many characters a text may have; most have few */
export function hostileText(dice: Dice, longest: number): string {
  const kind = dice.weighted({ real: 20, mutated: 40, tokens: 25, repeated: 8, nested: 4, empty: 3 });
  if (kind === 'real') return dice.of(REAL_STATEMENTS);
  if (kind === 'mutated') return mutated(dice, dice.of(REAL_STATEMENTS));
  if (kind === 'tokens') return Array.from({ length: dice.below(40) }, () => dice.of(TOKENS)).join('');
  if (kind === 'empty') return dice.of(['', ' ', ';', ';;', '--', '/**/', '\0', '?', '\uFEFF']);
  const size = Number(dice.weighted(Object.fromEntries(SIZES.filter(([one]) => one <= longest))));
  if (kind === 'repeated') return repeated(dice.of(TOKENS), size, dice.chance(50) ? dice.of(REAL_STATEMENTS) : '');
  const [open, close] = dice.of([
    ['(', ')'],
    ['/*', '*/'],
    ['/*!', '*/'],
    ['CASE ', ' END'],
    ['BEGIN ', ' END;'],
    ['(SELECT ', ')'],
    ["'", '"'],
  ] as const); // prettier-ignore
  const depth = Math.max(1, Math.floor(size / (open.length + close.length)));
  return `SELECT ${open.repeat(depth)}1${dice.chance(70) ? close.repeat(depth) : ''}`;
}

/** A token again and again, about `size` characters of it, and a statement behind it. */
function repeated(token: string, size: number, statement = ''): string {
  return token.repeat(Math.max(1, Math.floor(size / token.length))) + statement;
}

function mutated(dice: Dice, statement: string): string {
  let text = statement;
  for (let changes = 1 + dice.below(4); changes > 0; changes -= 1) {
    const start = dice.below(text.length + 1);
    const end = Math.min(text.length, start + dice.below(6));
    const put = dice.weighted({ token: 5, nothing: 3, copy: 2 });
    const middle = put === 'token' ? dice.of(TOKENS) : put === 'nothing' ? '' : text.slice(start, end).repeat(2);
    text = text.slice(0, start) + middle + text.slice(end);
  }
  return text;
}
