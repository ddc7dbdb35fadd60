/** The dashboard in its states, one after the other: each in both themes, on a desk and on a phone. `npm run screenshots` keeps pictures of them. */

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { createQueryCache } from '../../src/cache/index.js';
import { startMariaDb } from '../../src/demo/mariadb-server.js';
import type { PrivateServer } from '../../src/demo/private-server.js';
import type { Pool } from '../../src/index.js';
import { createPool } from '../../src/mysql/create-pool.js';
import { scriptedCluster } from '../monitor/support/scripted-cluster.js';
import { serve } from '../monitor/support/serve.js';
import { openPool } from '../support/pool-on-database.js';
import { startRedis } from '../support/servers/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import { type Dashboard, openDashboard, screenshot } from './support/browser.js';
import { faintTexts, fillsTheWindow, sticksOut } from './support/contrast.js';
import { headlineIs, PATIENCE, sharedBrowser, shows } from './support/seen.js';

const browser = sharedBrowser();

/** Pictures are worth looking at when their charts have a past. */
const WITH_PICTURES = (process.env['SCREENSHOTS'] ?? '') !== '';
const PAST_MS = 15_000;

const VIEWS = [
  ['desk', 1_280, 900],
  ['phone', 390, 844],
] as const;

/** In both themes, every text has contrast and nothing sticks out, on a desk, on a phone, and in the narrowest window. */
async function isSound({ page, complaints }: Dashboard, state: string): Promise<void> {
  await page.locator('h1').click();
  for (const theme of ['light', 'dark'] as const) {
    await page.locator(`html[data-theme=${theme}]`).waitFor();
    for (const [view, width, height] of VIEWS) {
      await page.setViewportSize({ width, height });
      await screenshot(page, `${state}-${view}-${theme}`);
      expect(await faintTexts(page), `${state}, ${view}, ${theme}`).toEqual([]);
      await nothingSticksOut(page, `${state}, ${view}, ${theme}`);
    }
    await page.keyboard.press('t');
  }
  await page.setViewportSize({ width: 320, height: 640 });
  await nothingSticksOut(page, `${state}, 320 px`);
  await readsZoomed(page, state);
  await page.setViewportSize({ width: 1_280, height: 900 });
  await page.locator('html[data-theme=light]').waitFor();
  expect(complaints.filter((complaint) => !complaint.includes('401'))).toEqual([]);
}

/** A window of 1280 x 800 at 400 % zoom: WCAG 2.2, 1.4.10. */
async function readsZoomed(page: Page, state: string): Promise<void> {
  await page.setViewportSize({ width: 320, height: 200 });
  const menu = page.getByRole('button', { name: 'Menu' });
  await menu.click();
  expect(await fillsTheWindow(page), `${state}, 400 % zoom`).toEqual([]);
  await menu.click();
}

/** Charts follow the width of the window a moment later. */
async function nothingSticksOut(page: Page, where: string): Promise<void> {
  await waitFor(
    `nothing to stick out: ${where}`,
    () => sticksOut(page),
    (out) => out.length === 0,
  );
}

/** Callers that come and go, until the signal aborts. */
async function keepBusy(pool: Pool, stop: AbortSignal): Promise<void> {
  const caller = async (number: number): Promise<void> => {
    while (!stop.aborted) {
      const id = number * 100 + Math.floor(Math.random() * 100);
      await pool.query('SELECT id, total FROM orders WHERE id = ?', [id]).catch(() => undefined);
      if (number === 0) await pool.query('SELECT customer, SUM(total) FROM orders GROUP BY customer').catch(() => undefined);
      if (number === 1) await pool.query('UPDATE orders SET total = total + 1 WHERE id = ?', [id]).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await Promise.all(Array.from({ length: 4 }, (_, number) => caller(number)));
}

/** A statement that takes nearly all connections, then all of them. */
async function slowThenSaturated(dashboard: Dashboard, pool: Pool): Promise<void> {
  const over = new AbortController();
  const slowly = (count: number) =>
    Array.from({ length: count }, () =>
      pool
        .query({ sql: 'SELECT customer, SLEEP(60) FROM orders WHERE total > ? LIMIT 1', values: [0], signal: over.signal })
        .catch(() => undefined),
    );
  const slow = slowly(9);
  await headlineIs(dashboard.page, /^\d+ of 10 connections are in use/);
  await isSound(dashboard, '04-slow');
  slow.push(...slowly(6));
  await headlineIs(dashboard.page, /^The pool is the bottleneck/);
  await new Promise((resolve) => setTimeout(resolve, PAST_MS / 3));
  await isSound(dashboard, '05-saturated');
  over.abort();
  await Promise.all(slow);
}

async function goneAndBack(dashboard: Dashboard, database: Pick<PrivateServer, 'kill' | 'restart'>): Promise<void> {
  await database.kill('SIGKILL');
  await headlineIs(dashboard.page, /^The database cannot be reached/);
  await new Promise((resolve) => setTimeout(resolve, PAST_MS / 2));
  await isSound(dashboard, '08-database-away');
  await database.restart();
  await headlineIs(dashboard.page, /The database was away/);
  await isSound(dashboard, '09-recovered');
}

async function seed(pool: Pool): Promise<void> {
  await pool.query('CREATE TABLE orders (id INT PRIMARY KEY, customer INT, total INT)');
  await pool.query('INSERT INTO orders VALUES ?', [Array.from({ length: 400 }, (_, id) => [id, id % 40, id])]);
}

describe('the dashboard can be read in each state', () => {
  it('of a pool: leaking, and refused by a breaker', async () => {
    await using fixture = await openPool({ name: 'orders', connectionLimit: 10, leakDetectionThreshold: 200 });
    const { pool } = fixture;
    pool.watch('leak', () => undefined);
    await using server = await serve({ pools: pool });
    await using dashboard = await openDashboard(browser(), server);
    for (let count = 0; count < 3; count += 1) await pool.query('SELECT SLEEP(0.03)');
    const leaked = await Promise.all(Array.from({ length: 6 }, () => pool.getConnection()));
    await headlineIs(dashboard.page, /^6 of 10 connections may be leaked/);
    // The measure itself finds what is faint.
    const paint = (colour: string) => dashboard.page.evaluate(`document.querySelector('h1').style.color = '${colour}'`);
    await paint('#999');
    expect(await faintTexts(dashboard.page)).toEqual([' H1: 2.85 Poolwright']);
    await paint('');
    await isSound(dashboard, 'leak');
    for (const connection of leaked) connection.release();
    const letGo = pool.breakers.statement.isolate('maintenance until 04:00');
    await headlineIs(dashboard.page, /^Callers are refused at once/);
    await isSound(dashboard, 'breaker');
    letGo();
  });

  it.skipIf(!WITH_PICTURES)('of a pool from its start to the death of its database (with SCREENSHOTS only: it takes minutes)', async () => {
    await using database = await startMariaDb();
    const pools = new Map<string, Pool>();
    await using server = await serve({ pools: () => pools });
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    await shows(page, /^No pools yet/);
    await isSound(dashboard, '01-fresh');

    const pool = createPool(database.url(), {
      name: 'orders',
      ssl: { ca: database.caCertificate },
      connectionLimit: 10,
      acquireTimeout: 60_000,
      leakDetectionThreshold: 1_000,
    });
    pool.watch('leak', () => undefined);
    await seed(pool);
    pools.set(pool.name, pool);
    await headlineIs(page, 'The pool is fine');
    await isSound(dashboard, '02-idle');

    const stop = new AbortController();
    const busy = keepBusy(pool, stop.signal);
    await shows(page, 'UPDATE orders SET total');
    await new Promise((resolve) => setTimeout(resolve, PAST_MS));
    await isSound(dashboard, '03-busy');

    await slowThenSaturated(dashboard, pool);

    const leaked = await Promise.all(Array.from({ length: 6 }, () => pool.getConnection()));
    await headlineIs(page, /^6 of 10 connections may be leaked/);
    await isSound(dashboard, '06-leak');
    for (const connection of leaked) connection.release();

    const letGo = pool.breakers.statement.isolate('maintenance until 04:00');
    await headlineIs(page, /^Callers are refused at once/);
    await isSound(dashboard, '07-breaker');
    letGo();

    await goneAndBack(dashboard, database);
    stop.abort();
    await busy;
    await pool.end();
    expect(dashboard.complaints).toEqual([]);
  });

  it('of a cluster without a writer, of a cache without its Redis, and of a server that refuses a token', async () => {
    await using redis = await startRedis();
    await using cluster = await scriptedCluster();
    const cache = createQueryCache({ name: 'shop', redis: redis.url });
    const { host, port, user, password, database } = cluster.database.connection;
    const pool = createPool({ host, port, user, password, database, ssl: false, name: 'orders', cache });
    await cache.ready();
    await using server = await serve({ pools: [pool, cluster.db], token: 'read-token-1' });
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    await shows(page, 'This server requires a token.');
    await page.getByLabel('Token').fill('wrong');
    await page.keyboard.press('Enter');
    await shows(page, 'This token was refused.');
    expect(await page.evaluate('document.activeElement.name')).toBe('token');
    await isSound(dashboard, '10-refused-token');
    await page.getByLabel('Token').fill('read-token-1');
    await page.keyboard.press('Enter');
    await headlineIs(page, 'The pool is fine');

    for (let count = 0; count < 20; count += 1) await pool.query({ sql: 'SELECT 1', cache: { ttl: 60_000 } });
    await redis.stop();
    await headlineIs(page, /^The cache's Redis does not answer/);
    await isSound(dashboard, '11-cache-away');

    const [writer] = cluster.servers;
    writer.alive = false;
    await cluster.untilSeen('that there is no writer', (topology) => topology.writer === undefined);
    const waiters = Array.from({ length: 12 }, () => cluster.db.query('SELECT 1').catch(() => undefined));
    const [worst] = await page.getByRole('navigation', { name: 'Pools' }).getByRole('button').all();
    await waitFor(
      'the worst pool to be the first',
      () => worst?.textContent(),
      (text) => text?.startsWith('shop ✕ unhealthyNo server takes writes') === true,
      PATIENCE,
    );
    await worst?.click();
    await headlineIs(page, /^No server takes writes/);
    await isSound(dashboard, '12-no-writer');
    writer.alive = true;
    await Promise.all(waiters);
    await pool.end();
    cache.close();
  });
});
