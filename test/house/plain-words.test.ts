/** Plain English in the comments and messages of the sources, and in the documents for engineers who work on them. */
import { describe, expect, it } from 'vitest';
import { avoidedWordsIn } from './support/plain-words.js';
import { type Prose, proseOf } from './support/prose.js';
import { filesIn } from './support/sources.js';

const DOCUMENTS: readonly string[] = [
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  ...filesIn('docs/decisions', /\.md$/),
  'docs/dependencies.md',
  'docs/vocabulary.md',
];

describe('plain words', () => {
  it.each(['src', 'scripts', 'test/house'])('are in the comments and messages of %s', (folder) => {
    const files = filesIn(folder).filter((path) => path !== 'test/house/support/plain-words.ts' && !path.endsWith('plain-words.test.ts'));
    expect(files.flatMap(proseOf).flatMap(wordsToReplace)).toEqual([]);
  });

  it('are in layers.mjs', () => {
    expect(proseOf('layers.mjs').flatMap(wordsToReplace)).toEqual([]);
  });

  it.each(DOCUMENTS)('are in %s', (path) => {
    expect(proseOf(path).flatMap(wordsToReplace)).toEqual([]);
  });

  it('are asked for also where a line breaks, in any case, and never in code of a document', () => {
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
