import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMariaDb } from '../../src/demo/mariadb-server.js';
import { createQueryCache } from '../../src/cache/index.js';
import { createPool } from '../../src/mysql/create-pool.js';
import { Breaker } from '../../src/resilience/breaker/breaker.js';
import { buildCommand } from '../cli/support/built-command.js';
import { createPoolOnDatabase, whileHolding } from '../monitor/support/pool-on-database.js';
import { serve } from '../monitor/support/serve.js';
import { createDatabase } from '../support/servers/database.js';
import { freePort } from '../support/network/free-port.js';
import { startRedis } from '../support/servers/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import { complaintsOfAxe, openDashboard, screenshot, startBrowser } from './support/browser.js';

const PATIENCE = { timeoutMs: 20_000, intervalMs: 100 };
const TIMEOUT = 90_000;

let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
}, 60_000);

afterAll(async () => {
  await browser.close();
});

async function shows(page: Page, text: string | RegExp): Promise<void> {
  await page.getByText(text).first().waitFor({ state: 'visible', timeout: PATIENCE.timeoutMs });
}

const headline = (page: Page) => page.locator('.verdict h2');

async function headlineIs(page: Page, text: string | RegExp): Promise<void> {
  const words = typeof text === 'string' ? new RegExp(`^${text}`) : text;
  await waitFor(
    `the headline ${words}`,
    () => headline(page).textContent(),
    (found) => words.test(found ?? ''),
    PATIENCE,
  );
}

function region(page: Page, name: string | RegExp) {
  return page.getByRole('region', { name });
}

describe('the dashboard shows, as they happen,', { timeout: TIMEOUT }, () => {
  it('a saturated pool: that it is the bottleneck, since when, and what holds it up', async () => {
    await using fixture = await createPoolOnDatabase({ name: 'orders', connectionLimit: 3, acquireTimeout: 60_000 });
    const { pool } = fixture;
    await using server = await serve({ pools: pool });
    await using dashboard = await openDashboard(browser, server);
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
    await headlineIs(page, 'The pool is the bottleneck: all 3 connections are in use, 4 callers wait');
    await shows(page, /^It has been so since \d\d:\d\d:\d\d\.$/);
    await shows(page, /^3 of 3 borrowers: running SELECT SLEEP\(\?\), \? AS secret; held for up to/);
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
    await using dashboard = await openDashboard(browser, server);
    const { page } = dashboard;
    await headlineIs(page, 'The pool is fine');

    await database.kill('SIGKILL');
    await headlineIs(page, 'The database cannot be reached.');
    await shows(page, /ECONNREFUSED/);
    await screenshot(page, 'unreachable-light');
    await database.restart();
    await headlineIs(page, /^The pool is (?:fine|degraded)/);
    const events = region(page, 'What has happened');
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
    await using fixture = await createPoolOnDatabase({ name: 'orders', connectionLimit: 3, leakDetectionThreshold: 300 });
    fixture.pool.watch('leak', () => undefined);
    await using server = await serve({ pools: fixture.pool });
    await using dashboard = await openDashboard(browser, server);
    const { page } = dashboard;
    await headlineIs(page, 'The pool is fine');
    await whileHolding(fixture.pool, 1, async () => {
      const events = region(page, 'What has happened');
      await waitFor(
        'the leak',
        () => events.textContent(),
        (text) => /held for longer than leakDetectionThreshold/.test(text ?? ''),
        PATIENCE,
      );
      await headlineIs(page, /^Connection #1 may be leaked: it has been held for/);
      await shows(page, /no statement running, yet not released/);
      const stack = page.locator('details', { hasText: 'pool-on-database' });
      await stack.locator('summary').click();
      expect(await stack.locator('pre').textContent()).toContain('whileHolding');
      await screenshot(page, 'leak-light');
    });
    await shows(page, /came back after/);
  });

  it('breakers with their changes, before the page was opened and after, of pools and of none', async () => {
    await using fixture = await createPoolOnDatabase({ name: 'orders' });
    const rates = new Breaker({ name: 'rates' });
    await using server = await serve({ pools: fixture.pool, breakers: [rates] });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    rates.open('the other service is gone');
    await using dashboard = await openDashboard(browser, server);
    const { page } = dashboard;
    const panel = region(page, 'Circuit breakers');
    await panel.getByText('rates: from closed to open: the other service is gone').waitFor({ timeout: PATIENCE.timeoutMs });
    await panel.getByText('rates (of no pool)').waitFor();
    const letGo = fixture.pool.breakers.statement.isolate('maintenance');
    await headlineIs(page, "Callers are refused at once: breaker 'statement' is isolated");
    await panel.getByText('statement: from closed to isolated: maintenance').waitFor({ timeout: PATIENCE.timeoutMs });
    expect(await panel.getByRole('img', { name: /^statement over time/ }).getAttribute('aria-label')).toMatch(/now isolated\.$/);
    await screenshot(page, 'breaker-isolated-light');
    letGo();
    await panel.getByText('statement: from isolated to closed').waitFor({ timeout: PATIENCE.timeoutMs });
    await headlineIs(page, /^The pool is/);
    expect(dashboard.complaints).toEqual([]);
  });

  it('a cache: who answers, how large it is, that Redis is gone and that its breaker opens; and that a pool has none', async () => {
    await using redis = await startRedis();
    const cache = createQueryCache({ name: 'shop', redis: redis.url });
    await using fixture = await createPoolOnDatabase({ name: 'orders', cache });
    await using bare = await createPoolOnDatabase({ name: 'bare' });
    await cache.ready();
    await using server = await serve({ pools: [fixture.pool, bare.pool], operateToken: 'operate-token-1' });
    await using dashboard = await openDashboard(browser, server);
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
    await panel.getByText(/^It serves nothing now/).waitFor({ timeout: PATIENCE.timeoutMs });
    await panel.getByText('breaker open').waitFor({ timeout: PATIENCE.timeoutMs });
    await screenshot(page, 'cache-gone-light');
    await page.getByRole('button', { name: /^bare/ }).click();
    await shows(page, 'This pool has no cache.');
    expect(dashboard.complaints).toEqual([]);
    cache.close();
  });

  it('a breaker that opens when the database is gone, and closes when it is back', async () => {
    await using database = await startMariaDb();
    const pool = createPool(database.url(), { name: 'orders', ssl: { ca: database.caCertificate }, minIdle: 0 });
    await pool.query('SELECT 1');
    await using server = await serve({ pools: pool });
    await using dashboard = await openDashboard(browser, server);
    const panel = region(dashboard.page, 'Circuit breakers').first();
    await panel.getByText('closed', { exact: true }).first().waitFor({ timeout: PATIENCE.timeoutMs });
    await database.kill('SIGKILL');
    const logged = (change: RegExp) =>
      waitFor(
        `${change} in the panel`,
        async () => {
          await pool.query({ sql: 'SELECT 1', timeout: 500 }).catch(() => undefined);
          return await panel.textContent();
        },
        (text) => change.test(text ?? ''),
        { timeoutMs: 40_000, intervalMs: 100 },
      );
    await logged(/from closed to open/);
    await database.restart();
    await logged(/to closed/);
    expect(dashboard.complaints).toEqual([]);
    await pool.end();
  });

  it('that its own news are old, and goes on by itself when the server is back', async () => {
    await using fixture = await createPoolOnDatabase({ name: 'orders' });
    const first = await serve({ pools: fixture.pool });
    await using dashboard = await openDashboard(browser, first);
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
      { timeoutMs: 40_000 },
    );
  });
});

describe('the dashboard', { timeout: TIMEOUT }, () => {
  it('shows several pools to choose from, and says so when there is none', async () => {
    await using one = await createPoolOnDatabase({ name: 'orders', connectionLimit: 3 });
    await using two = await createPoolOnDatabase({ name: 'users', connectionLimit: 7 });
    const pools = new Map<string, typeof one.pool>();
    await using server = await serve({ pools: () => pools });
    await using dashboard = await openDashboard(browser, server);
    const { page } = dashboard;
    await shows(page, /^This process has no pool yet/);
    for (const { pool } of [one, two]) pools.set(pool.name, pool);
    await page.getByRole('button', { name: /^users/ }).click({ timeout: PATIENCE.timeoutMs });
    await waitFor(
      'the other pool',
      () => region(page, /^Verdict on pool users/).textContent(),
      (text) => text?.includes('0 / 7') === true,
      PATIENCE,
    );
    expect(await page.getByRole('navigation', { name: 'Pools' }).getByRole('button').count()).toBe(2);
    await screenshot(page, 'several-light');
  });

  it('shows another process of the service, that it is stale when it is gone, and that one wants another token', async () => {
    await using command = await buildCommand();
    await using database = await createDatabase();
    await using fixture = await createPoolOnDatabase({ name: 'orders', connectionLimit: 3 });
    await using strict = await serve({ pools: [], token: 'another-token' });
    const port = await freePort();
    const tokens = { POOLWRIGHT_TOKEN: 'read-token-1', POOLWRIGHT_OPERATE_TOKEN: 'operate-token-1' };
    const start = () => command.start(['serve', '--port', String(port), '--connections', '5'], { DATABASE_URL: database.url(), ...tokens });
    const other = start();
    await other.says('Monitoring:');
    const peers = [`http://127.0.0.1:${port}`, strict.url];
    await using server = await serve({ pools: fixture.pool, token: 'read-token-1', operateToken: 'operate-token-1', peers });
    await using dashboard = await openDashboard(browser, server);
    const { page } = dashboard;
    await page.getByRole('button', { name: 'Sign in' }).first().click();
    await page.getByLabel('Token').fill('operate-token-1');
    await page.keyboard.press('Enter');
    const processes = page.getByRole('navigation', { name: 'Processes' });
    await processes.getByText('wants another token').waitFor({ timeout: PATIENCE.timeoutMs });
    expect(await processes.getByRole('button').count()).toBe(3);
    await processes.getByRole('button', { name: /0\/5 in use/ }).click({ timeout: PATIENCE.timeoutMs });
    const verdict = region(page, /^Verdict/);
    await waitFor(
      'the pool of the other process',
      () => verdict.textContent(),
      (text) => text?.includes('0 / 5') === true,
      PATIENCE,
    );
    await page.getByRole('button', { name: 'Suspend …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
    await headlineIs(page, 'The pool is suspended');
    await shows(page, /suspend\s+– done, by 127\.0\.0\.1 by way of 127\.0\.0\.1/);
    expect(fixture.pool.summary().state).toBe('running');
    await screenshot(page, 'processes-light');

    await other.end('SIGKILL');
    await shows(page, /^Stale: no news for/);
    await processes.getByText(/^stale: it does not answer, seen/).waitFor({ timeout: PATIENCE.timeoutMs });
    await processes.getByRole('button', { name: /wants another token/ }).click();
    await shows(page, 'This process wants another token than the server that shows it has.');
    await processes.getByRole('button', { name: /this server/ }).click();
    await headlineIs(page, 'The pool is fine');
    await using again = start();
    await again.says('Monitoring:');
    await processes.getByRole('button', { name: /0\/5 in use/ }).click({ timeout: PATIENCE.timeoutMs });
    await waitFor(
      'the process that was started again',
      () => verdict.textContent(),
      (text) => text?.includes('0 / 5') === true,
      PATIENCE,
    );
  });

  it('asks for a token where one is needed, and acts only with one that allows it, after a question', async () => {
    await using fixture = await createPoolOnDatabase({ name: 'orders' });
    await using server = await serve({ pools: fixture.pool, token: 'read-token-1', operateToken: 'operate-token-1' });
    await using dashboard = await openDashboard(browser, server);
    const { page } = dashboard;
    const signIn = async (token: string): Promise<void> => {
      await page
        .locator('header')
        .getByRole('button', { name: /^(?:Sign in|Token)$/ })
        .click();
      await page.getByLabel('Token').fill(token);
      await page.keyboard.press('Enter');
    };
    await shows(page, 'This server wants a token.');
    await signIn('wrong');
    await shows(page, 'This server wants a token.');
    await signIn('read-token-1');
    await headlineIs(page, 'The pool is fine');
    await shows(page, 'To act on this pool, sign in with a token that allows it.');
    expect(await page.content()).not.toContain('read-token-1');

    await signIn('operate-token-1');
    await page.getByRole('button', { name: 'Suspend …' }).click({ timeout: PATIENCE.timeoutMs });
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    expect(fixture.pool.summary().state).toBe('running');
    await page.getByRole('button', { name: 'Suspend …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
    await headlineIs(page, 'The pool is suspended');
    expect(fixture.pool.summary().state).toBe('suspended');
    await page.getByRole('button', { name: 'Resume …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await headlineIs(page, 'The pool is fine');
    await shows(page, /suspend\s+– done, by 127\.0\.0\.1/);
    await page.getByLabel('New limit').fill('7');
    await page.getByRole('button', { name: 'Resize …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resize to 7' }).click();
    await waitFor('the new limit', () => fixture.pool.summary().limit === 7);
  });

  it('can be used by keys and by ear: each control and each chart has a name, p pauses', async () => {
    await using fixture = await createPoolOnDatabase({ name: 'orders' });
    await using server = await serve({ pools: fixture.pool });
    await using dashboard = await openDashboard(browser, server);
    const { page } = dashboard;
    await headlineIs(page, 'The pool is fine');
    for (const control of await page.locator('button, select, input').all()) {
      if (!(await control.isVisible())) continue;
      const name = await control.evaluate('node => node.getAttribute("aria-label") || node.labels?.[0]?.textContent || node.textContent');
      expect(String(name).trim()).not.toBe('');
    }
    expect(await page.getByRole('img').count()).toBe(9);
    for (const image of await page.getByRole('img').all()) expect(await image.getAttribute('aria-label')).toMatch(/^.+\. .+/);
    await page.keyboard.press('p');
    await shows(page, 'Paused');
    const id = fixture.pool.summary();
    expect(id.used).toBe(0);
    await whileHolding(fixture.pool, 1, async () => {
      await page.keyboard.press('p');
      await waitFor(
        'the figures to go on',
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
    await using fixture = await createPoolOnDatabase({
      name: 'orders',
      connectionLimit: 2,
      acquireTimeout: 60_000,
      cache,
      leakDetectionThreshold: 100,
    });
    fixture.pool.watch('leak', () => undefined);
    await using bare = await createPoolOnDatabase({ name: 'bare' });
    await using peer = await serve({ pools: [], token: 'another-token' });
    const tokens = { token: 'read-token-1', operateToken: 'operate-token-1' };
    await using server = await serve({ pools: [fixture.pool, bare.pool], ...tokens, peers: [peer.url] });
    await using dashboard = await openDashboard(browser, server, { width, theme });
    const { page } = dashboard;
    await shows(page, 'This server wants a token.');
    expect(await complaintsOfAxe(page)).toEqual([]);
    await page.locator('header').getByRole('button', { name: 'Sign in' }).click();
    expect(await complaintsOfAxe(page)).toEqual([]);
    await page.getByLabel('Token').fill('operate-token-1');
    await page.keyboard.press('Enter');
    await headlineIs(page, 'The pool is fine');
    await page.getByText('wants another token').waitFor({ timeout: PATIENCE.timeoutMs });
    expect(await complaintsOfAxe(page)).toEqual([]);
    const stop = new AbortController();
    const held = await fixture.pool.getConnection();
    const busy = fixture.pool.query({ sql: 'SELECT SLEEP(60)', signal: stop.signal }).catch(() => undefined);
    const waiting = fixture.pool.query('SELECT 1');
    await headlineIs(page, 'The pool is the bottleneck');
    fixture.pool.breakers.connect.open('to be seen');
    await shows(page, 'connect: from closed to open: to be seen');
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
    await using fixture = await createPoolOnDatabase({ name: 'orders', connectionLimit: 5 });
    const { pool } = fixture;
    await using server = await serve({ pools: pool });
    await using dashboard = await openDashboard(browser, server, { width, height, theme });
    const { page } = dashboard;
    await headlineIs(page, 'The pool is fine');
    await page.evaluate(`
      window.shifts = [];
      new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map(({ value }) => value))).observe({ type: 'layout-shift' });
    `);
    for (let round = 0; round < 30; round += 1) {
      await Promise.all(Array.from({ length: 12 }, (_unused, number) => pool.query('SELECT SLEEP(?)', [number / 200])));
    }
    await shows(page, 'SELECT SLEEP(?)');
    expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(true);
    expect(await page.evaluate('window.shifts.reduce((sum, shift) => sum + shift, 0)')).toBeLessThan(0.1);
    await screenshot(page, `${width}-${theme}`);
    expect(dashboard.complaints).toEqual([]);
  });

  it('is sent under a strict policy, takes less than 200 kB, and holds no secret', async () => {
    await using fixture = await createPoolOnDatabase({ name: 'orders' });
    await using server = await serve({ pools: fixture.pool, token: 'read-token-1' });
    const page = await fetch(server.url, { headers: { 'accept-encoding': 'identity' } });
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    const html = await page.text();
    let bytes = 0;
    for (const [, path] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      // Not fetch: it takes off the compression, and does not tell how long it was.
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
