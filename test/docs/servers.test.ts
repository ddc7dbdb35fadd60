/** docs/servers.md, the tests that it names, and what the README claims. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Claim, CLAIMS } from '../support/imitations/claims.js';
import { DOCUMENTS } from '../support/imitations/documents.js';
import { REAL, realProducts, serversTable, testOf } from './servers.js';
import { read, root, tableIn } from './table-in.js';

const NAMES = /MySQL Router|MySQL|MariaDB|TiDB|Aurora|Vitess|PlanetScale|ProxySQL|RDS Proxy|MaxScale|HAProxy/gu;
const entries = Object.entries(CLAIMS) as readonly (readonly [string, Claim])[];

describe('docs/servers.md', () => {
  it('has one table of what is tested, and on what', () => {
    const made = serversTable();
    const begin = '<!-- servers: made from test/docs/servers.ts; UPDATE_DOCS=1 npx vitest run test/docs writes it -->\n\n';
    expect(tableIn('docs/servers.md', begin, '\n\n<!-- end of servers -->', made)).toBe(made);
  });

  it('names tests that are there', () => {
    const named = [
      ...Object.values(REAL).flatMap((rows) => rows.map(({ test }) => test)),
      ...entries.flatMap(([, claim]) => testOf(claim) ?? []),
    ];
    expect(named.filter((path) => !existsSync(`${root}${path}`))).toEqual([]);
  });

  it('has a test for each claim that is played on the wire, in the file that it names', () => {
    const played = entries.flatMap(([name, claim]) => {
      const test = testOf(claim);
      return test === undefined ? [] : [[name, read(test).includes(`titleOf('${name}')`)]];
    });
    expect(played).toEqual(played.map(([name]) => [name, true]));
  });

  it('takes each document for some claim', () => {
    const used = new Set<string | undefined>(entries.flatMap(([, { source, also }]) => [source, also]));
    expect(Object.keys(DOCUMENTS).filter((name) => !used.has(name))).toEqual([]);
  });
});

describe('the first sentence', () => {
  it.each(['README.md', 'package.json', 'src/index.ts', 'site/.vitepress/config.ts'])(
    'of %s claims no server but those that tests have',
    (path) => {
      const text = read(path);
      const sentence =
        /Connection pooling for [^:]*:|"description": "[^"]*"|\/\*\* poolwright:[^\n]*|description: '[^']*'/u.exec(text)?.[0] ?? '';
      const claimed = [...sentence.matchAll(NAMES)].map(([name]) => name);
      expect(claimed).toContain('MySQL');
      expect(claimed.filter((name) => !realProducts().includes(name))).toEqual([]);
    },
  );
});
