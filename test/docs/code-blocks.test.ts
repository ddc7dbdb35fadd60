import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createTemporaryFolder } from '../../src/demo/temporary-folder.js';
import { filesIn } from '../house/support/sources.js';
import { read, root } from './table-in.js';

/** What the examples take for granted. */
const PRELUDE = `
declare global {
  const pool: import('poolwright').Pool;
  const signal: AbortSignal;
  const host: string, user: string, password: string, database: string;
  function respond(status: number): void;
  const schema: Record<string, unknown>;
  const entities: (new () => object)[];
  interface Database { readonly orders: { readonly id: number } }
}
export {};
`;

/** Made from the declarations by a test: nothing to compile. */
const MADE = 'docs/api.md';

/** What is done with a block of each language. Drawings have none; test/recipes runs the SQL, test/docs/commands knows the commands. */
const LANGUAGES: ReadonlySet<string> = new Set(['', 'ts', 'diff', 'yaml', 'sql', 'sh', 'dockerfile']);

const PAGES: readonly string[] = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...filesIn('docs', /\.md$/),
  'examples/README.md',
].filter((page) => page !== MADE && page !== 'THIRD-PARTY-NOTICES.md');

interface Block {
  /** Where it is: its page and line, as a file name. */
  readonly name: string;
  readonly language: string;
  readonly text: string;
}

const BLOCKS: readonly Block[] = PAGES.flatMap((page) => {
  const text = read(page);
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm)].map(({ index, 1: indent = '', 2: language = '', 3: block = '' }) => ({
    name: `${page.replaceAll(/\W/g, '-')}-line-${text.slice(0, index).split('\n').length}`,
    language,
    text: block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
});

const inLanguage = (language: string): readonly Block[] => BLOCKS.filter((block) => block.language === language);

/** The package's own subpaths, as package.json names them, at their sources. */
function subpaths(): Record<string, string[]> {
  const { exports } = JSON.parse(read('package.json')) as { readonly exports: Record<string, { readonly types?: string }> };
  return Object.fromEntries(
    Object.entries(exports).flatMap(([name, { types }]) =>
      types === undefined
        ? []
        : [[name.replace('.', 'poolwright'), [join(root, types.replace('./dist/', 'src/').replace('.d.ts', '.ts'))]]],
    ),
  );
}

/** What a diff comes to. */
const changed = (text: string): string => text.replaceAll(/^-.*\n/gm, '').replaceAll(/^[+ ]/gm, '');

describe('the examples', () => {
  it('are in languages that something is done with', () => {
    expect(BLOCKS.filter(({ language }) => !LANGUAGES.has(language)).map(({ name, language }) => `${name}: ${language}`)).toEqual([]);
  });

  it('in TypeScript, and what diffs come to, compile', async () => {
    await using folder = createTemporaryFolder('poolwright-examples');
    const programs = [...inLanguage('ts'), ...inLanguage('diff').map((block) => ({ ...block, text: changed(block.text) }))];
    expect(programs.length).toBeGreaterThan(40);
    for (const { name, text } of programs) await writeFile(join(folder.path, `${name}.ts`), `${text}\nexport {};\n`);
    await writeFile(join(folder.path, 'prelude.d.ts'), PRELUDE);
    const configuration = {
      extends: join(root, 'tsconfig.base.json'),
      compilerOptions: {
        noEmit: true,
        experimentalDecorators: true,
        noUnusedLocals: false,
        noPropertyAccessFromIndexSignature: false,
        paths: subpaths(),
        typeRoots: [join(root, 'node_modules/@types')],
      },
      include: ['*.ts'],
    };
    await writeFile(join(folder.path, 'tsconfig.json'), JSON.stringify(configuration));
    await writeFile(join(folder.path, 'package.json'), JSON.stringify({ type: 'module' }));
    await symlink(join(root, 'node_modules'), join(folder.path, 'node_modules'));
    const compiled = await promisify(execFile)(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder.path]).then(
      ({ stdout }) => stdout,
      (error: { readonly stdout: string }) => error.stdout,
    );
    expect(compiled).toBe('');
  });

  it('in YAML can be read', () => {
    const documents = inLanguage('yaml').map(({ text }) => parse(text) as unknown);
    expect(documents.length).toBeGreaterThan(0);
    expect(documents.filter((value) => typeof value !== 'object')).toEqual([]);
  });
});
