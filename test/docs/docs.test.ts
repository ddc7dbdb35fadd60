import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { POOL_ERROR_CODES } from '../../src/engine/index.js';
import { DIFFERENCES } from '../contract/differences.js';
import { AGENTS } from '../agents/support/agents.js';
import { filesIn } from '../house/support/sources.js';
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
      filesIn('src').flatMap((path) => [...read(path).matchAll(/'(POOL_[A-Z_]+)'/g)].map((match) => match[1] as string)),
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
    const named = [...read('docs/data-layers.md').matchAll(/^\| [^|]+ \| (\d+\.\d+\.\d+(?:-[a-z]+\.\d+)?) \|/gm)].map((match) => match[1]);
    // Several versions of one package have other names: `npm:knex@2.4.2`.
    const tested = Object.values(layers).map((version) => version.slice(version.lastIndexOf('@') + 1));
    expect(new Set(named)).toEqual(new Set([...tested, own['mysql2']]));
  });
});

describe('docs/tracing.md', () => {
  it('names the agents and the versions that are tested', () => {
    const { devDependencies: agents } = JSON.parse(read('test/agents/package.json')) as { devDependencies: Record<string, string> };
    const rows = [...read('docs/tracing.md').matchAll(/^\| `([^`]+)` \| (\d+\.\d+\.\d+) \|/gm)].map(([, name, version]) => [name, version]);
    expect(rows).toHaveLength(AGENTS.length);
    expect(rows).toEqual(AGENTS.map(({ packageName }) => [packageName, agents[packageName]]));
  });
});

describe('docs/dependencies.md', () => {
  const text = read('docs/dependencies.md');
  const { workspaces, ...own } = JSON.parse(read('package.json')) as Manifest;
  const peers = Object.keys(own.peerDependencies ?? {});

  it.each([
    { heading: '`package.json`: peers', packages: peers },
    { heading: '`package.json`: development', packages: Object.keys(own.devDependencies ?? {}).filter((name) => !peers.includes(name)) },
    ...workspaces.map((folder) => ({ heading: `\`${folder}/package.json\``, packages: packagesOf(`${folder}/package.json`) })),
  ])('gives the reason of every package under $heading, and of no other', ({ heading, packages }) => {
    const [, section = ''] = text.split(`## ${heading}\n`);
    const rows = [...section.replace(/^## [\s\S]*/m, '').matchAll(/^\| (`[^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)];
    const named = rows.flatMap(([, names = '']) => [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
    expect(named.toSorted()).toEqual(packages.toSorted());
  });

  it('has a table for every manifest', () => {
    const headings = [...text.matchAll(/^## `(.+)\/package\.json`$/gm)].map(([, folder = '']) => folder);
    expect(headings.toSorted()).toEqual(workspaces.toSorted());
  });

  function packagesOf(path: string): readonly string[] {
    const { dependencies, devDependencies, peerDependencies } = JSON.parse(read(path)) as Manifest;
    return Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies }).filter((name) => name !== 'poolwright');
  }
});

describe('relative links', () => {
  it.each([
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'SECURITY.md',
    ...filesIn('docs', /\.md$/),
    'examples/README.md',
    'test/faults/README.md',
  ])('of %s lead to files', (path) => {
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/') + 1) : '';
    const targets = [...read(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1] as string);
    expect(targets.filter((target) => !existsSync(`${root}${folder}${target}`))).toEqual([]);
  });
});

describe('paths of the repository', () => {
  it.each(['ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...filesIn('docs', /\.md$/)])('that %s names are there', (path) => {
    const named = [...read(path).matchAll(/`((?:src|test|scripts|benchmarks|dashboard|ops|examples)\/[\w./-]+)`/g)].map(
      ([, name = '']) => name,
    );
    expect(named.filter((name) => !existsSync(`${root}${name}`))).toEqual([]);
  });
});

interface Manifest {
  readonly workspaces: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}
