/** Size, place and first line of the files. */
import { describe, expect, it } from 'vitest';
import { LAYERS, MOST_FILES_OF_A_FOLDER, MOST_LINES_OF_A_FILE } from '../../layers.mjs';
import { tableIn } from '../docs/table-in.js';
import { layerOf } from './support/layer-rules.js';
import { filesIn, firstSentenceOf, folderOf, grouped, linesOf } from './support/sources.js';

const sources = filesIn('src');
const all = ['src', 'test', 'benchmarks/src', 'dashboard/src', 'scripts', 'examples', 'site'].flatMap((folder) => filesIn(folder));

describe('files', () => {
  it(`have at most ${MOST_LINES_OF_A_FILE} lines: find the seam, and make the file two`, () => {
    const long = all.map((path) => ({ path, lines: linesOf(path) })).filter(({ lines }) => lines > MOST_LINES_OF_A_FILE);
    expect(long.map(({ path, lines }) => `${path}: ${lines} lines`)).toEqual([]);
  });

  it(`are at most ${MOST_FILES_OF_A_FOLDER} in a folder: group them`, () => {
    const counts = grouped(
      ['src', 'test', 'benchmarks/src', 'dashboard/src', 'scripts'].flatMap((folder) => filesIn(folder, /./)),
      folderOf,
    );
    const full = [...counts].filter(([, files]) => files.length > MOST_FILES_OF_A_FOLDER);
    expect(full.map(([folder, files]) => `${folder}: ${files.length} files`)).toEqual([]);
  });

  it('have names in kebab-case', () => {
    expect(all.filter((path) => !/\/[a-z0-9.-]+$/.test(path))).toEqual([]);
  });

  it('of src are each in a layer', () => {
    for (const path of sources) expect(layerOf(path)).toBeDefined();
  });

  it.each(['src', 'scripts', 'test/house'])(
    'of %s begin with a comment of one sentence that says what the file is, before its imports: `/** A FIFO queue of waiters. */`',
    (folder) => {
      expect(filesIn(folder).filter((path) => firstSentenceOf(path) === undefined)).toEqual([]);
    },
  );

  it('of src say in that sentence what no other file says', () => {
    const same = grouped(sources, (path) => firstSentenceOf(path) ?? path);
    expect([...same.values()].filter((paths) => paths.length > 1)).toEqual([]);
  });
});

describe('docs/files.md', () => {
  const begin = '<!-- files: made from the first lines of the files; UPDATE_DOCS=1 npx vitest run test/house writes it -->\n\n';
  const end = '\n\n<!-- end of files -->';

  it('has the first sentence of every file of every layer', () => {
    const made = LAYERS.filter(({ path }) => path.startsWith('src/'))
      .map(chapterOf)
      .join('\n\n');
    expect(tableIn('docs/files.md', begin, end, made)).toBe(made);
  });
});

/** A layer, its own files first, then those of its wings, lowest first. */
function chapterOf({ path, is, wings = [] }: (typeof LAYERS)[number]): string {
  const files = sources.filter((file) => file === path || file.startsWith(`${path}/`));
  if (path.endsWith('.ts')) return `## ${path}\n\n${is}`;
  const sections = wings.map((wing) => {
    const folder = `${path}/${wing}`;
    return `### ${folder}\n\n${firstSentenceOf(`${folder}/index.ts`) ?? ''}\n\n${tableOf(files, folder)}`;
  });
  return [`## ${path}\n\n${is}\n\n${tableOf(files, path)}`, ...sections].join('\n\n');
}

function tableOf(files: readonly string[], folder: string): string {
  const rows = files
    .filter((file) => folderOf(file) === folder && (file !== `${folder}/index.ts` || layerOf(file).path === folder))
    .toSorted()
    .map((file) => `| [${file.slice(folder.length + 1)}](../${file}) | ${(firstSentenceOf(file) ?? '').replaceAll('|', '\\|')} |`);
  return ['| file | what it is |', '| --- | --- |', ...rows].join('\n');
}
