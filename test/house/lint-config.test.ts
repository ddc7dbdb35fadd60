/** layers.oxlintrc.json: lint's rules for imports, made from layers.mjs. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { read, root } from '../docs/table-in.js';
import { type LintOverride, lintOverrides } from './support/lint-rules.js';

const MADE = 'layers.oxlintrc.json';

describe('lint', () => {
  it(`restricts imports as layers.mjs says; UPDATE_DOCS=1 npx vitest run test/house writes ${MADE}`, () => {
    const made = { overrides: lintOverrides() };
    if (process.env['UPDATE_DOCS'] === '1') {
      writeFileSync(`${root}${MADE}`, JSON.stringify(made));
      execFileSync('npx', ['biome', 'format', '--write', MADE], { cwd: root });
    }
    expect(JSON.parse(read(MADE))).toEqual(made);
  });

  it('reads that file, and nothing in its own takes a rule for imports back', () => {
    const own = JSON.parse(read('.oxlintrc.json')) as { readonly extends: readonly string[]; readonly overrides: readonly LintOverride[] };
    expect(own.extends).toEqual([`./${MADE}`]);
    expect(own.overrides.filter(({ rules }) => 'no-restricted-imports' in rules)).toEqual([]);
  });
});
