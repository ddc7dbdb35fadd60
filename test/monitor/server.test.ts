import { execFile } from 'node:child_process';
import { Agent, get as httpGet } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink, TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import { requireExecutable } from '../../src/demo/find-executable.js';
import type { Pool } from '../../src/mysql/pools/pool.js';
import { createMonitoringServer, type MonitoringServerRouter } from '../../src/monitor/server/server.js';
import { startPgBouncer } from '../support/servers/pgbouncer.js';
import { startPostgres } from '../support/servers/postgres-server.js';
import { samplesOf } from './support/exposition.js';
import { openPool, whileHolding } from '../support/pool-on-database.js';
import { waitFor } from '../support/wait-for.js';
import { complaintsOf } from './support/promtool.js';
import { serve } from './support/serve.js';

const run = promisify(execFile);

async function curl(...args: string[]): Promise<string> {
  const { stdout } = await run(await requireExecutable('curl', ['curl']), ['--silent', '--show-error', ...args]);
  return stdout;
}

function input(value: unknown): string {
  return `?input=${encodeURIComponent(JSON.stringify(value))}`;
}

function failToList(): never {
  throw new Error('sesame is the secret');
}

const LINKS = [
  ['httpLink', httpLink],
  ['httpBatchLink', httpBatchLink],
  ['httpBatchStreamLink', httpBatchStreamLink],
] as const;

describe('/api/trpc', () => {
  it.each(LINKS)('answers a vanilla tRPC client with %s', async (_, link) => {
    await using fixture = await openPool({ minIdle: 1, connectionLimit: 5 });
    await using server = await serve({ pools: fixture.pool });
    const client = createTRPCClient<MonitoringServerRouter>({ links: [link({ url: `${server.url}/api/trpc` })] });

    const [health, stats, metrics, pgbouncer, named] = await Promise.all([
      client.monitoring.connectionPoolHealth.query(),
      client.monitoring.connectionPoolStats.query(),
      client.monitoring.connectionPoolMetrics.query(),
      client.monitoring.pgbouncerAvailable.query(),
      client.monitoring.connectionPoolHealth.query({ pool: fixture.pool.name, deep: true }),
    ]);

    expect(health).toMatchObject({ healthy: true, status: 'healthy', poolType: 'application', poolUtilization: 0 });
    expect(stats).toMatchObject({ available: true, stats: { name: fixture.pool.name, limit: 5, options: { connectionLimit: 5 } } });
    expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await complaintsOf(metrics.metrics)).toBe('');
    expect(pgbouncer).toMatchObject({ available: false, reason: 'not-configured' });
    expect(named.checks.at(-1)).toMatchObject({ name: 'query', status: 'pass' });
  });

  it.each(LINKS)('reports the errors of a call to a vanilla tRPC client with %s', async (_, link) => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    await using server = await serve({ pools: fixture.pool });
    const client = createTRPCClient<MonitoringServerRouter>({ links: [link({ url: `${server.url}/api/trpc` })] });

    const unknown = client.monitoring.connectionPoolStats.query({ pool: 'x' });
    await expect(unknown).rejects.toThrow(TRPCClientError);
    await expect(unknown).rejects.toMatchObject({
      message: "There is no pool named 'x'; there are: orders.",
      data: { code: 'NOT_FOUND', httpStatus: 404 },
    });
    await expect(client.monitoring.connectionPoolStats.query({ pool: 1 } as never)).rejects.toMatchObject({
      message: expect.stringMatching(/^pool: /) as string,
      data: { code: 'BAD_REQUEST', httpStatus: 400 },
    });
  });

  it('says in data what is missing, and nothing of the kind for a procedure that is not there', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    await using server = await serve({ pools: fixture.pool, operateToken: 'operate-token-1' });
    const errorOf = async (procedure: string, body?: object): Promise<unknown> => {
      const authorization = 'Bearer operate-token-1';
      const response = await fetch(
        `${server.url}/api/trpc/${procedure}`,
        body === undefined
          ? { headers: { authorization } }
          : { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify(body) },
      );
      const { error } = (await response.json()) as { readonly error: { readonly data: { readonly reason?: string } } };
      return [response.status, error.data.reason];
    };
    const of = (given: object): string => `?input=${encodeURIComponent(JSON.stringify(given))}`;
    expect(await errorOf(`monitoring.connectionPoolStats${of({ pool: 'x' })}`)).toEqual([404, 'unknown-pool']);
    expect(await errorOf('monitoring.closeBreaker', { pool: null, breaker: 'x' })).toEqual([404, 'unknown-breaker']);
    expect(await errorOf('monitoring.invalidate', { pool: 'orders', all: true })).toEqual([404, 'no-cache']);
    expect(await errorOf('monitoring.nothing')).toEqual([404, undefined]);
    expect(await errorOf(`monitoring.connectionPoolStats${of({ pool: 1 })}`)).toEqual([400, undefined]);
  });

  it('answers a tRPC client that it needs a token', async () => {
    await using server = await serve({ pools: [], token: 'sesame' });
    for (const [, link] of LINKS) {
      const client = createTRPCClient<MonitoringServerRouter>({ links: [link({ url: `${server.url}/api/trpc` })] });
      await expect(client.monitoring.connectionPoolStats.query()).rejects.toMatchObject({ message: 'A bearer token is required' });
      const headers = { Authorization: 'Bearer sesame' };
      const admitted = createTRPCClient<MonitoringServerRouter>({ links: [link({ url: `${server.url}/api/trpc`, headers })] });
      expect(await admitted.monitoring.connectionPoolStats.query()).toEqual({ available: false, stats: null });
    }
  });

  it('answers curl, with and without input', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    await using server = await serve({ pools: fixture.pool });
    const url = `${server.url}/api/trpc/monitoring.connectionPoolHealth`;
    for (const query of ['', '?input=', input({}), input(null), input({ pool: fixture.pool.name }), '?unknown=1']) {
      expect(JSON.parse(await curl(url + query))).toMatchObject({ result: { data: { healthy: true, poolType: 'application' } } });
    }
    const batch = `${server.url}/api/trpc/monitoring.connectionPoolHealth,monitoring.connectionPoolStats?batch=1&input=${encodeURIComponent('{"1":{}}')}`;
    expect(JSON.parse(await curl(batch))).toMatchObject([
      { result: { data: { healthy: true } } },
      { result: { data: { available: true } } },
    ]);
  });

  it.each([
    ['an unknown procedure', '/api/trpc/monitoring.nothing', 404, 'NOT_FOUND'],
    ['an unknown pool', `/api/trpc/monitoring.connectionPoolHealth${input({ pool: 'x' })}`, 404, 'NOT_FOUND'],
    ['a wrong input', `/api/trpc/monitoring.connectionPoolHealth${input({ deep: 1 })}`, 400, 'BAD_REQUEST'],
    ['an input that is not JSON', '/api/trpc/monitoring.connectionPoolHealth?input={', 400, 'BAD_REQUEST'],
    ['a path that is not in UTF-8', '/api/trpc/%ff', 400, 'BAD_REQUEST'],
    ['a path of no route', '/api/trpc', 404, 'NOT_FOUND'],
    ['a folder above', '/api/trpc/..%2f..%2fetc%2fpasswd', 404, 'NOT_FOUND'],
    ['a route that does not exist', '/nothing', 404, 'NOT_FOUND'],
  ])('answers %s with what is wrong, and no stack', async (_, path, status, code) => {
    await using server = await serve({ pools: [] });
    const response = await fetch(server.url + path);
    const body = await response.text();
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(JSON.parse(body)).toMatchObject({ error: { data: { code, httpStatus: status } } });
    expect(body).not.toMatch(/stack|node_modules|\.[jt]s:\d/);
  });

  it('answers no other method than GET', async () => {
    await using server = await serve({ pools: [] });
    const url = `${server.url}/api/trpc/monitoring.connectionPoolStats`;
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(url, { method: 'POST', headers, body: '{}' })).status).toBe(405);
    expect((await fetch(url, { method: 'DELETE' })).status).toBeGreaterThanOrEqual(400);
    expect((await fetch(`${server.url}/metrics`, { method: 'POST', headers, body: '{}' })).status).toBe(404);
  });

  it('asks a real PgBouncer, and never shows its password', async () => {
    await using postgres = await startPostgres();
    await using bouncer = await startPgBouncer(postgres);
    await using server = await serve({ pools: [], pgbouncer: bouncer.url() });
    const body = await curl(`${server.url}/api/trpc/monitoring.pgbouncerAvailable`);
    expect(JSON.parse(body)).toMatchObject({
      result: { data: { available: true, reason: 'ok', latencyMs: expect.any(Number) as number } },
    });
    expect(body).not.toContain(bouncer.users.admin.password);
    expect(await curl(`${server.url}/metrics`)).toContain('\npoolwright_pgbouncer_up 1\n');
  });

  it('hides what went wrong inside, and reports it to the owner', async () => {
    const errors: unknown[] = [];
    await using server = await serve({ pools: failToList, onError: (error) => errors.push(error) });
    for (const path of ['/api/trpc/monitoring.connectionPoolStats', '/metrics', '/readyz']) {
      const response = await fetch(server.url + path);
      expect(response.status).toBe(500);
      expect(await response.text()).not.toMatch(/sesame|stack/);
    }
    expect(errors).toHaveLength(3);
    for (const error of errors) expect(error).toMatchObject({ message: 'sesame is the secret' });
  });
});

describe('/metrics', () => {
  it('is the exposition, and counts what the pools count', async () => {
    await using one = await openPool({ minIdle: 1 });
    await using two = await openPool({ minIdle: 1 });
    await using server = await serve({ pools: [one.pool, two.pool] });
    await Promise.all(Array.from({ length: 7 }, () => one.pool.query('SELECT 1')));
    for (const { pool } of [one, two]) {
      await pool.ready();
      await waitFor('nothing to be opened any more', () => pool.summary().opening === 0);
    }

    const response = await fetch(`${server.url}/metrics`);

    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const body = await response.text();
    expect(await complaintsOf(body)).toBe('');
    expect(await curl(`${server.url}/metrics`)).toBe(body);
    const samples = samplesOf(body);
    for (const { pool } of [one, two]) {
      const stats = pool.stats();
      expect(samples.get(`poolwright_acquires_total{outcome="acquired",pool="${pool.name}"}`)).toBe(stats.acquired);
      expect(samples.get(`poolwright_query_seconds_count{pool="${pool.name}"}`)).toBe(stats.query.count);
    }
  });

  it('is there while pools are made, used and closed', async () => {
    const pools = new Set<Pool>();
    await using server = await serve({ pools });
    const rounds = Array.from({ length: 5 }, async () => {
      await using fixture = await openPool({ minIdle: 1, connectionLimit: 3 });
      pools.add(fixture.pool);
      await Promise.all(Array.from({ length: 20 }, () => fixture.pool.query('SELECT 1')));
      await fixture.pool.drain();
      pools.delete(fixture.pool);
    });
    const state = { running: true };
    const done = Promise.all(rounds).finally(() => {
      state.running = false;
    });
    const statuses: number[] = [];
    do {
      const response = await fetch(`${server.url}/metrics`);
      statuses.push(response.status);
      samplesOf(await response.text());
    } while (state.running);
    await done;
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});

describe('/healthz and /readyz', () => {
  it('distinguish that the process is up and that its pools can serve', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const { pool } = fixture;
    await using other = await openPool({ minIdle: 1 });
    await using server = await serve({ pools: [pool, other.pool] });
    const status = async (path: string): Promise<number> => (await fetch(server.url + path)).status;

    // The verdicts stand beside the status, and do not change it.
    expect(await (await fetch(`${server.url}/healthz`)).json()).toMatchObject({
      status: 'up',
      pools: [pool, other.pool].map(({ name }) => ({ pool: name, verdict: { status: 'healthy', cause: null, holders: [] } })),
    });
    expect(await (await fetch(`${server.url}/readyz`)).json()).toMatchObject({
      ready: true,
      pools: [pool, other.pool].map(({ name }) => ({
        pool: name,
        status: 'healthy',
        problems: [],
        verdict: { status: 'healthy', cause: null },
      })),
    });

    pool.suspend();
    expect(await status('/readyz')).toBe(503);
    pool.resume();
    expect(await status('/readyz')).toBe(200);

    const held = await pool.getConnection();
    const drained = pool.drain();
    const draining = await fetch(`${server.url}/readyz`);
    expect(draining.status).toBe(503);
    expect(await draining.json()).toMatchObject({
      ready: false,
      pools: [
        { pool: pool.name, status: 'unhealthy', problems: [{ name: 'state', status: 'fail', message: 'the pool is draining' }] },
        { pool: other.pool.name, status: 'healthy', problems: [] },
      ],
    });
    expect(await status('/healthz')).toBe(200);
    held.release();
    await drained;
    expect(await status('/readyz')).toBe(503);
    expect(await status('/healthz')).toBe(200);
  });

  it('are not ready without a pool: the last one has been closed', async () => {
    const pools: Pool[] = [];
    await using server = await serve({ pools });
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    await using fixture = await openPool({ minIdle: 1 });
    pools.push(fixture.pool);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });

  it('are ready while a pool is only degraded', async () => {
    await using fixture = await openPool({ minIdle: 1, connectionLimit: 1, health: { waiting: 1 } });
    await using server = await serve({ pools: fixture.pool });
    const late = await whileHolding(fixture.pool, 1, async () => {
      const query = fixture.pool.query('SELECT 1');
      const response = await fetch(`${server.url}/readyz`);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ ready: true, pools: [{ status: 'degraded', problems: [{ name: 'waiting' }] }] });
      return { query };
    });
    await late.query;
  });

  it('answer without the token, but say no names and no words of errors then', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'internal-host' });
    await using server = await serve({ pools: fixture.pool, token: 'sesame' });
    fixture.pool.suspend();
    const response = await fetch(`${server.url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      ready: false,
      pools: [{ status: 'unhealthy', problems: [{ name: 'state', status: 'fail' }] }],
    });
    const trusted = await fetch(`${server.url}/readyz`, { headers: { authorization: 'Bearer sesame' } });
    expect(await trusted.json()).toMatchObject({ pools: [{ pool: 'internal-host', problems: [{ message: 'the pool is suspended' }] }] });
    fixture.pool.resume();
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});

describe('closing', () => {
  // Far less than the minute for which one may take to ask.
  it('ends connections that are idle, and those that have only begun to ask', { timeout: 30_000 }, async () => {
    const server = await serve({ pools: [] });
    const agent = new Agent({ keepAlive: true });
    const [response] = (await once(httpGet(`${server.url}/healthz`, { agent }), 'response')) as [NodeJS.ReadableStream];
    response.resume();
    await once(response, 'end');
    const slow = connect(server.address);
    slow.on('error', () => undefined);
    await once(slow, 'connect');
    slow.write('GET /healthz HTTP/1.1\r\nHost: local');
    await fetch(`${server.url}/healthz`);

    const ended = once(slow, 'close');
    await Promise.all([server.close(), server.close()]);
    await ended;
    await server[Symbol.asyncDispose]();

    agent.destroy();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
  });

  it('leaves the port free', async () => {
    const first = await serve({ pools: [] });
    const { port } = first.address;
    await first.close();
    await using second = await serve({ pools: [], port });
    expect(second.address.port).toBe(port);
  });
});

describe('a server that is not listening', () => {
  it('takes injected requests, and routes of its owner, which it guards too', async () => {
    const app = createMonitoringServer({ pools: [], pgbouncer: false, token: 'sesame' });
    app.get('/own', () => ({ mine: true }));
    try {
      const headers = { host: 'localhost' };
      expect((await app.inject({ url: '/own', headers })).statusCode).toBe(401);
      const response = await app.inject({ url: '/own', headers: { ...headers, authorization: 'Bearer sesame' } });
      expect(response.json()).toEqual({ mine: true });
    } finally {
      await app.close();
    }
  });
});
