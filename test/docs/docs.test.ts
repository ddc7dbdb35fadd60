import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { POOL_ERROR_CODES } from '../../src/engine/index.js';
import { DIFFERENCES } from '../contract/differences.js';
import { breakerTable, cacheTable, environmentTable, optionTables, retryTable, serverTable } from './option-tables.js';
import { read, root, tableIn } from './table-in.js';

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
    // Codes of process warnings, not of errors.
    for (const code of ['POOL_LEAK', 'POOL_CLASSIFY_ERROR']) raised.delete(code);
    expect(raised).toEqual(new Set(POOL_ERROR_CODES));
  });
});

describe.each([
  { path: 'docs/options.md', mark: 'options', table: optionTables },
  { path: 'docs/options.md', mark: 'cache options', table: cacheTable },
  { path: 'docs/options.md', mark: 'server options', table: serverTable },
  { path: 'docs/migration-from-mysql2.md', mark: 'environment', table: environmentTable },
  { path: 'docs/resilience.md', mark: 'breaker options', table: breakerTable },
  { path: 'docs/resilience.md', mark: 'retry options', table: retryTable },
])('the table of $mark', ({ path, mark, table }) => {
  const begin = `<!-- ${mark}: made from the tables in the code; UPDATE_DOCS=1 npx vitest run test/docs writes it -->\n\n`;
  const end = `\n\n<!-- end of ${mark} -->`;

  it(`in ${path} is what the code says`, () => {
    expect(tableIn(path, begin, end, table())).toBe(table());
  });
});

describe('the table of deliberate differences', () => {
  const begin = '<!-- differences: made from test/contract/differences.ts; UPDATE_DOCS=1 npx vitest run test/docs writes it -->\n\n';
  const end = '\n\n<!-- end of differences -->';
  const rows = DIFFERENCES.map((row) => `| ${row.when} | ${row.mysql2} | ${row.poolwright} | ${row.why} |`);
  const made = ['| when | mysql2 | Poolwright | why |', '| --- | --- | --- | --- |', ...rows].join('\n');

  it('in docs/migration-from-mysql2.md is the one that the contract tests show', () => {
    expect(tableIn('docs/migration-from-mysql2.md', begin, end, made)).toBe(made);
  });
});

describe('docs/data-layers.md', () => {
  it('names the versions that are tested', () => {
    const { devDependencies: layers } = JSON.parse(read('test/ecosystem/package.json')) as { devDependencies: Record<string, string> };
    const { devDependencies: own } = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> };
    const named = [...read('docs/data-layers.md').matchAll(/^\| [^|]+ \| (\d+\.\d+\.\d+) \|/gm)].map((match) => match[1]);
    expect(new Set(named)).toEqual(new Set([...Object.values(layers), own['mysql2']]));
  });
});

describe('ARCHITECTURE.md', () => {
  const text = read('ARCHITECTURE.md');

  it.each(['src/engine', 'src/mysql', 'src/cache'])('says of every file of %s what it is for', (folder) => {
    const files = readdirSync(`${root}${folder}`).filter((file) => file !== 'index.ts');
    expect(files.filter((file) => !text.includes(`\`${file}\``))).toEqual([]);
  });

  it('names no file of the sources that is not there', () => {
    const there = sources('src').map((path) => path.slice(path.lastIndexOf('/') + 1));
    const named = [...text.matchAll(/^\| ((?:`[\w/.-]+\.ts`(?:, )?)+) \|/gm)].flatMap(([, names = '']) =>
      names.replaceAll('`', '').split(', '),
    );
    expect(named.length).toBeGreaterThan(60);
    expect(named.filter((name) => !there.includes(name.slice(name.lastIndexOf('/') + 1)))).toEqual([]);
  });

  it('gives the reason of every dependency', () => {
    const manifests = [
      'package.json',
      ...(JSON.parse(read('package.json')) as Manifest).workspaces.map((folder) => `${folder}/package.json`),
    ];
    const names = manifests.flatMap((path) => {
      const { dependencies, devDependencies, peerDependencies } = JSON.parse(read(path)) as Manifest;
      return Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies });
    });
    const table = text.slice(text.indexOf('## Dependencies'));
    const named = (name: string): boolean => table.includes(name) || table.includes(`${name.split('/')[0]}/`);
    expect([...new Set(names)].filter((name) => name !== 'poolwright' && !named(name))).toEqual([]);
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

interface Manifest {
  readonly workspaces: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

function sources(folder: string): string[] {
  return readdirSync(`${root}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}
