import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createTemporaryFolder } from '../../src/demo/temporary-folder.js';
import { read, root } from './table-in.js';

/** What the examples take for granted. */
const PRELUDE = `
declare global {
  const pool: import('poolwright').Pool;
  const signal: AbortSignal;
  const host: string, user: string, password: string, database: string;
  function respond(status: number): void;
}
export {};
`;

/** Examples for libraries that are not installed here; test/ecosystem runs what they show. */
const ELSEWHERE: readonly string[] = ['data-layers.md'];

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

/** Blocks of TypeScript; those of diffs and shells are not looked at. */
function blocksOf(path: string): readonly { readonly name: string; readonly text: string }[] {
  const text = read(path);
  return [...text.matchAll(/^( *)```ts\n([\s\S]*?)^ *```$/gm)].map(({ index, 1: indent = '', 2: block = '' }) => {
    const line = text.slice(0, index).split('\n').length;
    return { name: `${path.replaceAll(/\W/g, '-')}-line-${line}.ts`, text: block.replaceAll(new RegExp(`^${indent}`, 'gm'), '') };
  });
}

describe('the examples', () => {
  it('in README.md and docs/ compile', async () => {
    await using folder = createTemporaryFolder('poolwright-examples');
    const blocks = [
      'README.md',
      ...readdirSync(`${root}docs`)
        .filter((file) => file.endsWith('.md') && !ELSEWHERE.includes(file))
        .map((file) => `docs/${file}`),
    ].flatMap(blocksOf);
    expect(blocks.length).toBeGreaterThan(10);
    for (const { name, text } of blocks) await writeFile(join(folder.path, name), `${text}\nexport {};\n`);
    await writeFile(join(folder.path, 'prelude.d.ts'), PRELUDE);
    const configuration = {
      extends: join(root, 'tsconfig.base.json'),
      compilerOptions: {
        noEmit: true,
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
  }, 120_000);
});
