/** The metrics of pools in a fleet, for Prometheus and for OpenTelemetry. */

import { describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../../src/mysql/index.js';
import { instrumentPools } from '../../src/telemetry/otel.js';
import { registerPoolMetrics } from '../../src/telemetry/prometheus.js';
import { MemoryLedger } from '../fleet/support/memory-ledger.js';
import { samplesOf } from '../monitor/support/exposition.js';
import { complaintsOf } from '../monitor/support/promtool.js';
import { scriptedFleet, SHOP_FLEET } from '../monitor/support/scripted-fleet.js';
import { waitFor } from '../support/wait-for.js';
import { makeMetrics } from './collectors.js';

const OF_SHOP = 'fleet="shop",pool="shop"';

describe('the metrics of a fleet', () => {
  it('say what the pool may have, what it could use, and how the whole fleet and its ledger fare', async () => {
    await using shop = scriptedFleet();
    const registry = registerPoolMetrics({ pools: shop.pool });
    shop.say({ overhang: 5, denied: { budget: 7, learning: 0, ledger: 2, congestion: 1 } });
    const text = await registry.metrics();
    const samples = samplesOf(text);
    const of = (name: string, labels = OF_SHOP): number | undefined => samples.get(`poolwright_fleet_${name}{${labels}}`);
    expect(of('lease')).toBe(40);
    expect(of('budget')).toBe(100);
    expect(of('granted')).toBe(62);
    expect(of('overhang')).toBe(5);
    expect(of('demand')).toBe(44);
    expect(of('ledger_age_seconds')).toBe(2.6);
    expect(of('lease_seconds')).toBe(10);
    expect([of('members'), of('processes')]).toEqual([3, 30]);
    expect(of('denied_total', `${OF_SHOP},reason="budget"`)).toBe(7);
    expect(of('denied_total', `${OF_SHOP},reason="congestion"`)).toBe(1);
    expect(of('phase', 'fleet="shop",phase="leased",pool="shop"')).toBe(1);
    expect(of('phase', 'fleet="shop",phase="safe share",pool="shop"')).toBe(0);
    expect(await complaintsOf(text)).toBe('');
  });

  it('are only of pools in a fleet, have no budget until it is known, and end when the pool has left', async () => {
    await using shop = scriptedFleet();
    await using plain = createPool({ host: '127.0.0.1', port: 1, name: 'plain', minIdle: 0 });
    const registry = registerPoolMetrics({ pools: [plain, shop.pool] });
    const ofFleets = async (): Promise<string[]> =>
      [...samplesOf(await registry.metrics()).keys()].filter((name) => name.includes('fleet'));
    shop.say({ budget: undefined, ledger: { ...SHOP_FLEET.ledger, ageMs: undefined }, phase: 'starting', phaseMs: 4_000 });
    const samples = samplesOf(await registry.metrics());
    expect(samples.has(`poolwright_fleet_budget{${OF_SHOP}}`)).toBe(false);
    expect(samples.get(`poolwright_fleet_ledger_age_seconds{${OF_SHOP}}`)).toBe(4);
    expect((await ofFleets()).filter((name) => name.includes('plain'))).toEqual([]);
    shop.say({ phase: 'left' });
    expect(await ofFleets()).toEqual([]);
  });

  it('are those of real members of one ledger', async () => {
    const ledger = new MemoryLedger(() => Date.now());
    const fleet = { name: 'real', budget: 40, processes: 4, ledger, floor: 2 };
    const join = (name: string): Pool => createPool({ host: '127.0.0.1', port: 1, name, minIdle: 0, fleet });
    await using a = join('a');
    await using b = join('b');
    const registry = registerPoolMetrics({ pools: [a, b] });
    const samples = await waitFor(
      'both to know of two members',
      async () => samplesOf(await registry.metrics()),
      (all) => ['a', 'b'].every((pool) => all.get(`poolwright_fleet_members{fleet="real",pool="${pool}"}`) === 2),
      { timeoutMs: 60_000 },
    );
    const leases = ['a', 'b'].map((pool) => samples.get(`poolwright_fleet_lease{fleet="real",pool="${pool}"}`) ?? 0);
    for (const lease of leases) expect(lease).toBeGreaterThanOrEqual(2);
    expect(leases[0]! + leases[1]!).toBeLessThanOrEqual(40);
    expect(samples.get('poolwright_fleet_budget{fleet="real",pool="a"}')).toBe(40);
  });

  it('are also for OpenTelemetry', async () => {
    await using shop = scriptedFleet();
    shop.say({ denied: { budget: 7, learning: 0, ledger: 0, congestion: 0 } });
    const { meterProvider, collected } = makeMetrics();
    using _instrumentation = instrumentPools({ pools: shop.pool, meterProvider });
    const metrics = await collected();
    const attributes = { 'db.client.connection.pool.name': 'shop', 'poolwright.fleet.name': 'shop' };
    expect(metrics.get('poolwright.fleet.lease')).toMatchObject({
      descriptor: { unit: '{connection}', description: expect.stringContaining('allows the pool') as string },
      dataPoints: [{ value: 40, attributes }],
    });
    expect(metrics.get('poolwright.fleet.ledger.age')?.dataPoints).toMatchObject([{ value: 2.6, attributes }]);
    expect(metrics.get('poolwright.fleet.denied')?.dataPoints).toContainEqual(
      expect.objectContaining({ value: 7, attributes: { ...attributes, 'poolwright.fleet.reason': 'budget' } }),
    );
    await meterProvider.shutdown();
  });
});
