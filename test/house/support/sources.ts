/** The files of the repository that the house's rules are about. */
import { readdirSync } from 'node:fs';
import { read, root } from '../../docs/table-in.js';

const LEFT_OUT: ReadonlySet<string> = new Set(['node_modules', 'dist', 'results', '.cache']);

/** Paths from the root of all files of a folder and its folders whose names match. */
export function filesIn(folder: string, name: RegExp = /\.(?:ts|tsx|mjs)$/): readonly string[] {
  return readdirSync(`${root}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return LEFT_OUT.has(entry.name) ? [] : filesIn(path, name);
    return name.test(entry.name) ? [path] : [];
  });
}

/** How many lines a file has. */
export const linesOf = (path: string): number => read(path).trimEnd().split('\n').length;

/** The folder of a path. */
export const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

/** The first sentence of the comment that a file begins with; undefined when it begins with none, or with one of a single declaration inside. */
export function firstSentenceOf(path: string): string | undefined {
  const text = read(path).replace(/^#!.*\n/, '');
  const comment = /^\/\*\*(?<block>[\s\S]*?)\*\/\n|^(?<lines>(?:\/\/.*\n)+)/.exec(text);
  if (comment === null) return undefined;
  const after = text.slice(comment[0].length);
  if (!/^(?:\n|import\b|export\b)/.test(after)) return undefined;
  const prose = (comment.groups?.['block'] ?? comment.groups?.['lines'] ?? '').replaceAll(/^[ \t]*(?:\*|\/\/)[ \t]?/gm, '');
  const [paragraph = ''] = prose.trim().split(/\n\s*\n|\n@/);
  return /^[^\s@](?:.*?\S)?\.(?=\s+[^a-z]|$)/.exec(paragraph.replaceAll(/\s+/g, ' '))?.[0];
}

/** The values under what a function says of each. */
export function grouped<T>(values: readonly T[], keyOf: (value: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) (groups.get(keyOf(value)) ?? groups.set(keyOf(value), []).get(keyOf(value)))?.push(value);
  return groups;
}
