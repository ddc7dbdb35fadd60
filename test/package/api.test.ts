import { describe, expect, it } from 'vitest';
import { createTemporaryFolder } from '../../src/demo/temporary-folder.js';
import { tableIn } from '../docs/table-in.js';
import { type ApiEntry, apiSurface } from './api-surface.js';

/** Their names are mysql2's, whose documentation they follow; a test of their own compares them. */
const isMirror = (subpath: string): boolean => subpath.startsWith('poolwright/mysql2');

const BEGIN = '<!-- api: made from the declarations that are shipped; UPDATE_DOCS=1 npx vitest run test/package/api writes it -->\n\n';
const END = '\n\n<!-- end of api -->';

describe('the public interface', () => {
  it('is the one in docs/api.md, and nothing in it is undocumented', async () => {
    await using folder = createTemporaryFolder('poolwright-api');
    const surface = await apiSurface(folder.path);
    const undocumented = [...surface].flatMap(([subpath, entries]) =>
      (isMirror(subpath) ? [] : entries)
        .filter(({ doc, declaration }) => doc === '' && declaration !== '')
        .map(({ name }) => `${subpath}: ${name}`),
    );
    expect(undocumented).toEqual([]);
    const made = [...surface].map(([subpath, entries]) => section(subpath, entries)).join('\n\n');
    expect(tableIn('docs/api.md', BEGIN, END, made)).toBe(made);
  });
});

function section(subpath: string, entries: readonly ApiEntry[]): string {
  const own = isMirror(subpath) ? [] : entries.filter(({ declaration }) => declaration !== '');
  const passedOn = entries.filter((entry) => !own.includes(entry)).map(({ name }) => `\`${name}\``);
  return [
    `## \`${subpath}\``,
    ...(entries.length === 0 ? ['Exports nothing: it is loaded for what it does.'] : []),
    ...(passedOn.length === 0 ? [] : [`${isMirror(subpath) ? "Every name of mysql2's module" : 'Passed on'}: ${passedOn.join(', ')}.`]),
    ...own.map(({ name, doc, declaration }) => `### \`${name}\`\n\n${doc}\n\n\`\`\`typescript\n${declaration}\n\`\`\``),
  ].join('\n\n');
}
