/** monitoring.history over HTTP, of this process and of a peer. */

import { describe, expect, it } from 'vitest';
import type { HistoryReport } from '../../../src/monitor/api/reports.js';
import { openPool } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';
import { errorOf, procedures } from '../support/call.js';
import { serve } from '../support/serve.js';

describe('monitoring.history', () => {
  it('answers with points and incidents of a range, of this process and of a peer', async () => {
    await using fixture = await openPool({ name: 'orders', minIdle: 1 });
    await using server = await serve({ pools: fixture.pool });
    await using other = await serve({ pools: [], peers: [server.url] });
    const ask = async (base: string, input: object): Promise<HistoryReport> => {
      const response = await fetch(`${base}/monitoring.history?input=${encodeURIComponent(JSON.stringify(input))}`);
      expect(response.status).toBe(200);
      return ((await response.json()) as { readonly result: { readonly data: HistoryReport } }).result.data;
    };
    const begun = Date.now();
    await fixture.pool.query('SELECT 1');
    const has = async (): Promise<boolean> => (await ask(`${server.url}/api/trpc`, {})).points.some(({ acquired }) => acquired > 0);
    await waitFor('a point', has);
    const own = await ask(`${server.url}/api/trpc`, { pool: 'orders', from: begun - 10_000, most: 1_000 });
    expect(own).toMatchObject({ pool: 'orders', from: begun - 10_000, resolutionMs: 1_000, incidents: [] });
    expect(own.keptFrom).toBeGreaterThan(begun - 60_000);
    expect(own.to).toBeGreaterThanOrEqual(begun);
    const peers = await ask(`${other.url}/api/peers/0/trpc`, { from: begun - 10_000, to: own.to });
    expect(peers.points).toEqual(own.points);
  });

  it('refuses a wrong question with what is wrong about it', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const { history } = procedures({ pools: fixture.pool });
    for (const [input, words] of [
      [{ from: 5, to: 5 }, /^from must be before to; they are 5 and 5\.$/],
      [{ from: -1 }, /^from: /],
      [{ to: 1.5 }, /^to: /],
      [{ from: '2026-01-01' }, /^from: .*expected number/],
      [{ most: 0 }, /^most: /],
      [{ most: 1_001 }, /^most: /],
      [{ range: 1 }, /Unrecognized key: "range"/],
    ] as const) {
      const { code, message } = await errorOf(history(input as never));
      expect([code, message]).toEqual(['BAD_REQUEST', expect.stringMatching(words)]);
    }
    expect(await errorOf(history({ pool: 'x' }))).toMatchObject({ code: 'NOT_FOUND' });
    // Nothing is followed while no client listens.
    expect(await history({ from: 0, to: 5 })).toEqual({
      pool: fixture.pool.name,
      from: 0,
      to: 5,
      resolutionMs: 1_000,
      points: [],
      incidents: [],
      keptFrom: null,
    });
    expect(await procedures({ pools: [] }).history({})).toMatchObject({ pool: null, points: [], keptFrom: null });
  });
});
