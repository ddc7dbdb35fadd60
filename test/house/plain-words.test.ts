/** Plain English in the comments and messages of the sources, in the comments and titles of the tests, on the pages, and in the documents. */
import { describe, expect, it } from 'vitest';
import { avoidedWordsIn } from './support/plain-words.js';
import { type Prose, proseOf } from './support/prose.js';
import { filesIn } from './support/sources.js';

/** They are made from the code, which is checked itself. */
const LEFT_OUT: ReadonlySet<string> = new Set(['docs/api.md', 'docs/files.md']);

const DOCUMENTS: readonly string[] = [
  'README.md',
  'CHANGELOG.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'examples/README.md',
  'test/faults/README.md',
  ...filesIn('docs', /\.md$/).filter((path) => !LEFT_OUT.has(path)),
];

/** The list itself, and this test, name what they avoid. */
const ABOUT_WORDS: ReadonlySet<string> = new Set(['test/house/support/plain-words.ts', 'test/house/plain-words.test.ts']);

/** Strings that tests use as values: inputs, keys, and what is expected. A string of one word is always one. */
const VALUES: ReadonlySet<string> = new Set([
  "'by hand'",
  "'nobody listens'",
  "'somebody else'",
  "'10 of 10 connections are in use for long'",
  "'10 of 10 connections are in use for long.'",
  "'3 calls in a row failed; the last error: nobody listens (ECONNREFUSED)'",
  `"Breaker 'rates' is open: 1 calls in a row failed; the last error: nobody listens (ECONNREFUSED). The next call is let through in 200 ms."`,
]);

describe('plain words', () => {
  it.each(['src', 'scripts', 'dashboard/src', 'site/.vitepress'])('are in the comments and messages of %s', (folder) => {
    expect(filesIn(folder).flatMap(proseOf).flatMap(wordsToReplace)).toEqual([]);
  });

  it.each(['test', 'benchmarks/src', 'examples'])('are in the comments, titles and messages of %s', (folder) => {
    const files = filesIn(folder, /\.(?:ts|mjs|cjs|js)$/).filter((path) => !ABOUT_WORDS.has(path));
    const prose = files.flatMap(proseOf).filter(({ text }) => /\s/.test(text) && !VALUES.has(text));
    expect(prose.flatMap(wordsToReplace)).toEqual([]);
  });

  it('are in layers.mjs', () => {
    expect(proseOf('layers.mjs').flatMap(wordsToReplace)).toEqual([]);
  });

  it.each(DOCUMENTS)('are in %s', (path) => {
    expect(proseOf(path).flatMap(wordsToReplace)).toEqual([]);
  });

  it('are found even where a line breaks, in any case, and never in code of a document', () => {
    const found = avoidedWordsIn('/**\n * It waits for\n * ever. Nobody\n * is told.\n */');
    expect(found.map(({ word }) => word)).toEqual(['Nobody', 'for ever', 'told']);
    expect(avoidedWordsIn('a foretold event, and it continues')).toEqual([]);
  });
});

function wordsToReplace({ path, line, text }: Prose): readonly string[] {
  return avoidedWordsIn(text).map(
    ({ offset, word, plainer }) => `${path}:${line + text.slice(0, offset).split('\n').length - 1}: "${word}" → ${plainer}`,
  );
}
