/** ARCHITECTURE.md: short, and true to the layers and the files. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LAYERS } from '../../layers.mjs';
import { slugOf } from '../../site/.vitepress/pages.js';
import { read, root, tableIn } from '../docs/table-in.js';
import { filesIn } from './support/sources.js';

const MOST_WORDS = 1_200;

describe('ARCHITECTURE.md', () => {
  const text = read('ARCHITECTURE.md');

  it('lists the layers of layers.mjs, lowest first', () => {
    const begin = '<!-- layers: made from layers.mjs; UPDATE_DOCS=1 npx vitest run test/house writes it -->\n\n';
    const made = LAYERS.map(
      ({ path, is, wings }) => `- \`${path}\`: ${is}${wings === undefined ? '' : ` Wings: ${wings.join(', ')}.`}`,
    ).join('\n');
    expect(tableIn('ARCHITECTURE.md', begin, '\n\n<!-- end of layers -->', made)).toBe(made);
  });

  it(`has at most ${MOST_WORDS} words`, () => {
    expect(text.split(/\s+/).filter((word) => /\w/.test(word)).length).toBeLessThanOrEqual(MOST_WORDS);
  });

  it('walks a query through the layers: each file that it names is there, and most wings of the pool are on the way', () => {
    const named = [...text.matchAll(/\]\((src\/[\w./-]+)\)/g)].map(([, path = '']) => path);
    expect(named.filter((path) => !existsSync(`${root}${path}`))).toEqual([]);
    expect(new Set(named).size).toBeGreaterThanOrEqual(20);
  });

  it('has the thirteen invariants, in their order', () => {
    const numbers = [...text.matchAll(/^- \*\*I(\d+)\*\* /gm)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 13 }, (_, index) => index + 1));
  });
});

describe('docs/decisions', () => {
  const pages = filesIn('docs/decisions', /\.md$/).filter((path) => !path.endsWith('/README.md'));
  const index = read('docs/decisions/README.md');

  it.each(pages)('%s claims something in its heading, and says in which files it is', (path) => {
    const text = read(path);
    const [, heading = ''] = /^# (.+[^.])\n\n/.exec(text) ?? [];
    expect(heading.split(' ').length).toBeGreaterThan(2);
    expect(path).toBe(`docs/decisions/${slugOf(heading)}.md`);
    expect(headingsOf(text)).toEqual(['Context', 'Decision', 'Consequences', 'Where']);
    const named = [...text.slice(text.indexOf('## Where')).matchAll(/\]\(\.\.\/\.\.\/([^)#]+)\)/g)].map(([, file = '']) => file);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((file) => !existsSync(`${root}${file}`))).toEqual([]);
  });

  it.each(pages)('%s is a page, not more', (path) => {
    expect(read(path).split(/\s+/).length).toBeLessThan(450);
  });

  it('has an index with the heading of each page', () => {
    const listed = [...index.matchAll(/^- \[(.+)\]\(([\w-]+\.md)\)$/gm)].map(([, heading, file]) => `${file}: ${heading}`);
    const there = pages.map((path) => `${path.slice(path.lastIndexOf('/') + 1)}: ${/^# (.+)$/m.exec(read(path))?.[1] ?? ''}`);
    expect(listed.toSorted()).toEqual(there.toSorted());
  });
});

function headingsOf(text: string): readonly (string | undefined)[] {
  return [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
}
