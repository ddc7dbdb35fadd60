/** The dashboard as a page: by keys and by ear, in both themes, on a phone, under its policy. */

import { describe, expect, it } from 'vitest';
import { createQueryCache } from '../../src/cache/index.js';
import { openPool, whileHolding } from '../support/pool-on-database.js';
import { serve } from '../monitor/support/serve.js';
import { waitFor } from '../support/wait-for.js';
import { complaintsOfAxe, openDashboard, screenshot } from './support/browser.js';
import { headlineIs, PATIENCE, region, sharedBrowser, shows } from './support/seen.js';

const browser = sharedBrowser();

describe('the dashboard', () => {
  it('can be used by keys and by ear: each control and each chart has a name, p pauses', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    await using server = await serve({ pools: fixture.pool });
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    await headlineIs(page, 'The pool is fine');
    for (const control of await page.locator('button, select, input').all()) {
      if (!(await control.isVisible())) continue;
      const name = await control.evaluate('node => node.getAttribute("aria-label") || node.labels?.[0]?.textContent || node.textContent');
      expect(String(name).trim()).not.toBe('');
    }
    // Charts of failures and waits are there only when there are any.
    await fixture.pool.query('SELECT 1');
    await waitFor(
      'all charts',
      () => page.getByRole('img').count(),
      (count) => count === 6,
      PATIENCE,
    );
    await shows(page, 'In the time shown: no caller waited, no wait to measure, no failures.');
    for (const image of await page.getByRole('img').all()) expect(await image.getAttribute('aria-label')).toMatch(/^.+\. .+/);
    await page.keyboard.press('p');
    await shows(page, 'Paused');
    const id = fixture.pool.summary();
    expect(id.used).toBe(0);
    await whileHolding(fixture.pool, 1, async () => {
      await page.keyboard.press('p');
      await waitFor(
        'the figures to continue',
        () => region(page, /^Verdict/).textContent(),
        (text) => text?.includes('1 / 20') === true,
        PATIENCE,
      );
    });
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('BUTTON');
  });

  it.each([
    ['a desk', 1_280, 'light'],
    ['a desk at night', 1_280, 'dark'],
    ['a phone', 375, 'light'],
    ['a phone at night', 375, 'dark'],
  ] as const)('has nothing that axe-core complains of, on %s: signed out, at rest, in trouble, in a dialogue', async (_, width, theme) => {
    const cache = createQueryCache({ name: 'shop' });
    await using fixture = await openPool({
      minIdle: 1,
      name: 'orders',
      connectionLimit: 2,
      acquireTimeout: 60_000,
      cache,
      leakDetectionThreshold: 100,
    });
    fixture.pool.watch('leak', () => undefined);
    await using bare = await openPool({ minIdle: 1, name: 'bare' });
    await using peer = await serve({ pools: [], token: 'another-token' });
    const tokens = { token: 'read-token-1', operateToken: 'operate-token-1' };
    await using server = await serve({ pools: [fixture.pool, bare.pool], ...tokens, peers: [peer.url] });
    await using dashboard = await openDashboard(browser(), server, { width, theme });
    const { page } = dashboard;
    await shows(page, 'This server requires a token.');
    expect(await complaintsOfAxe(page)).toEqual([]);
    await page.getByLabel('Token').fill('operate-token-1');
    await page.keyboard.press('Enter');
    await headlineIs(page, 'The pool is fine');
    await page.getByText('needs a different token').waitFor({ timeout: PATIENCE.timeoutMs });
    expect(await complaintsOfAxe(page)).toEqual([]);
    const stop = new AbortController();
    const held = await fixture.pool.getConnection();
    const busy = fixture.pool.query({ sql: 'SELECT SLEEP(60)', signal: stop.signal }).catch(() => undefined);
    const waiting = fixture.pool.query('SELECT 1');
    await headlineIs(page, /^1 of 2 connections may be leaked since .*; borrowed at .*; 1 caller waits/);
    fixture.pool.breakers.connect.open('to be seen');
    await shows(page, 'connect opened: to be seen');
    await page.locator('details').first().locator('summary').click();
    expect(await complaintsOfAxe(page)).toEqual([]);
    await page.getByRole('button', { name: 'Drain …' }).click();
    expect(await complaintsOfAxe(page)).toEqual([]);
    held.release();
    stop.abort();
    await Promise.all([busy, waiting]);
    cache.close();
  });

  it.each([
    ['a phone', 375, 800, 'light'],
    ['a phone at night', 375, 800, 'dark'],
    ['a desk', 1_280, 900, 'dark'],
  ] as const)('fits on %s: nothing sticks out, nothing jumps', async (_, width, height, theme) => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders', connectionLimit: 5 });
    const { pool } = fixture;
    await using server = await serve({ pools: pool });
    await using dashboard = await openDashboard(browser(), server, { width, height, theme });
    const { page } = dashboard;
    await headlineIs(page, 'The pool is fine');
    await page.evaluate(`
      // A verdict that changes may move what is below it: it is news. All else stays where it is.
      const verdict = () => document.querySelector('.verdict').className;
      window.shifts = [];
      let before = verdict();
      const movedIn = ({ value, sources }) => ({ value, moved: sources.map(({ node }) => (node?.className || node?.nodeName) + ' ' + node?.textContent.slice(0, 30)) });
      new PerformanceObserver((list) => {
        if (verdict() === before) window.shifts.push(...list.getEntries().map(movedIn));
        before = verdict();
      }).observe({ type: 'layout-shift' });
    `);
    for (let round = 0; round < 30; round += 1) {
      await Promise.all(Array.from({ length: 12 }, (_unused, number) => pool.query('SELECT SLEEP(?)', [number / 200])));
    }
    await shows(page, 'SELECT SLEEP(?)');
    expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(true);
    const shifts = await page.evaluate<readonly { readonly value: number }[]>('window.shifts');
    const moved = shifts.reduce((sum, { value }) => sum + value, 0);
    expect(moved, `What moved: ${JSON.stringify(shifts)}.`).toBeLessThan(0.1);
    await screenshot(page, `${width}-${theme}`);
    expect(dashboard.complaints).toEqual([]);
  });

  it('is sent under a strict policy, takes less than 200 kB, and holds no secret', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    await using server = await serve({ pools: fixture.pool, token: 'read-token-1' });
    const page = await fetch(server.url, { headers: { 'accept-encoding': 'identity' } });
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    const html = await page.text();
    let bytes = 0;
    for (const [, path] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      // Not fetch: it decompresses the answer, and does not show the compressed length.
      const response = await fetch(server.url + path, { headers: { 'accept-encoding': 'gzip' } });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-encoding')).toBe('gzip');
      bytes += Number(response.headers.get('content-length'));
      const text = await response.text();
      expect(text).not.toContain(fixture.database.password);
      expect(text).not.toContain('read-token-1');
    }
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(200_000);
  });
});
