import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createTRPCClient, httpBatchLink } from '@trpc/client';
import { initTRPC } from '@trpc/server';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMonitoringRouter } from '../../src/monitor/api/router.js';
import { registerPoolMetrics } from '../../src/telemetry/prometheus.js';
import { startPgBouncer } from '../support/servers/pgbouncer.js';
import { startPostgres } from '../support/servers/postgres-server.js';
import { startSilentTcpServer } from '../support/network/silent-tcp-server.js';
import { errorOf, procedures } from './support/call.js';
import { openPool } from '../support/pool-on-database.js';
import { complaintsOf } from './support/promtool.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('monitoring.connectionPoolStats', () => {
  it('shows the snapshot and the options in force, as JSON, without secrets', async () => {
    await using fixture = await openPool({
      minIdle: 1,
      connectionLimit: 7,
      validateAfterIdle: Number.POSITIVE_INFINITY,
      hygiene: 'always',
    });
    const { pool, database } = fixture;
    await pool.query('SELECT 1');

    const report = await procedures({ pools: pool }).connectionPoolStats();

    expect(report.available).toBe(true);
    expect(report.stats).toMatchObject({ name: pool.name, limit: 7, waiting: 0, acquired: 1, timedOut: 0, lastConnectError: null });
    expect(report.stats?.query).toMatchObject({ count: 1, p50Ms: expect.any(Number) as number });
    expect(report.stats?.options).toMatchObject({
      connectionLimit: 7,
      validateAfterIdle: 'Infinity',
      hygiene: 'always',
      tls: 'off',
      user: database.user,
      endpoint: { host: database.host, port: database.port, database: database.database, socketPath: null },
    });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(JSON.stringify(report)).not.toContain(JSON.stringify(database.password).slice(1, -1));
    expect(JSON.stringify(report)).not.toMatch(/pass(word|wd)/i);
  });

  it('follows a resize', async () => {
    await using fixture = await openPool({ minIdle: 1, connectionLimit: 7 });
    const { connectionPoolStats } = procedures({ pools: fixture.pool });
    fixture.pool.resize({ connectionLimit: 3 });
    expect((await connectionPoolStats()).stats).toMatchObject({ limit: 3, options: { connectionLimit: 3 } });
  });

  it('is not available when there is no pool', async () => {
    expect(await procedures({ pools: () => [] }).connectionPoolStats()).toEqual({ available: false, stats: null });
  });
});

describe('the choice of a pool', () => {
  it('is the first one, or the one that is named', async () => {
    await using one = await openPool({ minIdle: 1, connectionLimit: 1 });
    await using two = await openPool({ minIdle: 1, connectionLimit: 2 });
    const { connectionPoolStats, connectionPoolHealth } = procedures({ pools: () => [one.pool, two.pool] });
    expect((await connectionPoolStats()).stats?.limit).toBe(1);
    expect((await connectionPoolStats({})).stats?.limit).toBe(1);
    expect((await connectionPoolStats(null)).stats?.limit).toBe(1);
    expect((await connectionPoolStats({ pool: two.pool.name })).stats?.limit).toBe(2);
    expect(await connectionPoolHealth({ pool: two.pool.name })).toMatchObject({ message: '0 of 2 connections are in use' });
  });

  it('of a pool that does not exist is NOT_FOUND, with the names of those that do', async () => {
    await using one = await openPool({ minIdle: 1, name: 'orders' });
    await using two = await openPool({ minIdle: 1, name: 'users' });
    const { connectionPoolStats, connectionPoolHealth } = procedures({ pools: [one.pool, two.pool] });
    for (const call of [connectionPoolStats({ pool: 'order' }), connectionPoolHealth({ pool: 'order', deep: true })]) {
      expect(await errorOf(call)).toEqual({ code: 'NOT_FOUND', message: "There is no pool named 'order'; there are: orders, users." });
    }
    expect(await errorOf(procedures({ pools: [] }).connectionPoolStats({ pool: 'a' }))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is refused with what is wrong about it', async () => {
    const { connectionPoolStats, connectionPoolHealth, connectionPoolMetrics, pgbouncerAvailable } = procedures({ pools: [] });
    for (const [call, words] of [
      [connectionPoolStats({ pool: 7 } as never), /^pool: .*expected string/],
      [connectionPoolStats('orders' as never), /expected object/],
      [connectionPoolStats({ pol: 'orders' } as never), /Unrecognized key: "pol"/],
      [connectionPoolHealth({ deep: 'yes' } as never), /^deep: .*expected boolean/],
      [connectionPoolHealth({ deep: 'yes', pool: 1 } as never), /pool: .*; deep: /],
      [connectionPoolMetrics({ pool: 'orders' } as never), /Unrecognized key/],
      [pgbouncerAvailable(['x'] as never), /expected object/],
    ] as const) {
      const { code, message } = await errorOf(call);
      expect(code).toBe('BAD_REQUEST');
      expect(message).toMatch(words);
    }
  });
});

describe('monitoring.connectionPoolMetrics', () => {
  it('is the text of all pools, in a form that promtool accepts', async () => {
    await using one = await openPool({ minIdle: 1 });
    await using two = await openPool({ minIdle: 1 });
    const { metrics, contentType } = await procedures({ pools: [one.pool, two.pool] }).connectionPoolMetrics();
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await complaintsOf(metrics)).toBe('');
    for (const { pool } of [one, two]) expect(metrics).toContain(`poolwright_waiters{pool="${pool.name}"} 0`);
    expect(metrics).not.toContain('pgbouncer');
  });

  it('is the text of the registry that is given, into which the pools are put unless they are there', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const registry = new Registry();
    for (let mounted = 0; mounted < 2; mounted += 1) {
      const { metrics } = await procedures({ pools: fixture.pool, registry }).connectionPoolMetrics();
      expect(metrics).toBe(await registry.metrics());
      expect(metrics).toContain('poolwright_waiters');
    }
    const own = registerPoolMetrics({ pools: fixture.pool });
    expect((await procedures({ pools: fixture.pool, registry: own }).connectionPoolMetrics()).metrics).toContain('poolwright_waiters');
  });
});

describe('monitoring.pgbouncerAvailable', () => {
  it('asks a real one, which the environment or the options name', async () => {
    await using postgres = await startPostgres();
    await using bouncer = await startPgBouncer(postgres);
    const answer = {
      available: true,
      reason: 'ok',
      version: expect.stringMatching(/^\d/) as string,
      latencyMs: expect.any(Number) as number,
    };

    vi.stubEnv('PGBOUNCER_URL', bouncer.url());
    expect(await createMonitoringRouter({ pools: [] }).createCaller({}).pgbouncerAvailable()).toMatchObject(answer);
    vi.stubEnv('PGBOUNCER_URL', 'postgresql://nowhere.invalid');
    expect(await procedures({ pools: [], pgbouncer: bouncer.url('stats') }).pgbouncerAvailable()).toMatchObject(answer);
    expect(await procedures({ pools: [], pgbouncer: { url: bouncer.url(), timeout: 60_000 } }).pgbouncerAvailable()).toMatchObject(answer);

    const { connectionPoolMetrics } = procedures({ pools: [], pgbouncer: bouncer.url() });
    const { metrics } = await connectionPoolMetrics();
    expect(metrics).toContain('poolwright_pgbouncer_up 1\n');
    expect(await complaintsOf(metrics)).toBe('');

    await bouncer.stop();
    const report = await procedures({ pools: [], pgbouncer: bouncer.url() }).pgbouncerAvailable();
    expect(report).toMatchObject({ available: false, reason: 'refused' });
    expect((await procedures({ pools: [], pgbouncer: bouncer.url() }).connectionPoolMetrics()).metrics).toContain(
      'poolwright_pgbouncer_up 0\n',
    );
  });

  it('is not configured when no PgBouncer is named, or when it is switched off', async () => {
    vi.stubEnv('PGBOUNCER_URL', '');
    expect(await createMonitoringRouter({ pools: [] }).createCaller({}).pgbouncerAvailable()).toMatchObject({ reason: 'not-configured' });
    vi.stubEnv('PGBOUNCER_URL', 'postgresql://nowhere.invalid');
    expect(await procedures({ pools: [], pgbouncer: false }).pgbouncerAvailable()).toMatchObject({ reason: 'not-configured' });
  });

  it('makes one probe for all that ask at the same time, and soon after', async () => {
    await using silent = await startSilentTcpServer();
    const { host, port } = silent;
    const { pgbouncerAvailable, connectionPoolMetrics } = procedures({ pools: [], pgbouncer: { host, port, timeout: 100 } });
    const answers = await Promise.all([connectionPoolMetrics(), ...Array.from({ length: 100 }, () => pgbouncerAvailable())]);
    expect(answers.slice(1).every((answer) => 'reason' in answer && answer.reason === 'timeout')).toBe(true);
    await pgbouncerAvailable();
    expect(silent.accepted).toBe(1);
  });

  it('refuses a wrong address when the router is made, without showing the password', () => {
    vi.stubEnv('PGBOUNCER_URL', 'mysql://u:sesame@h');
    for (const [pgbouncer, words] of [
      [undefined, /^PGBOUNCER_URL: .*expected postgresql:/],
      ['http://u:sesame@h', /^pgbouncer: /],
      [{ host: 'h', prot: 1, password: 'sesame' }, /Unknown option prot/],
      [7, /pgbouncer must be/],
    ] as const) {
      const attempt = (): unknown =>
        createMonitoringRouter({ pools: [], ...(pgbouncer === undefined ? {} : { pgbouncer: pgbouncer as never }) });
      expect(attempt).toThrow(expect.objectContaining({ code: 'POOL_OPTION_INVALID', message: expect.stringMatching(words) as string }));
      expect(attempt).not.toThrow(/sesame/);
    }
  });
});

describe('in the router of an application', () => {
  interface Context {
    readonly admin: boolean;
  }

  it('answers beside its own procedures, to those whom it allows', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const t = initTRPC.context<Context>().create();
    const appRouter = t.router({
      hello: t.procedure.query(() => 'world'),
      monitoring: createMonitoringRouter<Context>({ pools: fixture.pool, pgbouncer: false, authorize: ({ admin }) => admin }),
    });

    const admin = appRouter.createCaller({ admin: true });
    expect(await admin.hello()).toBe('world');
    expect(await admin.monitoring.connectionPoolHealth()).toMatchObject({ healthy: true });
    expect(await errorOf(admin.monitoring.connectionPoolHealth({ pool: 'x' }))).toMatchObject({ code: 'NOT_FOUND' });

    const other = appRouter.createCaller({ admin: false });
    for (const name of ['connectionPoolHealth', 'connectionPoolStats', 'connectionPoolMetrics', 'pgbouncerAvailable'] as const) {
      expect(await errorOf(other.monitoring[name]())).toMatchObject({ code: 'FORBIDDEN' });
    }
  });

  it('answers over an adapter of its own, to a vanilla client', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const t = initTRPC.create();
    const appRouter = t.router({ admin: t.router({ monitoring: createMonitoringRouter({ pools: fixture.pool, pgbouncer: false }) }) });
    const server = createHTTPServer({ router: appRouter }).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const client = createTRPCClient<typeof appRouter>({ links: [httpBatchLink({ url: `http://127.0.0.1:${port}` })] });
      const { connectionPoolHealth, connectionPoolStats } = client.admin.monitoring;
      expect(await connectionPoolHealth.query()).toMatchObject({ healthy: true });
      await expect(connectionPoolStats.query({ pool: 'x' })).rejects.toMatchObject({ data: { code: 'NOT_FOUND', httpStatus: 404 } });
      await expect(connectionPoolStats.query({ pool: 1 as never })).rejects.toMatchObject({
        data: { code: 'BAD_REQUEST', httpStatus: 400 },
      });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it('waits for a permission that takes time', async () => {
    const { connectionPoolStats } = procedures({ pools: [], authorize: () => Promise.resolve(false) });
    expect(await errorOf(connectionPoolStats())).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('refuses options that do not exist', () => {
    for (const [options, words] of [
      [{ pools: [], authorise: () => true }, /Unknown option authorise\. Did you mean authorize/],
      [{ pools: [], authorize: true }, /authorize must be a function/],
      [{}, /pools must be/],
    ] as const) {
      expect(() => createMonitoringRouter(options as never)).toThrow(words);
    }
  });
});
