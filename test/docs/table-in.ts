import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** The root of the repository, with a slash at the end. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The text of a file of the repository. */
export const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

/** What stands between two marks of a document; with UPDATE_DOCS=1, what is made is written there first. */
export function tableIn(path: string, begin: string, end: string, made: string): string | undefined {
  const [before, rest] = read(path).split(begin);
  const [table, after] = (rest ?? '').split(end);
  expect(rest).toBeDefined();
  expect(after).toBeDefined();
  if (process.env['UPDATE_DOCS'] !== '1') return table;
  writeFileSync(`${root}${path}`, `${before}${begin}${made}${end}${after}`);
  return made;
}
