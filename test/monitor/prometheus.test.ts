import { Counter, type OpenMetricsContentType, Registry, register as globalRegistry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createPool } from '../../src/mysql/create-pool.js';
import type { Pool } from '../../src/mysql/pools/pool.js';
import { pools as poolsOfProcess } from '../../src/mysql/registry.js';
import { DURATION_BOUNDS_MS } from '../../src/telemetry/pool-metrics.js';
import { registerPoolMetrics } from '../../src/telemetry/prometheus.js';
import { freePort } from '../support/network/free-port.js';
import { waitFor } from '../support/wait-for.js';
import { samplesOf } from './support/exposition.js';
import { openPool, whileHolding } from '../support/pool-on-database.js';
import { complaintsOf } from './support/promtool.js';

/** Gives a pool a past of every kind: served, timed out, cancelled, refused, lost, slow and quick. */
async function live(pool: Pool): Promise<void> {
  await Promise.all([pool.query('SELECT SLEEP(0.02)'), pool.query('SELECT 1'), pool.query('SELECT 2')]);
  await whileHolding(pool, pool.options.connectionLimit, async () => {
    await expect(pool.getConnection({ timeout: 5 })).rejects.toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT' });
    await expect(pool.getConnection({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'POOL_ABORTED' });
  });
  const connection = await pool.getConnection();
  connection.destroy();
  await expect(pool.query('SELECT * FROM no_such_table')).rejects.toMatchObject({ errno: 1146 });
}

/** What the exposition should say of one pool, from its own statistics. */
function expectedSamples(pool: Pool): Map<string, number> {
  const stats = pool.stats();
  const name = `pool="${pool.name}"`;
  const expected = new Map<string, number>([
    [`poolwright_connections_limit{${name}}`, stats.limit],
    [`poolwright_waiters{${name}}`, stats.waiting],
    [`poolwright_connections_opened_total{${name}}`, stats.opened],
    [`poolwright_leaks_total{${name}}`, stats.leaks],
    [`poolwright_pings_total{${name}}`, stats.pings],
    [`poolwright_resets_total{${name}}`, stats.resets],
    [`poolwright_kills_total{${name}}`, stats.kills],
    [`poolwright_retries_total{kind="transaction",${name}}`, stats.retries],
    [`poolwright_retry_outcomes_total{kind="transaction",outcome="over_budget",${name}}`, stats.transactionRetries.overBudget],
    [`poolwright_retry_outcomes_total{kind="statement",outcome="recovered",${name}}`, stats.statementRetries.recovered],
  ]);
  for (const state of ['idle', 'used', 'opening', 'checking', 'closing'] as const) {
    expected.set(`poolwright_connections{${name},state="${state}"}`, stats[state]);
  }
  for (const [outcome, count] of Object.entries({
    acquired: stats.acquired,
    timed_out: stats.timedOut,
    cancelled: stats.cancelled,
    refused: stats.refused,
  })) {
    expected.set(`poolwright_acquires_total{outcome="${outcome}",${name}}`, count);
  }
  for (const [reason, count] of Object.entries(stats.closedByReason)) {
    expected.set(`poolwright_connections_closed_total{${name},reason="${reason}"}`, count);
  }
  for (const [errno, count] of Object.entries(stats.connectErrorsByCode)) {
    expected.set(`poolwright_connect_errors_total{errno="${errno}",${name}}`, count);
  }
  for (const which of ['acquire', 'use', 'connect', 'query'] as const) {
    expected.set(`poolwright_${which}_seconds_count{${name}}`, stats[which].count);
    expected.set(`poolwright_${which}_seconds_sum{${name}}`, stats[which].sumMs / 1000);
    expected.set(`poolwright_${which}_seconds_bucket{le="+Inf",${name}}`, stats[which].count);
  }
  return expected;
}

function countersIn(samples: ReadonlyMap<string, number>): [string, number][] {
  return [...samples].filter(([key]) => /_(total|count|sum|bucket)(\{|$)/.test(key));
}

describe('the metrics of a pool', () => {
  it('say what its statistics say, in text that promtool accepts', async () => {
    await using fixture = await openPool({ minIdle: 1, connectionLimit: 3 });
    const { pool } = fixture;
    const registry = registerPoolMetrics({ pools: pool });
    await live(pool);

    await whileHolding(pool, 2, async () => {
      const samples = samplesOf(await registry.metrics());
      for (const [key, value] of expectedSamples(pool)) expect([key, samples.get(key)]).toEqual([key, value]);
      expect(pool.stats()).toMatchObject({ used: 2, timedOut: 1, cancelled: 1, closedByReason: { destroyed: 1 } });
    });

    expect(await complaintsOf(await registry.metrics())).toBe('');
  });

  it('have true histograms: their buckets are cumulative, and count exactly', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const registry = registerPoolMetrics({ pools: fixture.pool });
    await Promise.all(['0.001', '0.01', '0.03', '0.2'].map((seconds) => fixture.pool.query(`SELECT SLEEP(${seconds})`)));

    const text = await registry.metrics();

    expect(text).toContain('# TYPE poolwright_query_seconds histogram');
    const samples = samplesOf(text);
    const name = `pool="${fixture.pool.name}"`;
    const buckets = DURATION_BOUNDS_MS.map(
      (bound) => samples.get(`poolwright_query_seconds_bucket{le="${bound / 1000}",${name}}`) ?? Number.NaN,
    );
    expect(buckets).toEqual(buckets.toSorted((a, b) => a - b));
    const longest = fixture.pool.stats().query.maxMs;
    const above = buckets.filter((_, index) => (DURATION_BOUNDS_MS[index] ?? 0) >= longest);
    expect(above.length).toBeGreaterThan(0);
    expect(new Set(above)).toEqual(new Set([4]));
    expect(buckets.at(0)).toBe(0);
    expect(samples.get(`poolwright_query_seconds_bucket{le="0.1",${name}}`)).toBe(3);
    expect(samples.get(`poolwright_query_seconds_bucket{le="+Inf",${name}}`)).toBe(4);
    expect(samples.get(`poolwright_query_seconds_count{${name}}`)).toBe(4);
    expect(samples.get(`poolwright_query_seconds_sum{${name}}`)).toBeGreaterThan(0.24);
  });

  it('have bounds that are edges of the pool’s own buckets, so that counts are exact', () => {
    for (const bound of DURATION_BOUNDS_MS) expect(bound * 1000).toBe(Number((bound * 1000).toPrecision(2)));
    expect(DURATION_BOUNDS_MS).toEqual(DURATION_BOUNDS_MS.toSorted((a, b) => a - b));
  });

  it('never go back while it lives, not even when the registry is reset', async () => {
    await using fixture = await openPool({ minIdle: 1, connectionLimit: 2 });
    const registry = registerPoolMetrics({ pools: fixture.pool });
    let before = samplesOf(await registry.metrics());
    for (let round = 0; round < 5; round += 1) {
      await live(fixture.pool);
      if (round === 2) registry.resetMetrics();
      if (round === 3) fixture.pool.evict();
      const after = samplesOf(await registry.metrics());
      for (const [key, value] of countersIn(before))
        expect([key, after.get(key)]).toEqual([key, expect.toSatisfy((now: number) => now >= value)]);
      before = after;
    }
  });

  it('say how long a caller has been waiting, while nothing moves', async () => {
    await using fixture = await openPool({ minIdle: 1, connectionLimit: 1, acquireTimeout: 0 });
    const { pool } = fixture;
    const registry = registerPoolMetrics({ pools: pool });
    const key = `poolwright_longest_wait_seconds{pool="${pool.name}"}`;
    const late = await whileHolding(pool, 1, async () => {
      const waiter = pool.getConnection();
      await waitFor('a wait of 20 ms', async () => (samplesOf(await registry.metrics()).get(key) ?? 0) >= 0.02);
      return { waiter };
    });
    (await late.waiter).release();
    expect(samplesOf(await registry.metrics()).get(key)).toBe(0);
  });

  it('count failures to connect by their number or code', async () => {
    await using fixture = await openPool({ minIdle: 0 });
    await using closed = createPool({ host: '127.0.0.1', port: await freePort(), minIdle: 0, acquireTimeout: 50 });
    await using refused = createPool(fixture.database.url({ password: 'wrong' }), { name: 'refused', minIdle: 0, acquireTimeout: 30_000 });
    const registry = registerPoolMetrics({ pools: [closed, refused] });
    await expect(closed.query('SELECT 1')).rejects.toThrow(/ECONNREFUSED|127\.0\.0\.1/);
    await expect(refused.query('SELECT 1')).rejects.toMatchObject({ code: 'POOL_CONNECT_FAILED' });
    // The caller of the closed port may have given up before the answer.
    const text = await waitFor(
      'both to be counted',
      () => registry.metrics(),
      (metrics) => metrics.includes('errno="ECONNREFUSED"') && metrics.includes('errno="1045"'),
    );
    expect(text).toMatch(/poolwright_connect_errors_total\{pool="127\.0\.0\.1:\d+",errno="ECONNREFUSED"\} [1-9]/);
    expect(text).toMatch(/poolwright_connect_errors_total\{pool="refused",errno="1045"\} [1-9]/);
    expect(await complaintsOf(text)).toBe('');
  });

  it('are valid with any name of a pool', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'a "quoted" \\ name\nof two lines, with {braces} and €' });
    const text = await registerPoolMetrics({ pools: fixture.pool }).metrics();
    expect(await complaintsOf(text)).toBe('');
    expect(text).toContain(String.raw`poolwright_waiters{pool="a \"quoted\" \\ name\nof two lines, with {braces} and €"} 0`);
  });

  it('are OpenMetrics in a registry of that kind', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const openMetrics = new Registry<OpenMetricsContentType>();
    openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const registry = registerPoolMetrics({ pools: fixture.pool, registry: openMetrics });
    const text = await registry.metrics();
    expect(text).toContain('# TYPE poolwright_acquires counter\n');
    expect(text).toContain(`poolwright_acquires_total{pool="${fixture.pool.name}",outcome="acquired"}`);
    expect(text).toMatch(/# EOF\n$/);
  });
});

describe('registering', () => {
  it('takes several pools into one registry, and into no other', async () => {
    await using one = await openPool({ minIdle: 1 });
    await using other = await openPool({ minIdle: 1 });
    const text = await registerPoolMetrics({ pools: [one.pool, other.pool] }).metrics();
    for (const { pool } of [one, other]) expect(text).toContain(`poolwright_waiters{pool="${pool.name}"} 0`);
    expect(await complaintsOf(text)).toBe('');
    expect(await globalRegistry.metrics()).not.toContain('poolwright');
  });

  it('sees pools that are made and closed later', async () => {
    // Other tests of the process may have pools, too.
    const sample = 'poolwright_waiters{pool="made-later"}';
    const registry = registerPoolMetrics({ pools: poolsOfProcess });
    expect(await registry.metrics()).not.toContain(sample);
    {
      await using _ = await openPool({ minIdle: 1, name: 'made-later' });
      expect(await registry.metrics()).toContain(`${sample} 0`);
    }
    expect(await registry.metrics()).not.toContain(sample);
  });

  it('shows closed pools that it was given by themselves, but a living one rather than its dead namesake', async () => {
    const first = await openPool({ minIdle: 1, name: 'same' });
    await first.pool.query('SELECT 1');
    const pools = [first.pool];
    const registry = registerPoolMetrics({ pools });
    await first[Symbol.asyncDispose]();
    expect(samplesOf(await registry.metrics()).get('poolwright_query_seconds_count{pool="same"}')).toBe(1);
    await using second = await openPool({ minIdle: 1, name: 'same' });
    for (const order of [
      [first.pool, second.pool],
      [second.pool, first.pool],
    ]) {
      pools.splice(0, pools.length, ...order);
      expect(samplesOf(await registry.metrics()).get('poolwright_query_seconds_count{pool="same"}')).toBe(0);
    }
  });

  it('keeps what an iterator names once', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const registry = registerPoolMetrics({ pools: new Map([['x', fixture.pool]]).values() });
    await registry.metrics();
    expect(await registry.metrics()).toContain(`poolwright_waiters{pool="${fixture.pool.name}"} 0`);
  });

  it('takes a registry of the user’s, with metrics of theirs, and a prefix', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const registry = new Registry();
    const own = new Counter({ name: 'own_total', help: 'Of the application.', registers: [registry] });
    own.inc(3);
    registry.setDefaultLabels({ service: 'shop' });
    expect(registerPoolMetrics({ pools: fixture.pool, registry, prefix: 'db_' })).toBe(registry);
    const text = await registry.metrics();
    expect(text).toContain('own_total{service="shop"} 3');
    expect(text).toContain(`db_waiters{pool="${fixture.pool.name}",service="shop"} 0`);
    expect(text).not.toContain('poolwright_');
    expect(await complaintsOf(text)).toBe('');
    expect(await registry.getMetricsAsJSON()).toContainEqual(expect.objectContaining({ name: 'db_acquire_seconds', type: 'histogram' }));
  });

  it('twice into one registry is an error that says so, and changes nothing', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const registry = registerPoolMetrics({ pools: fixture.pool });
    const before = registry.getMetricsAsArray().length;
    expect(() => registerPoolMetrics({ pools: fixture.pool, registry })).toThrow(
      expect.objectContaining({
        code: 'POOL_OPTION_INVALID',
        message: expect.stringMatching(/has a metric poolwright_connections already/) as string,
      }),
    );
    registry.removeSingleMetric('poolwright_connections');
    expect(() => registerPoolMetrics({ pools: fixture.pool, registry })).toThrow(/already/);
    expect(registry.getMetricsAsArray()).toHaveLength(before - 1);
    registerPoolMetrics({ pools: fixture.pool, registry, prefix: 'other_' });
    expect(await complaintsOf(await registry.metrics())).toBe('');
  });

  it.each([
    [{ pool: [] }, /Unknown option pool\. Did you mean pools/],
    [{}, /pools must be a pool of Poolwright/],
    [{ pools: 'app' }, /pools must be/],
    [{ pools: [{}] }, /not a pool of Poolwright/],
    [{ pools: [], prefix: 'my-' }, /prefix must be/],
    [{ pools: [], registry: {} }, /registry must be/],
  ])('refuses %o', (options, words) => {
    const attempt = (): unknown => registerPoolMetrics(options as never);
    expect(attempt).toThrow(expect.objectContaining({ code: 'POOL_OPTION_INVALID' }));
    expect(attempt).toThrow(words);
  });
});
