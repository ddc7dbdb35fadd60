/** A page of the repository, by its path without `.md`, and what the menu calls it. */
export interface Entry {
  readonly text: string;
  readonly page: string;
}

/** The menu, in the order in which a newcomer needs it. */
export const MENU: readonly { readonly text: string; readonly entries: readonly Entry[] }[] = [
  {
    text: 'Start here',
    entries: [
      { text: 'What it is', page: 'README' },
      { text: 'Getting started', page: 'docs/getting-started' },
      { text: 'Recipes', page: 'docs/recipes' },
      { text: 'Under your data layer', page: 'docs/data-layers' },
      { text: 'Coming from mysql2', page: 'docs/migration-from-mysql2' },
      { text: 'Whole applications', page: 'docs/applications' },
      { text: 'Questions', page: 'docs/faq' },
      { text: 'Examples', page: 'examples/README' },
    ],
  },
  {
    text: 'Run it',
    entries: [
      { text: 'Rolling it out, and back', page: 'docs/deployment' },
      { text: 'Serverless', page: 'docs/serverless' },
      { text: 'Bun and Deno', page: 'docs/runtimes' },
      { text: 'From one process to a fleet', page: 'docs/infrastructure' },
      { text: 'One budget for a fleet', page: 'docs/fleet' },
      { text: 'A pool finds its own size', page: 'docs/sizing' },
      { text: 'The command', page: 'docs/cli' },
      { text: 'Credentials that change', page: 'docs/credentials' },
      { text: 'Dashboard', page: 'docs/dashboard' },
      { text: 'Metrics', page: 'docs/metrics' },
      { text: 'Troubleshooting', page: 'docs/troubleshooting' },
      { text: 'Runbook', page: 'docs/runbook' },
    ],
  },
  {
    text: 'Go further',
    entries: [
      { text: 'Resilience', page: 'docs/resilience' },
      { text: 'A primary and its replicas', page: 'docs/replicas' },
      { text: 'Writers and readers', page: 'docs/server-roles' },
      { text: 'Reads on replicas', page: 'docs/reads' },
      { text: 'Tracing', page: 'docs/tracing' },
      { text: 'Asynchronous context', page: 'docs/async-context' },
      { text: 'Servers and proxies', page: 'docs/servers' },
      { text: 'Sessions', page: 'docs/sessions' },
      { text: 'Around each loan', page: 'docs/borrowing' },
      { text: 'Caching', page: 'docs/caching' },
      { text: 'Performance', page: 'docs/performance' },
    ],
  },
  {
    text: 'Reference',
    entries: [
      { text: 'Options', page: 'docs/options' },
      { text: 'Errors', page: 'docs/errors' },
      { text: 'Public interface', page: 'docs/api' },
      { text: 'tRPC API', page: 'docs/trpc-api' },
    ],
  },
  {
    text: 'Behind it',
    entries: [
      { text: 'Architecture', page: 'ARCHITECTURE' },
      { text: 'Vocabulary', page: 'docs/vocabulary' },
      { text: 'Decisions', page: 'docs/decisions/README' },
      { text: 'Files', page: 'docs/files' },
      { text: 'Dependencies', page: 'docs/dependencies' },
      { text: 'Faults that are tested', page: 'test/faults/README' },
      { text: 'Contributing', page: 'CONTRIBUTING' },
      { text: 'Changelog', page: 'CHANGELOG' },
      { text: 'Security', page: 'SECURITY' },
      { text: 'Licenses and size', page: 'docs/licences' },
    ],
  },
];

/** The page that a visitor sees first. It is in no menu. */
export const LANDING = 'site/landing';

/** Where the page is on the site: a README is the index of its folder, but the first page is the landing page. */
export const pathOf = (page: string): string => {
  if (page === LANDING) return 'index';
  return page === 'README' ? 'about' : page.replace(/\/README$/, '/index');
};

/** GitHub's names for headings, so that one link holds there and here. */
export function slugOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}
