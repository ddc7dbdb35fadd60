/** The dashboard of a cluster: who writes, who lags, what has changed, where reads go, and what is wrong. */

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { openPool, outcomeOf } from '../support/pool-on-database.js';
import { type ScriptedCluster, scriptedCluster } from '../monitor/support/scripted-cluster.js';
import { serve } from '../monitor/support/serve.js';
import { waitFor } from '../support/wait-for.js';
import { complaintsOfAxe, openDashboard, screenshot } from './support/browser.js';
import { headlineIs, PATIENCE, region, sharedBrowser, shows } from './support/seen.js';

const browser = sharedBrowser();

const PANEL = 'Servers of the cluster';

async function panelSays(page: Page, words: RegExp): Promise<void> {
  await waitFor(
    `the panel to say ${words}`,
    () => region(page, PANEL).textContent(),
    (text) => words.test(text ?? ''),
    PATIENCE,
  );
}

async function cardSays(page: Page, name: string, words: RegExp): Promise<void> {
  await waitFor(
    `the card of ${name} to say ${words}`,
    () => page.locator('.node').filter({ hasText: name }).textContent(),
    (text) => words.test(text ?? ''),
    PATIENCE,
  );
}

/** What a state must be, wherever it is shown: nothing sticks out, axe-core is content where it has something new to see, the console is quiet. */
async function isSound(page: Page, complaints: readonly string[], shot: string, axe = true): Promise<void> {
  await screenshot(page, shot);
  expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(true);
  if (axe) expect(await complaintsOfAxe(page)).toEqual([]);
  expect(complaints).toEqual([]);
}

async function readAndWrite({ db }: ScriptedCluster): Promise<void> {
  await Promise.all(Array.from({ length: 200 }, () => db.reader.query('SELECT 1')));
  await Promise.all(Array.from({ length: 30 }, () => db.query('SELECT 1')));
  await Promise.all(Array.from({ length: 12 }, () => db.query({ sql: 'SELECT 1', route: 'reader', consistency: 'strong' })));
}

describe('the dashboard of a cluster', () => {
  it.each([
    ['a desk', 1_280, 'light'],
    ['a desk at night', 1_280, 'dark'],
    ['a phone', 375, 'light'],
    ['a phone at night', 375, 'dark'],
  ] as const)(
    'says on %s who writes and where reads go: all well, one replica lagging, no writer, two writers, another writer',
    async (_, width, theme) => {
      await using cluster = await scriptedCluster({ reads: { consistency: 'bounded', maxLag: 1_000 } });
      const { db, servers, untilSeen } = cluster;
      const [a, b, c] = servers;
      await using server = await serve({ pools: db });
      await using dashboard = await openDashboard(browser(), server, { width, theme });
      const { page, complaints } = dashboard;
      const shot = (state: string): string => `cluster-${state}-${width}-${theme}`;
      await readAndWrite(cluster);
      b.lagMs = 120;
      await headlineIs(page, 'The pool is fine');
      await shows(page, `${a.name} takes writes; 2 of 2 replicas serve reads.`);
      await cardSays(page, a.name, /writer.*● up since/);
      await cardSays(page, b.name, /replica.*lag 120 ms, 1\.0 s allowed/);
      await panelSays(page, /a replica: it is fit200 94 %/);
      await isSound(page, complaints, shot('healthy'), false);

      b.lagMs = 12_000;
      await headlineIs(page, new RegExp(`^${b.name} lags by 12 s since [\\d:]+; reads go to ${c.name}`));
      await cardSays(page, b.name, /lags 12 s/);
      await isSound(page, complaints, shot('lagging'));
      c.replicating = false;
      await headlineIs(page, new RegExp(`^${c.name} is unfit, ${b.name} lags by 12 s since [\\d:]+; reads go to the writer`));
      await cardSays(page, c.name, /⊘ unfit.*Its replication does not run/);
      await db.reader.query('SELECT 1');
      await panelSays(page, /the writer: replicas lag1/);
      await isSound(page, complaints, shot('unfit'));
      b.lagMs = 0;
      c.replicating = true;

      a.alive = false;
      await untilSeen('that there is no writer', ({ writer }) => writer === undefined);
      const waiters = Array.from({ length: 12 }, () => outcomeOf(db.query('SELECT 1')));
      await headlineIs(page, /^No server takes writes since \d\d:\d\d:\d\d; 12 callers wait/);
      await shows(page, new RegExp(`^${a.name} is down since .*ECONNREFUSED`));
      await cardSays(page, a.name, /was the writer.*✕ down/);
      await isSound(page, complaints, shot('no-writer'));

      a.alive = true;
      await Promise.all(waiters);
      b.writable = true;
      await headlineIs(
        page,
        new RegExp(`^Two servers take writes: ${a.name}, ${b.name} since [\\d:]+; writes are refused until one of them is read-only\\.`),
      );
      for (const { name } of [a, b]) await cardSays(page, name, /⚠ takes writes, too/);
      await isSound(page, complaints, shot('two-writers'));

      a.writable = false;
      await headlineIs(page, /^(?!Two)/);
      await cardSays(page, b.name, /✎ writer/);
      const [change] = await region(page, PANEL).locator('.history li.writer').allTextContents();
      expect(change).toContain(`writer ${b.name} is the writer; it was ${a.name}`);
      await panelSays(page, /The writer has changed 1 time\./);
      await isSound(page, complaints, shot('switched'), false);
    },
  );

  it('can be used by keys, does not jump, and has no such panel for a pool that is no cluster', async () => {
    await using cluster = await scriptedCluster();
    const [, b] = cluster.servers;
    await using plain = await openPool({ minIdle: 1, name: 'plain' });
    await using server = await serve({ pools: [cluster.db, plain.pool] });
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    await headlineIs(page, 'The pool is fine');
    const meter = page.getByRole('meter', { name: `Lag of ${b.name}` });
    expect(await meter.getAttribute('aria-valuetext')).toBe('0 ms, 1.0 s are allowed');
    await page.evaluate(`
      window.shifts = [];
      new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map(({ value }) => value))).observe({ type: 'layout-shift' });
    `);
    b.alive = false;
    await cardSays(page, b.name, /✕ down.*ECONNREFUSED/);
    b.alive = true;
    await cardSays(page, b.name, /● up/);
    const history = page.getByLabel('Changes of the cluster, the last first');
    await history.focus();
    expect(await page.evaluate('document.activeElement.className')).toContain('history');
    expect(await page.evaluate('window.shifts.reduce((sum, shift) => sum + shift, 0)')).toBeLessThan(0.1);

    await page.getByRole('button', { name: /^plain/ }).click({ timeout: PATIENCE.timeoutMs });
    await shows(page, '0 of 20 connections are in use');
    expect(await region(page, PANEL).count()).toBe(0);
  });

  it('shows the cluster of another process', async () => {
    await using cluster = await scriptedCluster();
    await using other = await serve({ pools: cluster.db });
    await using server = await serve({ pools: [], peers: [other.url] });
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    await page
      .getByRole('navigation', { name: 'Processes' })
      .getByRole('button', { name: /0\/20 in use/ })
      .click({ timeout: PATIENCE.timeoutMs });
    await cardSays(page, cluster.servers[0].name, /✎ writer/);
    expect(await page.locator('.node').count()).toBe(3);
  });
});
