/** What a reader of the dashboard chooses from: pools, processes, tokens and actions. */

import { describe, expect, it } from 'vitest';
import { buildCommand } from '../cli/support/built-command.js';
import { openPool } from '../support/pool-on-database.js';
import { serve } from '../monitor/support/serve.js';
import { createDatabase } from '../support/servers/database.js';
import { freePort } from '../support/network/free-port.js';
import { waitFor } from '../support/wait-for.js';
import { openDashboard, screenshot } from './support/browser.js';
import { headlineIs, PATIENCE, region, sharedBrowser, shows } from './support/seen.js';

const browser = sharedBrowser();

describe('the dashboard', () => {
  it('shows several pools to choose from, and says so when there is none', async () => {
    await using one = await openPool({ minIdle: 1, name: 'orders', connectionLimit: 3 });
    await using two = await openPool({ minIdle: 1, name: 'users', connectionLimit: 7 });
    const pools = new Map<string, typeof one.pool>();
    await using server = await serve({ pools: () => pools });
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    await shows(page, /^No pools yet/);
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

  it('shows another process of the service, that it is stale when it is gone, and that one needs a different token', async () => {
    await using command = await buildCommand();
    await using database = await createDatabase();
    await using fixture = await openPool({ minIdle: 1, name: 'orders', connectionLimit: 3 });
    await using strict = await serve({ pools: [], token: 'another-token' });
    const port = await freePort();
    const tokens = { POOLWRIGHT_TOKEN: 'read-token-1', POOLWRIGHT_OPERATE_TOKEN: 'operate-token-1' };
    const start = () => command.start(['serve', '--port', String(port), '--connections', '5'], { DATABASE_URL: database.url(), ...tokens });
    const other = start();
    await other.says('Monitoring:');
    const peers = [`http://127.0.0.1:${port}`, strict.url];
    await using server = await serve({ pools: fixture.pool, token: 'read-token-1', operateToken: 'operate-token-1', peers });
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    await page.getByLabel('Token').fill('operate-token-1');
    await page.keyboard.press('Enter');
    const processes = page.getByRole('navigation', { name: 'Processes' });
    await processes.getByText('needs a different token').waitFor({ timeout: PATIENCE.timeoutMs });
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
    await processes.getByRole('button', { name: /needs a different token/ }).click();
    await shows(page, 'This process requires a different token from the one that this server has.');
    await processes.getByRole('button', { name: /\(this server\)/ }).click();
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
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    await using server = await serve({ pools: fixture.pool, token: 'read-token-1', operateToken: 'operate-token-1' });
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    const tokenIs = async (token: string): Promise<void> => {
      await page.getByLabel('Token').fill(token);
      await page.keyboard.press('Enter');
    };
    await shows(page, 'This server requires a token.');
    await tokenIs('wrong');
    await shows(page, 'This token was refused.');
    await tokenIs('read-token-1');
    await headlineIs(page, 'The pool is fine');
    await shows(page, 'To act on this pool, sign in with a token that allows it.');
    expect(await page.content()).not.toContain('read-token-1');

    await page.locator('header').getByRole('button', { name: 'Token' }).click();
    await tokenIs('operate-token-1');
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
    await page.getByLabel('New limit').fill('2-9');
    await page.getByRole('button', { name: 'Resize …' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resize to 2-9' }).click();
    await waitFor('the range', () => fixture.pool.options.sizeRange?.max === 9);
    await page.getByText('2–9').waitFor();
  });
});
