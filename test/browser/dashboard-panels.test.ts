/** What panels of the dashboard let a reader do and see: statements in any order, and colors that mean what the legend says. */

import { describe, expect, it } from 'vitest';
import { openPool } from '../support/pool-on-database.js';
import { serve } from '../monitor/support/serve.js';
import { waitFor } from '../support/wait-for.js';
import { openDashboard } from './support/browser.js';
import { PATIENCE, region, sharedBrowser, shows } from './support/seen.js';

const browser = sharedBrowser();

/** The colors of the fields that are drawn, and those of the legend, as 'r,g,b'. */
const COLOURS = `(() => {
  const canvas = document.querySelector('.heat canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const drawn = new Set();
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] !== 0) drawn.add([...data.slice(at, at + 3)].join());
  const swatches = [...document.querySelectorAll('.heat-legend .swatch')];
  const line = document.createElement('p');
  line.style.color = 'var(--grid)';
  document.body.append(line);
  // The lines of the grid are drawn, too.
  drawn.delete(getComputedStyle(line).color.match(/\\d+/g).join());
  line.remove();
  return { drawn: [...drawn], legend: swatches.map((swatch) => getComputedStyle(swatch).backgroundColor.match(/\\d+/g).join()) };
})()`;

describe('the panels of the dashboard', () => {
  it('sort statements by each column and show one in full; the legend of the heat map is true in both themes', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    const { pool } = fixture;
    await using server = await serve({ pools: pool });
    await using dashboard = await openDashboard(browser(), server);
    const { page } = dashboard;
    for (let count = 0; count < 4; count += 1) await pool.query('SELECT SLEEP(0.03) AS often, ? AS secret', ['sesame']);
    await pool.query('SELECT SLEEP(1.2) AS slow');
    await shows(page, 'SELECT SLEEP(?) AS slow');
    const panel = region(page, 'Statements that cost most');
    const first = () => panel.locator('tbody tr').first().locator('code').textContent();
    const time = panel.getByRole('columnheader', { name: 'Time' });
    expect(await time.getAttribute('aria-sort')).toBe('descending');
    await waitFor('the slow one to be the first', first, (text) => text === 'SELECT SLEEP(?) AS slow', PATIENCE);
    const calls = panel.getByRole('button', { name: 'Calls' });
    await calls.focus();
    await page.keyboard.press('Enter');
    expect(await first()).toBe('SELECT SLEEP(?) AS often, ? AS secret');
    expect(await panel.getByRole('columnheader', { name: 'Calls' }).getAttribute('aria-sort')).toBe('descending');
    expect(await time.getAttribute('aria-sort')).toBe('none');
    await calls.click();
    expect(await first()).toBe('SELECT SLEEP(?) AS slow');
    expect(await panel.locator('tbody tr').first().locator('rect:not(.none)').count()).toBe(1);
    const full = panel.getByRole('button', { name: /AS often/ });
    await full.click();
    expect(await full.getAttribute('aria-expanded')).toBe('true');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await panel.getByRole('button', { name: 'Copy' }).click();
    await shows(page, 'Copied.');
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('SELECT SLEEP(?) AS often, ? AS secret');

    await Promise.all(Array.from({ length: 300 }, () => pool.query('SELECT 1')));
    for (const theme of ['light', 'dark']) {
      await page.locator(`html[data-theme=${theme}]`).waitFor();
      await waitFor(
        `a heat map with the colors of its legend in the ${theme} theme`,
        () => page.evaluate<{ readonly drawn: readonly string[]; readonly legend: readonly string[] }>(COLOURS),
        ({ drawn, legend }) => drawn.length > 1 && drawn.every((colour) => legend.includes(colour)),
        PATIENCE,
      );
      await page.keyboard.press('t');
    }
    // It is the test that reads the canvas.
    expect(dashboard.complaints.filter((complaint) => !complaint.includes('getImageData'))).toEqual([]);
  });
});
