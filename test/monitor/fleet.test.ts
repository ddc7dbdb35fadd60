/** What the monitoring server shows of a fleet: its budget, its members, the ledger; in the live feed, and bounded. */

import { describe, expect, it } from 'vitest';
import type { LiveSnapshot } from '../../src/monitor/api/router.js';
import { shownFleet } from '../../src/monitor/live/index.js';
import { createPool } from '../../src/mysql/index.js';
import { errorOf, procedures } from './support/call.js';
import { memberRow, scriptedFleet, SHOP_FLEET } from './support/scripted-fleet.js';

describe('monitoring.fleet', () => {
  it('shows the budget, the members with the own one first, and the ledger, as JSON has them', async () => {
    await using shop = scriptedFleet();
    await using plain = createPool({ host: '127.0.0.1', port: 1, name: 'plain', minIdle: 0 });
    const call = procedures({ pools: [plain, shop.pool] });
    const { available, fleet } = await call.fleet();
    expect(available).toBe(true);
    expect(fleet).toMatchObject({ name: 'shop', budget: 100, granted: 62, reserved: 24, overhang: 0, phase: 'leased', rosterLeftOut: 0 });
    expect(fleet?.roster.map(({ id, own }) => [id, own])).toEqual([
      ['member-a', true],
      ['member-b', false],
      ['member-c', false],
    ]);
    // JSON has no undefined.
    expect(fleet).toMatchObject({ congestion: null, ledger: { failure: null, ageMs: 2_600 } });
    expect(JSON.parse(JSON.stringify(fleet))).toEqual(fleet);

    expect(await call.fleet({ pool: 'plain' })).toEqual({ available: false, fleet: null });
    expect(await errorOf(call.fleet({ pool: 'other' }))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is in the live feed; a pool without a fleet has null there', async () => {
    await using shop = scriptedFleet();
    await using plain = createPool({ host: '127.0.0.1', port: 1, name: 'plain', minIdle: 0 });
    const feed = (await procedures({ pools: [shop.pool, plain] }).live()) as AsyncIterable<readonly [string, LiveSnapshot, symbol]>;
    for await (const [, { pools }] of feed) {
      if (pools.length < 2) continue;
      expect(pools.find(({ name }) => name === 'shop')?.fleet).toEqual(shownFleet(shop.pool));
      expect(pools.find(({ name }) => name === 'plain')?.fleet).toBeNull();
      break;
    }
  });

  it('stays small, however many members there are and no matter what the ledger says, and shows the lost ones', async () => {
    await using shop = scriptedFleet();
    const long = 'x'.repeat(10_000);
    const others = Array.from({ length: 999 }, (_, index) => memberRow(`m-${index}`, { leaseLeftMs: index === 998 ? -4_000 : 5_000 }));
    shop.say({
      roster: [...others, memberRow(SHOP_FLEET.id, { accounted: 1 })],
      warnings: Array.from({ length: 500 }, () => long),
      ledger: { ...SHOP_FLEET.ledger, failure: long },
    });
    const shown = shownFleet(shop.pool)!;
    expect(shown.roster).toHaveLength(50);
    expect(shown.rosterLeftOut).toBe(950);
    expect(shown.roster.slice(0, 2).map(({ id }) => id)).toEqual([SHOP_FLEET.id, 'm-998']);
    expect(JSON.stringify(shown).length).toBeLessThan(15_000);
  });
});
