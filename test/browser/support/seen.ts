/** What a test waits to see on the page of the dashboard. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { waitFor } from '../../support/wait-for.js';
import { startBrowser } from './browser.js';

export const PATIENCE = { timeoutMs: 60_000, intervalMs: 100 };

/** One browser for all tests of a file; the function returns it, once they have begun. */
export function sharedBrowser(): () => Browser {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });
  return () => browser;
}

export async function shows(page: Page, text: string | RegExp): Promise<void> {
  await page.getByText(text).first().waitFor({ state: 'visible', timeout: PATIENCE.timeoutMs });
}

export async function headlineIs(page: Page, text: string | RegExp): Promise<void> {
  const words = typeof text === 'string' ? new RegExp(`^${text}`) : text;
  await waitFor(
    `the headline ${words}`,
    () => page.locator('.verdict h2').textContent(),
    // A number does not break from its unit.
    (found) => words.test(found?.replaceAll('\u00a0', ' ') ?? ''),
    PATIENCE,
  );
}

export function region(page: Page, name: string | RegExp) {
  return page.getByRole('region', { name });
}
