/** The dashboard of a fleet: the budget, who has how much of it, how long leases last, and what is wrong. */

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { createPool } from '../../src/mysql/index.js';
import { memberRow, scriptedFleet, SHOP_FLEET } from '../monitor/support/scripted-fleet.js';
import { serve } from '../monitor/support/serve.js';
import { waitFor } from '../support/wait-for.js';
import { complaintsOfAxe, openDashboard, screenshot } from './support/browser.js';
import { PATIENCE, region, sharedBrowser, shows } from './support/seen.js';

const browser = sharedBrowser();

const PANEL = 'Fleet shop';

async function panelSays(page: Page, words: RegExp): Promise<void> {
  await waitFor(
    `the panel to say ${words}`,
    () => region(page, PANEL).textContent(),
    (text) => words.test(text ?? ''),
    PATIENCE,
  );
}

/** Nothing sticks out, axe-core is content, the console is quiet. */
async function isSound(page: Page, complaints: readonly string[], shot: string): Promise<void> {
  await screenshot(page, shot);
  expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(true);
  expect(await complaintsOfAxe(page)).toEqual([]);
  expect(complaints).toEqual([]);
}

describe('the dashboard of a fleet', () => {
  it.each([
    ['a desk', 1_280, 'light'],
    ['a phone at night', 375, 'dark'],
  ] as const)('says on %s who has what of the budget, and what is wrong', async (_, width, theme) => {
    await using shop = scriptedFleet();
    await using server = await serve({ pools: shop.pool });
    await using dashboard = await openDashboard(browser(), server, { width, theme });
    const { page, complaints } = dashboard;
    const shot = (state: string): string => `fleet-${state}-${width}-${theme}`;
    await panelSays(page, /● Leased for 12 min 34 s\. The lease of 40 connections lasts for another 7\.4 s/);
    await panelSays(page, /Budget of 100 connections 3 of at most 30 members have a lease\./);
    expect(await page.getByRole('img', { name: /^Of the budget/ }).getAttribute('aria-label')).toBe(
      'Of the budget: granted 62, reserved 24, overhang 0, free 14',
    );
    expect(await region(page, PANEL).locator('tbody tr').first().textContent()).toBe('member-a this pool40314412 min 34 s7.0 s');
    await panelSays(page, /No caller has waited for the fleet/);
    await isSound(page, complaints, shot('leased'));

    shop.say({
      phase: 'safe share',
      phaseMs: 61_000,
      ceiling: 3,
      leaseLeftMs: 0,
      overhang: 9,
      reserved: 30,
      lost: 1,
      roster: [...SHOP_FLEET.roster, memberRow('member-d', { leaseLeftMs: -42_000, open: 9, lease: 9, accounted: 9 })],
      ledger: { ...SHOP_FLEET.ledger, ageMs: 71_000, failures: 14, failure: 'connect ECONNREFUSED 10.0.0.7:6379' },
      denied: { budget: 3, learning: 0, ledger: 120, congestion: 0 },
    });
    await panelSays(page, /⚠ Safe share.*the pool keeps at most 3 connections.*The last failure: connect ECONNREFUSED/);
    await panelSays(page, /member-d.*✕ lost 42 s ago/);
    await panelSays(page, /1 above the budget/);
    await panelSays(page, /14 requests have failed.*the budget was used up \(3 times\), the ledger was away \(120 times\)/);
    await isSound(page, complaints, shot('safe-share'));
  });

  it('says that it is a dry run, folds until the ledger has answered, and is not there without a fleet', async () => {
    await using shop = scriptedFleet();
    await using plain = createPool({ host: '127.0.0.1', port: 1, name: 'plain', minIdle: 0 });
    await using server = await serve({ pools: [shop.pool, plain] });
    await using dashboard = await openDashboard(browser(), server, { theme: 'dark' });
    const { page, complaints } = dashboard;
    shop.say({ dryRun: true, phase: 'learning' });
    await panelSays(page, /◐ Learning.*dry run The pool keeps its own limit\. In the fleet it would have at most 40 connections/);
    await isSound(page, complaints, 'fleet-dry-run-1280-dark');
    shop.say({
      phase: 'starting',
      roster: [],
      budget: undefined,
      granted: 0,
      ledger: { ...SHOP_FLEET.ledger, ageMs: undefined, roundTripMs: undefined, answers: 0 },
    });
    await panelSays(page, /The members appear when the ledger answers/);
    expect(await region(page, PANEL).locator('table').count()).toBe(0);
    await screenshot(page, 'fleet-starting-1280-dark');
    await page.getByRole('button', { name: /^plain/ }).click({ timeout: PATIENCE.timeoutMs });
    await shows(page, '0 of 20 connections are in use');
    expect(await region(page, /^Fleet/).count()).toBe(0);
  });
});
