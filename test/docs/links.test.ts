import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deadLinksOf } from '../../site/.vitepress/links.js';
import { slugOf } from '../../site/.vitepress/pages.js';
import { createTemporaryFolder } from '../../src/demo/temporary-folder.js';

async function writeAll(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

describe('the links of the built site', () => {
  it('that lead to no page, to no file or to no heading are named, and no others', async () => {
    await using site = createTemporaryFolder('poolwright-site');
    await using repository = createTemporaryFolder('poolwright-repository');
    await writeAll(repository.path, { 'ops/rules.yml': 'groups: []', 'secret.txt': 'not linked' });
    await writeAll(site.path, {
      'index.html': `<h1 id="top"></h1><a href="#top">a</a><a class="x" href="./docs/a.html#über-uns">b</a><img src="./logo.svg"><a href="https://example.com/nowhere">c</a>`,
      'logo.svg': '<svg/>',
      'docs/a.html': `<h2 id="über-uns"></h2><a href="../">a</a><a target="_self" href="../ops/rules.yml">b</a>
        <a href="#gone">c</a><a href="../index.html#gone">d</a><a href="./gone.html">e</a><a href="../ops">f</a><a href="../../secret.txt">g</a><img src="gone.png">`,
    });
    expect(deadLinksOf(site.path, repository.path)).toEqual(
      ['#gone', '../index.html#gone', './gone.html', '../ops', '../../secret.txt', 'gone.png'].map((link) => `docs/a.html: ${link}`),
    );
    expect(existsSync(join(site.path, 'ops/rules.yml'))).toBe(true);
  });

  it('to headings have the names that GitHub gives them', () => {
    expect(slugOf('How large a pool')).toBe('how-large-a-pool');
    expect(slugOf('1. The hook: no change to the code')).toBe('1-the-hook-no-change-to-the-code');
    expect(slugOf("`Can't add new command when connection is in closed state`")).toBe(
      'cant-add-new-command-when-connection-is-in-closed-state',
    );
    expect(slugOf('monitoring.pgbouncerAvailable (query)')).toBe('monitoringpgbounceravailable-query');
  });
});
