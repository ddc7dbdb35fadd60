/** Plain English in the comments and messages of the sources, on the pages, and in the documents. */
import { describe, expect, it } from 'vitest';
import { avoidedWordsIn } from './support/plain-words.js';
import { type Prose, proseOf } from './support/prose.js';
import { filesIn } from './support/sources.js';

/** They are made from the code, which is checked itself. */
const LEFT_OUT: ReadonlySet<string> = new Set(['docs/api.md', 'docs/files.md']);

const DOCUMENTS: readonly string[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'examples/README.md',
  'test/faults/README.md',
  ...filesIn('docs', /\.md$/).filter((path) => !LEFT_OUT.has(path)),
];

describe('plain words', () => {
  it.each(['src', 'scripts', 'dashboard/src', 'site/.vitepress', 'test/house'])('are in the comments and messages of %s', (folder) => {
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
