import { describe, expect, it } from 'vitest';
import { Monitoring } from '../../src/monitor/api/monitoring.js';
import { ProbeGuard } from '../../src/monitor/pgbouncer/probe-guard.js';
import type { PgBouncerReason, PgBouncerReport } from '../../src/probes/pgbouncer.js';
import { Breaker } from '../../src/resilience/breaker/breaker.js';
import { registerPoolMetrics } from '../../src/telemetry/prometheus.js';
import { FakeClock } from '../engine/support/fake-clock.js';
import { errorOf, openPool } from '../support/pool-on-database.js';
import { freePort } from '../support/network/free-port.js';
import { procedures } from './support/call.js';
import { samplesOf } from './support/exposition.js';
import { complaintsOf } from './support/promtool.js';

describe('monitoring.circuitBreakers', () => {
  it('shows the breakers of every pool, then others, as JSON', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const { pool } = fixture;
    await pool.query('SELECT 1');
    const redis = new Breaker({ name: 'redis', consecutiveFailures: 1 });
    redis.failed(Object.assign(new Error('nobody listens'), { code: 'ECONNREFUSED' }), 5);

    const report = await procedures({ pools: pool, breakers: [redis] }).circuitBreakers();

    expect(report.breakers.map(({ pool: of, name, state }) => [of, name, state])).toEqual([
      [pool.name, 'connect', 'closed'],
      [pool.name, 'statement', 'closed'],
      [null, 'redis', 'open'],
    ]);
    expect(report.breakers[1]).toMatchObject({
      successes: 1,
      failures: 0,
      refused: 0,
      reason: null,
      nextProbeInMs: null,
      lastFailure: null,
    });
    expect(report.breakers[2]).toMatchObject({
      transitions: { open: 1, closed: 0, 'half-open': 0, isolated: 0 },
      lastFailure: { code: 'ECONNREFUSED', message: 'nobody listens' },
    });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('shows that of PgBouncer where one is configured', async () => {
    const { circuitBreakers, pgbouncerAvailable } = procedures({ pools: [], pgbouncer: `postgresql://u@127.0.0.1:${await freePort()}` });
    expect(await pgbouncerAvailable()).toMatchObject({ reason: 'refused' });
    expect((await circuitBreakers()).breakers).toMatchObject([{ pool: null, name: 'pgbouncer', state: 'closed', failures: 1 }]);
  });

  it('shows each once, and distinguishes those of the same name', async () => {
    const [first, second] = [new Breaker({ name: 'rates' }), new Breaker({ name: 'rates' })];
    second.open('by the test');
    // An iterator can be walked once only.
    const { circuitBreakers } = procedures({ pools: [], breakers: [first, second, first].values() });
    for (let round = 0; round < 2; round += 1) {
      expect((await circuitBreakers()).breakers).toMatchObject([
        { name: 'rates', state: 'closed' },
        { name: 'rates#2', state: 'open' },
      ]);
    }
    const registry = registerPoolMetrics({ pools: [], breakers: [first, second] });
    expect(await complaintsOf(await registry.metrics())).toBe('');
  });

  it('names a breaker, to be opened, closed and isolated manually', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const { pool } = fixture;
    const rates = new Breaker({ name: 'rates' });
    const monitoring = new Monitoring({ pools: pool, breakers: [rates] }, {});
    monitoring.breaker('statement', pool.name).isolate('by an operator');
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_BREAKER_OPEN' });
    monitoring.breaker('statement', pool.name).close();
    expect(await pool.query('SELECT 1')).toBeDefined();
    monitoring.breaker('rates', null).open('by an operator');
    expect(rates.state).toBe('open');
    expect(() => monitoring.breaker('rates', pool.name)).toThrow(
      `There is no breaker 'rates' of pool '${pool.name}'; there are: connect, statement.`,
    );
    expect(() => monitoring.breaker('statement', null)).toThrow("There is no breaker 'statement' outside of pools; there are: rates.");
  });

  it('refuses what holds no breakers', () => {
    expect(() => procedures({ pools: [], breakers: [5] as never })).toThrow(/breakers must be breakers, or a function/);
    expect(() => registerPoolMetrics({ pools: [], breakers: 'redis' as never })).toThrow(/breakers must be breakers, or a function/);
  });
});

describe('the health of a pool', () => {
  it('is degraded, and no worse, while a breaker that belongs to no pool is not closed', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const { pool } = fixture;
    const rates = new Breaker({ name: 'rates' });
    const { connectionPoolHealth } = procedures({ pools: pool, breakers: () => [rates] });
    expect(await connectionPoolHealth()).toMatchObject({ status: 'healthy', healthy: true });

    rates.isolate('maintenance');
    const degraded = await connectionPoolHealth();
    expect(degraded).toMatchObject({ status: 'degraded', healthy: false, message: "breaker 'rates' is isolated: maintenance" });
    expect(degraded.checks.find(({ name }) => name === 'breakers')).toMatchObject({ status: 'warn', message: degraded.message });
    expect(await pool.health()).toMatchObject({ status: 'healthy' });

    pool.breakers.statement.isolate('too');
    expect(await connectionPoolHealth()).toMatchObject({
      status: 'unhealthy',
      message: "breaker 'statement' is isolated: too; breaker 'rates' is isolated: maintenance",
    });
  });

  it('is the same in its own procedure, in the live feed and in the list of processes', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    const rates = new Breaker({ name: 'rates' });
    rates.isolate('maintenance');
    const monitoring = new Monitoring({ pools: fixture.pool, breakers: [rates], pgbouncer: false }, {});
    const { status, message, checks } = await monitoring.health();
    expect(status).toBe('degraded');
    expect((await monitoring.process()).pools).toMatchObject([{ name: 'orders', status }]);
    const { value } = await monitoring.live(undefined).next();
    expect(value?.pools[0]?.health).toMatchObject({ status, message, checks });
    monitoring.stop();
  });
});

describe('the metrics of breakers', () => {
  it('are those of all breakers also in a registry that had the pools before', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const { pool } = fixture;
    const [rates, stock] = [new Breaker({ name: 'rates' }), new Breaker({ name: 'stock' })];
    const registry = registerPoolMetrics({ pools: pool, breakers: [rates] });
    const pgbouncer = `postgresql://u@127.0.0.1:${await freePort()}`;
    const monitoring = new Monitoring({ pools: pool, breakers: [rates, stock], registry, pgbouncer }, {});
    const { metrics } = await monitoring.metrics();
    const names = [...samplesOf(metrics).keys()].filter((name) => name.startsWith('poolwright_breaker_state'));
    expect(names.map((name) => /breaker="([^"]+)"/.exec(name)?.[1])).toEqual(['connect', 'statement', 'rates', 'stock', 'pgbouncer']);
    expect(await complaintsOf(metrics)).toBe('');
  });

  it('say what their snapshots say, in text that promtool accepts', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const { pool } = fixture;
    const cache = new Breaker({ name: 'cache' });
    const registry = registerPoolMetrics({ pools: pool, breakers: () => [cache] });
    await pool.query('SELECT 1');
    const letGo = pool.breakers.statement.isolate();
    await errorOf(pool.query('SELECT 1'));
    cache.open();

    const exposition = await registry.metrics();
    const samples = samplesOf(exposition);
    const of = `breaker="statement",`;
    const whose = `pool="${pool.name}"`;
    expect(Object.fromEntries(samples)).toMatchObject({
      [`poolwright_breaker_state{${of}${whose}}`]: 3,
      [`poolwright_breaker_state{breaker="connect",${whose}}`]: 0,
      [`poolwright_breaker_state{breaker="cache"}`]: 2,
      [`poolwright_breaker_transitions_total{${of}${whose},to="isolated"}`]: 1,
      [`poolwright_breaker_calls_total{${of}outcome="refused",${whose}}`]: 1,
      [`poolwright_breaker_calls_total{${of}outcome="success",${whose}}`]: 1,
    });
    expect(await complaintsOf(exposition)).toBe('');
    letGo();
    expect(samplesOf(await registry.metrics()).get(`poolwright_breaker_state{${of}${whose}}`)).toBe(0);
  });
});

describe('the guard of the PgBouncer probe', () => {
  function report(reason: PgBouncerReason): PgBouncerReport {
    const nothing = { version: null, pools: [], databases: [], stats: [], latencyMs: 1 };
    return { available: reason === 'ok', reason, message: `It is ${reason}.`, ...nothing };
  }

  it('gives the last report again while PgBouncer does not answer, and asks again from time to time', async () => {
    const clock = new FakeClock();
    let reason: PgBouncerReason = 'timeout';
    let asked = 0;
    const ask = async (): Promise<PgBouncerReport> => {
      asked += 1;
      return report(reason);
    };
    const guard = new ProbeGuard(ask, { clock, random: () => 0.5 });
    for (let round = 0; round < 10; round += 1) await guard.probe();
    expect(asked).toBe(3);
    expect(await guard.probe()).toMatchObject({
      available: false,
      reason: 'timeout',
      message: expect.stringMatching(/^It is timeout\. The monitor does not ask again/) as string,
    });
    reason = 'ok';
    await clock.advance(15_000);
    expect(await guard.probe()).toMatchObject({ available: true, message: 'It is ok.' });
    expect(guard.breaker.state).toBe('closed');
  });

  it('takes a refused password for an answer', async () => {
    const guard = new ProbeGuard(async () => report('auth'));
    for (let round = 0; round < 10; round += 1) await guard.probe();
    expect(guard.breaker.snapshot()).toMatchObject({ state: 'closed', failures: 0, successes: 10 });
  });
});
