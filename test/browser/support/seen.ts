/** What a test waits to see on the page of the dashboard. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { waitFor } from '../../support/wait-for.js';
import { startBrowser } from './browser.js';
import { sticksOut } from './contrast.js';

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

/** Charts follow the width of the window a moment later. */
export async function nothingSticksOut(page: Page, where: string): Promise<void> {
  await waitFor(
    `nothing to stick out: ${where}`,
    () => sticksOut(page),
    (out) => out.length === 0,
  );
}

const DESK = { width: 1_280, height: 900 };

const VIEWS = [
  ['desk', DESK],
  ['phone', { width: 375, height: 812 }],
] as const;

/**
 * Looks at the page as it is now on a desk and on a phone, in both themes, and leaves it on a desk in the light one. A state that takes seconds to
 * reach is so reached once.
 */
export async function inEachLook(page: Page, see: (look: `${'desk' | 'phone'}-${'light' | 'dark'}`) => Promise<void>): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await page.locator(`html[data-theme=${theme}]`).waitFor({ timeout: PATIENCE.timeoutMs });
    for (const [view, size] of VIEWS) {
      await page.setViewportSize(size);
      await see(`${view}-${theme}`);
    }
    // By the page itself: a dialog or a field may have the keys.
    await page.evaluate(`document.querySelector('[aria-keyshortcuts=t]').click()`);
  }
  await page.setViewportSize(DESK);
  await page.locator('html[data-theme=light]').waitFor({ timeout: PATIENCE.timeoutMs });
}
