import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { read, root, tableIn } from '../docs/table-in.js';
import { licenceText, withDependencies } from './licences.js';

/** What may be used in products of any kind, as long as the notices are kept. */
const PERMISSIVE: ReadonlySet<string> = new Set([
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '0BSD',
  'BlueOak-1.0.0',
  'MIT OR Apache-2.0',
]);

/** Nothing of these reaches users: the licence of a rival that benchmarks run against, and of build tools. */
const OF_TOOLS: ReadonlySet<string> = new Set([
  ...PERMISSIVE,
  'MPL-2.0',
  'LGPL-2.1-or-later',
  'CC-BY-4.0',
  'Python-2.0',
  'CC0-1.0',
  'Unlicense',
  '(MIT OR CC0-1.0)',
  '(Apache-2.0 OR BSD-3-Clause)',
  'WTFPL OR ISC',
  'Unicode-DFS-2016',
]);

/** What tracing agents bring along, which only test/agents installs: under licences that allow the use, or named in an old way. */
const OF_AGENTS: ReadonlySet<string> = new Set([
  'node_modules/@newrelic/security-agent: New Relic Software License v1.0',
  'node_modules/sentry: FSL-1.1-Apache-2.0',
  // MIT, by the old field `licenses` of its package.json.
  'node_modules/string.fromcodepoint: undefined',
]);

/** Apache-2.0, by the LICENSE beside its package.json: a rival that benchmarks run against. */
const OF_BENCHMARKS: ReadonlySet<string> = new Set(['node_modules/aws-advanced-nodejs-wrapper: undefined']);

interface Manifest {
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(read('package.json')) as Manifest;

/** What Vite puts into the dashboard's files. */
const BUNDLED = ['@trpc/client', 'react', 'react-dom', 'uplot'];

describe('the licences', () => {
  it('of what users install are permissive, and listed in docs/licences.md', () => {
    const installed = withDependencies(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));
    expect(installed.filter(({ licence }) => !PERMISSIVE.has(licence))).toEqual([]);
    const licences = [...new Set(installed.map(({ licence }) => licence))].toSorted();
    const namesUnder = (wanted: string): string =>
      installed
        .filter(({ licence }) => licence === wanted)
        .map(({ name }) => `\`${name}\``)
        .join(', ');
    const made = licences.map((licence) => `- ${licence}: ${namesUnder(licence)}`).join('\n');
    const begin = '<!-- licences: made from node_modules; UPDATE_DOCS=1 npx vitest run test/package/licences writes it -->\n\n';
    expect(tableIn('docs/licences.md', begin, '\n\n<!-- end of licences -->', made)).toBe(made);
  });

  it('of what the dashboard is made of are permissive, and their notices are shipped', () => {
    const dashboard = JSON.parse(read('dashboard/package.json')) as { readonly devDependencies: Readonly<Record<string, string>> };
    const tools = (name: string): boolean => name === 'vite' || name.startsWith('@types/');
    expect(Object.keys(dashboard.devDependencies).filter((name) => !tools(name))).toEqual(BUNDLED);
    const packages = withDependencies(BUNDLED);
    expect(packages.filter(({ licence }) => !PERMISSIVE.has(licence))).toEqual([]);
    const notices = packages.map((one) => `## ${one.name} (${one.licence})\n\n${licenceText(one)}`).join('\n\n');
    const text = `# Notices\n\nThe files of the dashboard (dist/dashboard) hold code of these packages.\n\n${notices}\n`;
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(`${root}THIRD-PARTY-NOTICES.md`, text);
    expect(packages.filter((one) => licenceText(one) === '')).toEqual([]);
    expect(read('THIRD-PARTY-NOTICES.md')).toBe(text);
  });

  it('of everything that is used to make it are known, and allow that', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      readonly packages: Readonly<Record<string, { readonly license?: string; readonly link?: boolean }>>;
    };
    const strange = Object.entries(packages).filter(
      ([path, { license = 'none', link }]) => path.includes('node_modules/') && link !== true && !OF_TOOLS.has(license),
    );
    expect(
      strange.map(([path, { license }]) => `${path}: ${license}`).filter((one) => !OF_AGENTS.has(one) && !OF_BENCHMARKS.has(one)),
    ).toEqual([]);
  });
});
