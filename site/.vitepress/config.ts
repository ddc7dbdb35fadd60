import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { defineConfig, type MarkdownRenderer } from 'vitepress';
import { deadLinksOf } from './links.js';
import { foldSections } from './folds.js';
import { LANDING, MENU, pathOf, slugOf } from './pages.js';

const ROOT = join(import.meta.dirname, '../..');

const listed = MENU.flatMap(({ entries }) => entries.map(({ page }) => page));

// The index of the decisions lists its pages; test/house holds it to that.
const forgotten = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.md') && (!name.includes('/') || name.endsWith('/README.md')))
  .map((name) => `docs/${name.replace('.md', '')}`)
  .filter((page) => !listed.includes(page));
if (forgotten.length > 0) throw new Error(`The menu (site/.vitepress/pages.ts) lacks ${forgotten.join(', ')}.`);

/** The pages of the repository as they are, also readable on GitHub: its READMEs are indexes here, and its files are no pages. */
export default defineConfig({
  title: 'Poolwright',
  description: 'Connection-pool infrastructure for MySQL and MariaDB on Node.js',
  lang: 'en',
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  // Works in any folder of a host.
  base: './',
  srcDir: ROOT,
  outDir: join(import.meta.dirname, '../dist'),
  cacheDir: join(ROOT, '.cache/site'),
  srcExclude: ['**/{node_modules,dist,coverage}/**'],
  rewrites: Object.fromEntries(
    [...listed, LANDING].filter((page) => pathOf(page) !== page).map((page) => [`${page}.md`, `${pathOf(page)}.md`]),
  ),
  markdown: { anchor: { slugify: slugOf }, config: configureMarkdown },

  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: MENU.map(({ text, entries }) => ({
      text,
      items: entries.map((entry) => ({ text: entry.text, link: `/${pathOf(entry.page).replace(/index$/, '')}` })),
    })),
  },
  vite: { build: { chunkSizeWarningLimit: 5_000 } },
  buildEnd({ outDir }) {
    const dead = deadLinksOf(outDir, ROOT);
    if (dead.length > 0) throw new Error(`Links that lead nowhere:\n${dead.join('\n')}`);
  },
});

const FOLDS = { page: 'docs/performance.md', open: 'what-you-gain' };

/** The figures of the landing page, as the README has them. */
function spikeFigures(): { readonly own: string; readonly mysql2: string } {
  const [, own, mysql2] =
    /^\| a short spike, until the last answer \| ([\d.]+ ms) \| ([\d.]+ ms),/m.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? [];
  if (own === undefined || mysql2 === undefined) throw new Error('README.md has no figures of a short spike.');
  return { own, mysql2 };
}

function configureMarkdown(md: MarkdownRenderer): void {
  linkAsOnTheSite(md);
  foldSections(md, FOLDS);
  const { own, mysql2 } = spikeFigures();
  // Before anything is read: text that VitePress knows to be static is not loaded twice.
  md.core.ruler.before('normalize', 'figures', (state) => {
    state.src = state.src.replaceAll('%spike%', own).replaceAll('%spike of mysql2%', mysql2);
  });
}

function linkAsOnTheSite(md: MarkdownRenderer): void {
  md.core.ruler.push('links_of_the_repository', ({ tokens, env }) => {
    const { relativePath = '' } = env as { readonly relativePath?: string };
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null;
      if (href === null || /^[a-z]+:|^#/i.test(href)) continue;
      const isReadme = posix.join(posix.dirname(relativePath), href.replace(/#.*$/, '')) === 'README.md';
      token.attrSet('href', href.replace(/(^|\/)README\.md(?=$|#)/, isReadme ? '$1about.md' : '$1index.md'));
      // A file, to be shown by the browser.
      if (!/\.md(?:$|#)/.test(href)) token.attrSet('target', '_self');
    }
  });
}
