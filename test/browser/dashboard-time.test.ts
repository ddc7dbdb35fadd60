/** The time of the dashboard: a moment on all charts, a stretch of the past, the address, and what one takes away. */

import { readFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openPool } from '../support/pool-on-database.js';
import { serve } from '../monitor/support/serve.js';
import { waitFor } from '../support/wait-for.js';
import { openDashboard, screenshot } from './support/browser.js';
import { headlineIs, PATIENCE, region, sharedBrowser } from './support/seen.js';

const browser = sharedBrowser();

function moments(page: Page): Locator {
  return page.getByRole('slider', { name: /^Moment in/ });
}

async function numberIn(slider: Locator, attribute: string): Promise<number> {
  return Number(await slider.getAttribute(attribute));
}

/** The time of day at the crosshair, in each chart. */
async function marked(page: Page): Promise<readonly string[]> {
  const texts = await Promise.all((await moments(page).all()).map((slider) => slider.getAttribute('aria-valuetext')));
  return texts.map((text) => text?.slice(0, 8) ?? '');
}

async function copied(page: Page, act: () => Promise<void>): Promise<string> {
  await act();
  await region(page, 'Time shown')
    .getByText(/^Copied/)
    .waitFor({ timeout: PATIENCE.timeoutMs });
  return String(await page.evaluate('navigator.clipboard.readText()'));
}

async function drag(page: Page, over: Locator, from: number, to: number): Promise<void> {
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  if (box === null) throw new Error('The chart is not on the page.');
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * from, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * ((from + to) / 2), y);
  await page.mouse.move(box.x + box.width * to, y);
  await page.mouse.up();
}

describe('the time of the dashboard', () => {
  it('is one for all charts, goes back and forward, stands in the address, and can be taken away', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders', connectionLimit: 3, acquireTimeout: 60_000 });
    const { pool } = fixture;
    await using server = await serve({ pools: pool });
    await using dashboard = await openDashboard(browser(), { url: `${server.url}/?pool=orders&range=1m&latency=acquire` });
    const { page } = dashboard;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await headlineIs(page, 'The pool is fine');
    expect(await page.getByRole('button', { name: '1 min' }).getAttribute('aria-pressed')).toBe('true');

    const held = await Promise.all([1, 2, 3].map(() => pool.getConnection()));
    const waiting = pool.query('SELECT 1');
    const bar = region(page, 'Time shown');
    const connections = page.getByRole('slider', { name: 'Moment in Connections' });
    // What is shorter than three seconds is no incident.
    await region(page, 'Incidents')
      .locator('li', { hasText: /connections were in use.*\((?:[4-9]|\d\d)(?:\.\d)? s\)/ })
      .waitFor({ timeout: PATIENCE.timeoutMs });
    for (const connection of held) connection.release();
    await waiting;
    await headlineIs(page, 'The pool is fine');

    // By keys, on one chart: the same moment on all.
    await connections.focus();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    const times = await marked(page);
    expect(times.length).toBeGreaterThanOrEqual(4);
    expect(times[0]).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(new Set(times).size).toBe(1);
    await waitFor(
      'the moment in the address',
      async () => Date.parse(new URL(page.url()).searchParams.get('at') ?? '') - (await numberIn(connections, 'aria-valuenow')),
      (difference) => difference === 0,
      PATIENCE,
    );
    await page.reload();
    await waitFor(
      'the same moment after a reload',
      () => marked(page),
      (now) => now.length > 0 && now.every((time) => time === times[0]),
      PATIENCE,
    );
    expect(await page.getByLabel('Latency of').inputValue()).toBe('acquire');
    const text = await copied(page, () => page.keyboard.press('c'));
    expect(text).toMatch(/^Pool orders \(.+\), process \d+ on /);
    expect(text).toMatch(/\nTime: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d .+\)\n/);
    expect(text).toMatch(/\nFigures: \d of 3 connections in use, /);
    expect(text).toMatch(/\nLast incident: .*connections were in use/);
    expect(text).toContain(`\n${server.url}/?pool=orders&range=1m&from=`);
    await page.keyboard.press('Escape');
    await waitFor(
      'no moment in the address',
      () => page.url(),
      (url) => !url.includes('at='),
      PATIENCE,
    );

    // A stretch of one chart zooms all; back, forward, and live again.
    await drag(page, page.getByRole('slider', { name: 'Moment in Throughput per second' }), 0.8, 0.95);
    await bar.getByText(/^Not live: \d\d:\d\d:\d\d to \d\d:\d\d:\d\d/).waitFor({ timeout: PATIENCE.timeoutMs });
    const begins = await Promise.all((await moments(page).all()).map((slider) => numberIn(slider, 'aria-valuemin')));
    expect(new Set(begins).size).toBe(1);
    const zoomed = page.url();
    expect(zoomed).toMatch(/range=1m&from=\d{4}-\S+&to=\d{4}-\S+&latency=acquire/);
    await screenshot(page, 'zoomed-light');
    await page.keyboard.press('Escape');
    await bar.getByText(/^Not live/).waitFor({ state: 'detached', timeout: PATIENCE.timeoutMs });
    await page.goForward();
    await bar.getByText(/^Not live/).waitFor({ timeout: PATIENCE.timeoutMs });
    expect(page.url()).toBe(zoomed);
    await bar.getByRole('button', { name: 'Back to live' }).click();
    await bar.getByText(/^Not live/).waitFor({ state: 'detached', timeout: PATIENCE.timeoutMs });
    expect(page.url()).not.toContain('from=');

    // The incident is a band, and leads to its time.
    await region(page, 'Incidents').getByRole('button', { name: 'Show in the charts' }).first().click({ timeout: PATIENCE.timeoutMs });
    await bar.getByText(/^Not live/).waitFor({ timeout: PATIENCE.timeoutMs });
    expect(await page.locator('.band').count()).toBeGreaterThanOrEqual(await moments(page).count());
    const link = await copied(page, () => page.keyboard.press('l'));
    expect(link).toContain(new URL(page.url()).search.split('&latency')[0] as string);

    const saving = page.waitForEvent('download');
    await bar.getByRole('button', { name: 'CSV' }).click();
    const rows = (await readFile(await (await saving).path(), 'utf8')).trimEnd().split('\r\n');
    expect(rows[0]).toMatch(/^time,seconds,limit,in_use,.*,acquire_p50_ms,acquire_p90_ms,acquire_p99_ms$/);
    expect(rows.length).toBeGreaterThan(6);
    expect(rows.some((row) => /^\d{4}-\d\d-\d\dT\S+Z,\d[^,]*,3,3,0,/.test(row))).toBe(true);
    expect(dashboard.complaints).toEqual([]);
  });
});
