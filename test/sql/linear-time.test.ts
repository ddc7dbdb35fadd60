// The work of the reader grows with the length of a text only: the characters that it reads are counted, on texts made to be read again.
import { describe, expect, it } from 'vitest';
import { dependenciesOf, effectOf, factsOf, Schema, type StatementFacts } from '../../src/sql/index.js';

const MIB = 1_048_576;

const schema = new Schema({ tables: ['t', 'a', 'b'], views: [], triggers: [], cascades: [], routines: ['f'], epoch: '' });

/** All ways to ask. */
const QUESTIONS: readonly (readonly [string, (sql: string, facts: StatementFacts) => unknown])[] = [
  ['first', (_, facts) => [facts.first, facts.operation]],
  ['survey', (_, facts) => [facts.changesSession, facts.severalStatements, facts.asksReadOnly, facts.loadsLocalFile]],
  ['commits', (_, facts) => [facts.mayCommit(false), facts.mayCommit(true)]],
  ['readOnly', (_, facts) => facts.readOnly],
  ['digest', (_, facts) => [facts.digest, facts.digestUpTo(1_000_000)]],
  ['summary', (_, facts) => facts.summary],
  ['ruleDigest', (_, facts) => facts.ruleDigest],
  ['effect', (sql) => effectOf(sql, schema)],
  ['dependencies', (sql) => dependenciesOf(sql, schema)],
];

/** Each is repeated: what makes a careless reader go back to the beginning or on to the end. */
const PIECES: readonly string[] = [
  '/* x */',
  '-- x\n',
  '#\n',
  '/*',
  '*/',
  '/*!',
  '/*!50000 x */',
  '/*M!',
  '/*+',
  "'",
  '"',
  '`',
  "''",
  "'/*'",
  "'\\'",
  '\\',
  "\\'",
  '(',
  ')',
  '()',
  ';',
  ';x',
  '; ',
  '@',
  '@@',
  "@'",
  '@`',
  '@a',
  ' @',
  '.',
  '.1',
  '1',
  '1e',
  '1e+',
  '0x',
  '0b',
  '0x1g',
  '-',
  '--',
  '-- ',
  '#',
  ' ',
  '\n',
  '\u00A0',
  ':=',
  ':',
  '_l',
  '_L',
  '_lock',
  '_lock(',
  'x',
  'é',
  'into @',
  'begin ',
  'case ',
  'end ',
  'with a as (',
  ') as (',
  'read only ',
  'read_only=',
  ',',
  'select (',
  'f (',
  'x(',
  'from t,',
  'as ',
  '?,',
  '(?),',
  "N'",
  'create procedure ',
  'a.',
  '1.',
  '<=',
  '*',
  '/',
  '$',
  '\u0000',
  'load local ',
];

const HEADS: readonly string[] = [
  '',
  'SELECT ',
  "SELECT '",
  'INSERT INTO t VALUES ',
  'CREATE PROCEDURE p() BEGIN ',
  'SET ',
  'WITH a AS (',
  '/*!',
];

type Method = (this: string, ...args: never[]) => unknown;

/** How many characters of texts `work` reads, one by one and by the engine's own searches. */
function charactersRead(work: () => void): number {
  let read = 0;
  const searched = (text: string, from: number, found: number): number =>
    (found === -1 ? text.length : found + 1) - Math.min(from, text.length);
  const counters: Record<string, (text: string, args: readonly unknown[], result: unknown) => number> = {
    charCodeAt: () => 1,
    charAt: () => 1,
    startsWith: (_, [searchedFor]) => String(searchedFor).length,
    indexOf: (text, [, from = 0], found) => searched(text, from as number, found as number),
    includes: (text, [what, from = 0]) =>
      searched(text, from as number, originals['indexOf']?.call(text, ...([what, from] as never[])) as number),
    slice: (_, __, result) => (result as string).length,
    toLowerCase: (text) => text.length,
    toUpperCase: (text) => text.length,
    replaceAll: (text) => text.length,
  };
  const prototype = String.prototype as unknown as Record<string, Method>;
  const originals: Record<string, Method> = {};
  for (const [name, count] of Object.entries(counters)) {
    const original = prototype[name] as Method;
    originals[name] = original;
    prototype[name] = function counted(this: string, ...args) {
      const result = original.apply(this, args);
      read += count(this, args, result);
      return result;
    };
  }
  try {
    work();
  } finally {
    Object.assign(prototype, originals);
  }
  return read;
}

function ofLength(head: string, piece: string, length: number): string {
  return head + piece.repeat(Math.ceil(length / piece.length));
}

/** Of each question, characters read per character of the text. */
function workOn(sql: string): Map<string, number> {
  const work = new Map<string, number>();
  for (const [name, ask] of QUESTIONS) {
    const read = charactersRead(() => void ask(sql, factsOf(sql)));
    work.set(name, read / sql.length);
  }
  return work;
}

/** Three readings, each of which passes a character a few times. */
const MOST_READS = 40;

describe('the reader of SQL', () => {
  it('answers for texts of 4 MiB', () => {
    for (const piece of ['/* x */\n', "'/*',", '(', "\\'", '0x1g', '_lock', '/*!']) {
      const times = [0.5, 4].map((size) => {
        const sql = ofLength('SELECT ', piece, size * MIB);
        const began = performance.now();
        for (const [, ask] of QUESTIONS) expect(ask(sql, factsOf(sql))).not.toBeNull();
        return (performance.now() - began) / sql.length;
      });
      const shown = times.map((ms) => `${(ms * 1_000_000).toFixed(0)} ns`).join(' and ');
      process.stdout.write(`all questions, ${JSON.stringify(piece)}: ${shown} a character at 0.5 and 4 MiB\n`);
    }
  });

  it('counts what it reads', () => {
    expect(charactersRead(() => void 'abcdef'.indexOf('c'))).toBe(3);
    expect(charactersRead(() => void effectOf('UPDATE t SET a = 1', schema))).toBeGreaterThan(18);
  });

  it.each(HEADS)('reads each character a bounded number of times, with anything repeated behind: %s', (head) => {
    for (const piece of PIECES) {
      for (const [question, reads] of workOn(ofLength(head, piece, 6_000)))
        expect(reads, `${question} of ${head}${piece}`).toBeLessThan(MOST_READS);
    }
  });

  it('reads mixtures of them no more often', () => {
    for (const [index, piece] of PIECES.entries()) {
      const mixture = PIECES.map((_, at) => PIECES[(at * (index + 1)) % PIECES.length]).join('') + piece;
      for (const [question, reads] of workOn(ofLength('SELECT ', mixture, 12_000)))
        expect(reads, `${question} of ${piece}`).toBeLessThan(MOST_READS);
    }
  });

  it('reads each character as often in a text of 1 MiB', () => {
    for (const piece of ["'/*',", '-- x\n', '/*!', "\\'", '_l']) {
      const short = workOn(ofLength('SELECT ', piece, 65_536));
      for (const [question, reads] of workOn(ofLength('SELECT ', piece, MIB)))
        expect(reads, `${question} of ${piece}`).toBeLessThanOrEqual((short.get(question) ?? 0) * 1.1 + 0.1);
    }
  });
});
