import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { POOL_ERROR_CODES } from '../../src/engine/index.js';
import { environmentTable, optionTables } from './option-tables.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

describe('docs/errors.md', () => {
  it('describes every code, and no other', () => {
    const described = [...read('docs/errors.md').matchAll(/^## `(\w+)`$/gm)].map((match) => match[1]);
    expect(new Set(described)).toEqual(new Set(POOL_ERROR_CODES));
    expect(described).toHaveLength(POOL_ERROR_CODES.length);
  });

  it('knows of every code that the sources raise', () => {
    const raised = new Set(
      sources('src').flatMap((path) => [...read(path).matchAll(/'(POOL_[A-Z_]+)'/g)].map((match) => match[1] as string)),
    );
    // The code of a process warning, not of an error.
    raised.delete('POOL_LEAK');
    expect(raised).toEqual(new Set(POOL_ERROR_CODES));
  });
});

describe.each([
  { file: 'README.md', mark: 'options', table: optionTables },
  { file: 'docs/migration-from-mysql2.md', mark: 'environment', table: environmentTable },
])('the table of $mark', ({ file, mark, table }) => {
  const begin = `<!-- ${mark}: made from the tables in the code; UPDATE_DOCS=1 npx vitest run test/docs writes it -->\n`;
  const end = `\n<!-- end of ${mark} -->`;

  it(`in ${file} is what the code says`, () => {
    const [before, rest] = read(file).split(begin);
    const [shown, after] = (rest ?? '').split(end);
    expect(rest).toBeDefined();
    expect(after).toBeDefined();
    const expected = `\n${table()}\n`;
    const update = process.env['UPDATE_DOCS'] === '1';
    if (update) writeFileSync(`${root}${file}`, `${before}${begin}${expected}${end}${after}`);
    expect(update ? expected : shown).toBe(expected);
  });
});

describe('relative links', () => {
  it.each([
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'SECURITY.md',
    ...readdirSync(`${root}docs`).map((file) => `docs/${file}`),
  ])('of %s lead to files', (path) => {
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : '';
    const targets = [...read(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1] as string);
    expect(targets.filter((target) => !existsSync(`${root}${folder}${target}`))).toEqual([]);
  });
});

function sources(folder: string): string[] {
  return readdirSync(`${root}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}
