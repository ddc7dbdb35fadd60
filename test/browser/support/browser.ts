import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { requireExecutable } from '../../../src/demo/find-executable.js';
import type { MonitoringServer } from '../../../src/monitor/server/server.js';

const BUILT = fileURLToPath(new URL('../../../dist/dashboard/index.html', import.meta.url));

/** Chromium contacts no other server: no updates, no sync. As root it has no sandbox. */
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export async function startBrowser(): Promise<Browser> {
  if (!existsSync(BUILT)) throw new Error('The dashboard is not built: run `npm run build` first.');
  return await chromium.launch({ executablePath: await requireExecutable('chromium', ['chromium']), args: FLAGS });
}

/** A page with the dashboard of a server, and what its console has complained of. */
export interface Dashboard extends AsyncDisposable {
  readonly page: Page;
  /** Errors and warnings of the console, such as violations of the content security policy. */
  readonly complaints: readonly string[];
}

export interface DashboardOptions {
  readonly width?: number;
  readonly height?: number;
  readonly theme?: 'dark' | 'light';
}

/** Opens the dashboard and waits for its first data, unless the server wants a token. */
export async function openDashboard(
  browser: Browser,
  { url }: Pick<MonitoringServer, 'url'>,
  { width = 1280, height = 900, theme = 'light' }: DashboardOptions = {},
): Promise<Dashboard> {
  const context: BrowserContext = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** For people to look at: `SCREENSHOTS=folder npx vitest run test/browser`; of all states: `npm run screenshots`. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS'];
  if (folder !== undefined && folder !== '') await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds wrong for users who hear the page, use only the keyboard, or have low vision: WCAG 2.2, A and AA, and its best practices. */
export async function complaintsOfAxe(page: Page): Promise<readonly string[]> {
  // Not as a script of the page, whose policy would not have it.
  await page.evaluate(AXE);
  const found = await page.evaluate<{
    readonly violations: readonly { readonly id: string; readonly help: string; readonly nodes: readonly { readonly html: string }[] }[];
  }>('axe.run()');
  return found.violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 200)}`));
}
