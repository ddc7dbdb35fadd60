import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTemporaryFolder, type TemporaryFolder } from '../../src/demo/temporary-folder.js';
import { openDashboard as openPage, screenshot, startBrowser } from './support/browser.js';
import { serveFiles } from './support/static-server.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SITE = join(ROOT, 'site');

let browser: Browser;
let folder: TemporaryFolder;
let site: Awaited<ReturnType<typeof serveFiles>>;

/** Builds into a folder of its own. Fails as `npm run docs:build` does: for a page that is not in the menu, and for a link that leads nowhere. */
beforeAll(async () => {
  folder = createTemporaryFolder('poolwright-site');
  const vitepress = join(ROOT, 'node_modules/vitepress/bin/vitepress.js');
  await promisify(execFile)(process.execPath, [vitepress, 'build', '--outDir', folder.path], {
    cwd: SITE,
    env: { ...process.env, NODE_ENV: 'production' },
  });
  site = await serveFiles(folder.path, '/some/folder/');
  browser = await startBrowser();
});

afterAll(async () => {
  await browser.close();
  await site[Symbol.asyncDispose]();
  await folder.remove();
});

describe('the site of the documents, in a folder of a host that knows only files', () => {
  it('says on its first screen what it is, with code, a figure and a picture, and leads to the first page', async () => {
    await using opened = await openPage(browser, site);
    const { page, complaints } = opened;
    expect(await page.locator('h1').textContent()).toContain('Poolwright');
    expect(await page.locator('.landing-figure').textContent()).toMatch(/^[\d.]+ ms\s*until .* takes [\d.]+ ms/);
    const picture = page.locator('.landing-picture');
    expect(await picture.evaluate((image: { readonly naturalWidth: number }) => image.naturalWidth)).toBeGreaterThan(1_000);
    for (const part of [page.locator('.landing pre'), page.locator('.landing-figure b'), picture]) {
      const box = await part.boundingBox();
      expect((box?.y ?? Number.POSITIVE_INFINITY) + 100).toBeLessThan(page.viewportSize()?.height ?? 0);
    }
    await screenshot(page, 'site-home');
    await page.getByRole('link', { name: 'Get started' }).click();
    await page.waitForURL('**/some/folder/docs/getting-started.html');
    expect(complaints).toEqual([]);
  });

  it('has no page that is wider than a phone, no code that is cut off, and a short page of performance whose folds open for a link', async () => {
    await using opened = await openPage(browser, site);
    const { page, complaints } = opened;
    await page.setViewportSize({ width: 390, height: 844 });
    for (const name of ['index', 'docs/getting-started', 'docs/performance']) {
      await page.goto(`${site.url}${name}.html`);
      await page.locator('.vp-doc').first().waitFor();
      const { tooWide, cutOff, height } = await page.evaluate<{ tooWide: number; cutOff: string[]; height: number }>(`({
        tooWide: document.documentElement.scrollWidth - innerWidth,
        cutOff: [...document.querySelectorAll('pre')].filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent),
        height: document.documentElement.scrollHeight,
      })`);
      expect({ name, tooWide, cutOff }).toEqual({ name, tooWide: 0, cutOff: [] });
      expect(height).toBeLessThan(4_000);
      await screenshot(page, `site-phone-${name.replace('docs/', '')}`);
    }
    await page.goto(`${site.url}docs/performance.html#a-spike-on-a-warm-pool`);
    await page.locator('details[open] #a-spike-on-a-warm-pool').waitFor();
    expect(complaints).toEqual([]);
  });

  it('leads a newcomer from the README to a page, and its menu to the next', async () => {
    await using opened = await openPage(browser, { url: `${site.url}about.html` });
    const { page, complaints } = opened;
    await page.locator('.vp-doc').getByRole('link', { name: 'docs/getting-started.md' }).click();
    await page.waitForURL('**/some/folder/docs/getting-started.html');
    await page.getByRole('heading', { name: 'Getting started' }).waitFor();
    await page.locator('.VPSidebar').getByRole('link', { name: 'Recipes' }).click();
    await page.getByRole('heading', { name: 'Recipes', level: 1 }).waitFor();
    await screenshot(page, 'site-recipes');
    expect(complaints).toEqual([]);
  });

  it('finds the text of an error, without asking another server', async () => {
    await using opened = await openPage(browser, site);
    const { page, complaints } = opened;
    const elsewhere: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(site.url)) elsewhere.push(request.url());
    });
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('searchbox').fill("Can't add new command");
    await page.getByRole('option').filter({ hasText: 'closed state' }).first().click();
    await page.waitForURL('**/docs/troubleshooting.html#**');
    await page.getByRole('heading', { name: "Can't add new command when connection is in closed state" }).waitFor();
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('shows the charts of the benchmarks, the whole public interface, and the files that pages link to', async () => {
    await using opened = await openPage(browser, { url: `${site.url}docs/performance.html` });
    const { page, complaints } = opened;
    const chart = page.locator('img[alt="Borrowing and giving back"]');
    await page.getByRole('heading', { name: 'Borrowing and giving back' }).click();
    await chart.scrollIntoViewIfNeeded();
    expect(await chart.evaluate((image: { readonly naturalWidth: number }) => image.naturalWidth)).toBeGreaterThan(100);
    await page.goto(`${site.url}docs/api.html#createpool`);
    await page.locator('#createpool').waitFor({ state: 'visible' });
    await page.goto(`${site.url}docs/runbook.html`);
    expect(complaints).toEqual([]);
    await page.locator('.vp-doc').getByRole('link', { name: 'alerts.yml' }).first().click();
    await page.getByText('groups:').waitFor();
    expect(page.url()).toBe(`${site.url}ops/prometheus/alerts.yml`);
  });
});
