/** The dashboard while something happens to a pool, its cache, its breakers or the server. */

import { describe, expect, it } from 'vitest';
import { startMariaDb } from '../../src/demo/mariadb-server.js';
import { createQueryCache } from '../../src/cache/index.js';
import { createPool } from '../../src/mysql/create-pool.js';
import { Breaker } from '../../src/resilience/breaker/breaker.js';
import { openPool, whileHolding } from '../support/pool-on-database.js';
import { serve } from '../monitor/support/serve.js';
import { startRedis } from '../support/servers/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import { openDashboard, screenshot } from './support/browser.js';
import { headlineIs, PATIENCE, region, sharedBrowser, shows } from './support/seen.js';

const browser = sharedBrowser();

describe('the dashboard shows, as they happen,', () => {
  it('a saturated pool: that it is the bottleneck, since when, and what holds it up', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders', connectionLimit: 3, acquireTimeout: 60_000 });
    const { pool } = fixture;
    await using server = await serve({ pools: pool });
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    await headlineIs(page, 'The pool is fine');
    await pool.query('SELECT 1');
    // The charts go back to before it: there is a point each second.
    await new Promise((resolve) => setTimeout(resolve, 2_500));

    const stop = new AbortController();
    const slow = Array.from({ length: 3 }, () =>
      pool.query({ sql: 'SELECT SLEEP(60), ? AS secret', values: ['sesame-value'], signal: stop.signal }).catch(() => undefined),
    );
    await waitFor('all to be in use', () => pool.summary().used === 3);
    const waiting = Array.from({ length: 4 }, () => pool.query('SELECT 1'));
    await headlineIs(page, /^The pool is the bottleneck: all 3 connections are in use since \d\d:\d\d:\d\d; 4 callers wait/);
    await shows(page, /^running for \d/);
    expect(await page.locator('.holders li').first().textContent()).toMatch(/^3 of 3SELECT SLEEP\(\?\), \? AS secretrunning for/);
    const holders = page.getByRole('table', { name: 'Who holds connections, the longest-held first' });
    expect(await holders.getByRole('row').count()).toBe(4);
    expect(await page.content()).not.toContain('sesame');
    expect(await region(page, /^Verdict/).textContent()).toContain('3 / 3');
    for (const [theme, key] of [
      ['light', 't'],
      ['dark', 't'],
    ] as const) {
      expect(await page.locator('html').getAttribute('data-theme')).toBe(theme);
      await screenshot(page, `saturated-${theme}`);
      await page.keyboard.press(key);
    }

    stop.abort();
    await Promise.all([...slow, ...waiting]);
    await headlineIs(page, 'The pool is fine');
    await shows(page, 'SELECT SLEEP(?), ? AS secret');
    expect(dashboard.complaints).toEqual([]);
  });

  it('a restart of the database', async () => {
    await using database = await startMariaDb();
    const pool = createPool(database.url(), { name: 'orders', ssl: { ca: database.caCertificate }, minIdle: 2, validateAfterIdle: 0 });
    await pool.ready();
    await using server = await serve({ pools: pool });
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    await headlineIs(page, 'The pool is fine');

    await database.kill('SIGKILL');
    await headlineIs(page, /^The database cannot be reached since \d\d:\d\d:\d\d/);
    await shows(page, /ECONNREFUSED/);
    await screenshot(page, 'unreachable-light');
    await database.restart();
    await headlineIs(page, /^The pool .*The database was away from \d\d:\d\d:\d\d to \d\d:\d\d:\d\d/);
    await region(page, 'Incidents')
      .getByText(/The database was away from/)
      .waitFor({ timeout: PATIENCE.timeoutMs });
    const events = region(page, 'Events');
    await waitFor(
      'the restart to be in the log',
      () => events.textContent(),
      (text) => /connections can be opened again/.test(text ?? ''),
      PATIENCE,
    );
    expect(await events.textContent()).toMatch(/no connection could be opened/);
    await pool.query('SELECT 1');
    await pool.end();
  });

  it('a leak, and where the connection was borrowed', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders', connectionLimit: 3, leakDetectionThreshold: 300 });
    fixture.pool.watch('leak', () => undefined);
    await using server = await serve({ pools: fixture.pool });
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    await headlineIs(page, 'The pool is fine');
    await whileHolding(fixture.pool, 1, async () => {
      const events = region(page, 'Events');
      await waitFor(
        'the leak',
        () => events.textContent(),
        (text) => /run no statement for longer than leakDetectionThreshold/.test(text ?? ''),
        PATIENCE,
      );
      await headlineIs(page, /^1 of 3 connections may be leaked since .*; borrowed at support\/pool-on-database\.ts:\d+\./);
      await shows(page, /no statement running, not released/);
      const stack = region(page, /^Who holds connections/).locator('details', { hasText: 'pool-on-database' });
      await stack.locator('summary').click();
      expect(await stack.locator('pre').textContent()).toContain('whileHolding');
      await screenshot(page, 'leak-light');
    });
    await shows(page, /came back after/);
  });

  it('breakers with their changes, before the page was opened and after, of pools and of none', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    const rates = new Breaker({ name: 'rates' });
    await using server = await serve({ pools: fixture.pool, breakers: [rates] });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    rates.open('the other service is gone');
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    const panel = region(page, 'Circuit breakers');
    await panel.getByText('rates opened: the other service is gone').waitFor({ timeout: PATIENCE.timeoutMs });
    await panel.getByText('rates (outside of pools)').waitFor();
    const letGo = fixture.pool.breakers.statement.isolate('maintenance');
    await headlineIs(page, "Callers are refused at once: breaker 'statement' is isolated");
    await panel.getByText('statement was isolated: maintenance').waitFor({ timeout: PATIENCE.timeoutMs });
    expect(await panel.getByRole('img', { name: /^statement over time/ }).getAttribute('aria-label')).toMatch(/now isolated\.$/);
    await screenshot(page, 'breaker-isolated-light');
    letGo();
    await panel.getByText('statement lets calls through again').waitFor({ timeout: PATIENCE.timeoutMs });
    await headlineIs(page, /^Breaker 'rates' is open/);
    expect(dashboard.complaints).toEqual([]);
  });

  it('a cache: who answers, how large it is, that Redis is gone and that its breaker opens; and that a pool has none', async () => {
    await using redis = await startRedis();
    const cache = createQueryCache({ name: 'shop', redis: redis.url });
    await using fixture = await openPool({ minIdle: 1, name: 'orders', cache });
    await using bare = await openPool({ minIdle: 1, name: 'bare' });
    await cache.ready();
    await using server = await serve({ pools: [fixture.pool, bare.pool], operateToken: 'operate-token-1' });
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    const panel = region(page, 'Cache shop');
    await panel.waitFor({ timeout: PATIENCE.timeoutMs });
    const ask = () => fixture.pool.query({ sql: 'SELECT 1', cache: { ttl: 60_000, tags: ['ones'] } });
    const answered = panel.getByRole('img', { name: /^Who answers/ });
    await waitFor(
      'the hits',
      async () => {
        await ask();
        return await answered.getAttribute('aria-label');
      },
      (label) => /(?:[6-9]\d|100) % of callers had their value from the cache/.test(label ?? ''),
      PATIENCE,
    );
    await page.locator('header').getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('Token').fill('operate-token-1');
    await page.keyboard.press('Enter');
    const before = cache.stats().misses;
    await page.getByRole('textbox', { name: 'Tag', exact: true }).fill('ones');
    await page.getByRole('button', { name: 'Invalidate …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Invalidate tag ones' }).click();
    await shows(page, /invalidate\s+tag ones – done, by 127\.0\.0\.1/);
    await ask();
    expect(cache.stats().misses).toBe(before + 1);
    await page.getByRole('combobox', { name: 'Breaker' }).selectOption({ label: 'cache (closed)' });
    await page.getByRole('button', { name: 'Isolate …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Isolate cache' }).click();
    await waitFor('the breaker to be isolated', () => cache.breaker?.state === 'isolated');
    await panel.getByText('breaker isolated').waitFor({ timeout: PATIENCE.timeoutMs });
    await page.getByRole('button', { name: 'Close …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Close cache' }).click();
    await waitFor('the breaker to be closed', () => cache.breaker?.state === 'closed');

    await screenshot(page, 'cache-light');
    await redis.stop();
    await panel.getByText(/^The cache serves nothing now/).waitFor({ timeout: PATIENCE.timeoutMs });
    await panel.getByText('breaker open').waitFor({ timeout: PATIENCE.timeoutMs });
    await screenshot(page, 'cache-gone-light');
    await page.getByRole('button', { name: /^bare/ }).click();
    await shows(page, /^Nothing here: .*\bcache\b/);
    expect(dashboard.complaints).toEqual([]);
    cache.close();
  });

  it('a breaker that opens when the database is gone, and closes when it is back', async () => {
    await using database = await startMariaDb();
    const pool = createPool(database.url(), { name: 'orders', ssl: { ca: database.caCertificate }, minIdle: 0 });
    await pool.query('SELECT 1');
    await using server = await serve({ pools: pool });
    await using dashboard = await openDashboard(browser(), server);
    const panel = region(dashboard.page, 'Circuit breakers').first();
    await panel.getByText('● closed', { exact: true }).first().waitFor({ timeout: PATIENCE.timeoutMs });
    await database.kill('SIGKILL');
    const logged = (change: RegExp) =>
      waitFor(
        `${change} in the panel`,
        async () => {
          await pool.query({ sql: 'SELECT 1', timeout: 500 }).catch(() => undefined);
          return await panel.textContent();
        },
        (text) => change.test(text ?? ''),
        { intervalMs: 100 },
      );
    await logged(/ opened: /);
    await database.restart();
    await logged(/lets calls through again/);
    expect(dashboard.complaints).toEqual([]);
    await pool.end();
  });

  it('that its own news is old, and continues by itself when the server is back', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    const first = await serve({ pools: fixture.pool });
    await using dashboard = await openDashboard(browser(), first);
    const { page } = dashboard;
    await headlineIs(page, 'The pool is fine');
    await first.close();
    await shows(page, /^Stale: no news for \d+ s, trying again$/);
    await shows(page, /^These figures are of \d\d:\d\d:\d\d\.$/);
    await screenshot(page, 'stale-light');
    await using second = await serve({ pools: fixture.pool, port: first.address.port });
    expect(second.url).toBe(first.url);
    await waitFor(
      'the dashboard to be live',
      () => page.locator('.link').textContent(),
      (text) => text === 'Live',
    );
  });
});
