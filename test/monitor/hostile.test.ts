import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { RandomSource } from '../../src/engine/clock.js';
import type { MonitoringServer } from '../../src/monitor/server.js';
import { seededRandom } from '../engine/support/random.js';
import { startPgBouncer } from '../support/pgbouncer.js';
import { startPostgres } from '../support/postgres-server.js';
import { waitFor } from '../support/wait-for.js';
import { createPoolOnDatabase } from './support/pool-on-database.js';
import { exchange } from './support/raw-http.js';
import { serve } from './support/serve.js';

/** The status of each route. */
async function statusesOf({ url }: MonitoringServer): Promise<number[]> {
  const paths = ['/', '/healthz', '/readyz', '/metrics', TRPC];
  return await Promise.all(paths.map(async (path) => (await fetch(url + path)).status));
}

const ALL_WELL = [200, 200, 200, 200, 200];

function request(line: string, headers: readonly string[] = [], body: string | Buffer = ''): Buffer {
  return Buffer.concat([
    Buffer.from([line, 'Host: localhost', 'Connection: close', ...headers, '', ''].join('\r\n'), 'latin1'),
    Buffer.from(body),
  ]);
}

const TRPC = '/api/trpc/monitoring.connectionPoolHealth';

/** Ways to be a nuisance; `noise` is a text of random bytes. */
const NUISANCES: readonly ((noise: string) => Buffer)[] = [
  (noise) => Buffer.from(noise, 'latin1'),
  (noise) => Buffer.from(`${noise}\r\n\r\n`, 'latin1'),
  (noise) => request(`GET /${encodeURIComponent(noise)} HTTP/1.1`),
  (noise) => request(`GET /${noise} HTTP/1.1`),
  (noise) => request(`GET ${TRPC}?input=${encodeURIComponent(noise)} HTTP/1.1`),
  (noise) => request(`GET ${TRPC}?input=${encodeURIComponent(JSON.stringify({ pool: noise }))} HTTP/1.1`),
  (noise) => request(`GET ${TRPC}?batch=1&input=${encodeURIComponent(JSON.stringify([noise, { 0: noise }]))} HTTP/1.1`),
  (noise) => request(`GET ${TRPC}?batch=${encodeURIComponent(noise)}&batch=1 HTTP/1.1`),
  (noise) => request(`GET /api/trpc/${encodeURIComponent(noise)},${encodeURIComponent(noise)}?batch=1 HTTP/1.1`),
  () => request('GET /api/trpc/__proto__.constructor,toString,monitoring.__proto__?batch=1 HTTP/1.1'),
  () => request(`GET ${TRPC}?input=${encodeURIComponent('{"__proto__":{"pool":"x"},"constructor":1}')} HTTP/1.1`),
  () => request(`GET ${TRPC}?input=${'%5B'.repeat(3_000)} HTTP/1.1`),
  () => request('GET /../../../etc/passwd HTTP/1.1'),
  () => request('GET /api/trpc/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1'),
  () => request('GET /metrics/..;/%2e%2e/%2e%2e/etc/passwd HTTP/1.1'),
  () => request('GET http://evil.example.com/metrics HTTP/1.1'),
  () => request('CONNECT evil.example.com:443 HTTP/1.1'),
  () => request('OPTIONS * HTTP/1.1'),
  () => request('TRACE / HTTP/1.1'),
  (noise) => request(`GET / HTTP/1.1`, [`X-Noise: ${noise}`]),
  () => request('GET / HTTP/1.1', [`X-Long: ${'x'.repeat(20_000)}`]),
  () =>
    request(
      'GET / HTTP/1.1',
      Array.from({ length: 3_000 }, (_, index) => `X-${index}: 1`),
    ),
  () => request('GET / HTTP/1.1', ['Host: evil.example.com']),
  () => request('GET / HTTP/1.1', ['Transfer-Encoding: chunked', 'Content-Length: 5'], 'zzzz\r\n'),
  (noise) =>
    request(`POST ${TRPC} HTTP/1.1`, ['Content-Type: application/json', `Content-Length: ${noise.length}`], Buffer.from(noise, 'latin1')),
  () => request(`POST ${TRPC} HTTP/1.1`, ['Content-Type: application/json', 'Content-Length: 100000'], 'x'.repeat(100_000)),
  () => request(`POST ${TRPC} HTTP/1.1`, ['Content-Type: multipart/form-data; boundary=x', 'Content-Length: 100000'], 'x'.repeat(100_000)),
  () => request(`POST ${TRPC} HTTP/1.1`, ['Content-Type: application/json', 'Content-Length: 999999999'], '{'),
  () => request(`POST ${TRPC} HTTP/1.1`, ['Expect: 100-continue', 'Content-Length: 3'], '{}'),
  () => request('GET /metrics HTTP/1.1', ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Key: x']),
  () => Buffer.concat(Array.from({ length: 20 }, () => Buffer.from(`GET ${TRPC} HTTP/1.1\r\nHost: localhost\r\n\r\n`))),
  () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]),
  () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
];

function noiseOf(random: RandomSource): string {
  return Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256))).toString('latin1');
}

const SEED = 20_251_123;

describe('after hostile requests the server still serves:', () => {
  it('10 000 of every kind', { timeout: 120_000 }, async () => {
    const errors: unknown[] = [];
    await using fixture = await createPoolOnDatabase();
    await using server = await serve({ pools: fixture.pool, onError: (error) => errors.push(error) });
    const random = seededRandom(SEED);
    const statuses = new Map<string, number>();
    for (let sent = 0; sent < 10_000; sent += 50) {
      const answers = Array.from({ length: 50 }, (_, index) => {
        const nuisance = NUISANCES[(sent + index) % NUISANCES.length]!;
        return exchange(server.address, nuisance(noiseOf(random)));
      });
      for (const answer of await Promise.all(answers)) {
        expect(answer).not.toMatch(/node_modules|at .*\.[jt]s:\d|root:x:/);
        const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 'none';
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    }
    expect(errors).toEqual([]);
    expect([...statuses.keys()].filter((status) => status.startsWith('5'))).toEqual([]);
    expect(statuses.get('400')).toBeGreaterThan(100);
    expect(statuses.get('431')).toBeGreaterThan(0);
    expect(await statusesOf(server)).toEqual(ALL_WELL);
  });

  it('bodies that are too large', async () => {
    await using server = await serve({ pools: [] });
    const url = `${server.url}${TRPC}`;
    const body = JSON.stringify({ pool: 'x'.repeat(20_000) });
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ error: { data: { code: 'PAYLOAD_TOO_LARGE' } } });
  });

  it('batches of 1 000 calls', async () => {
    await using fixture = await createPoolOnDatabase();
    await using server = await serve({ pools: fixture.pool });
    const ask = (count: number): Promise<Response> =>
      fetch(`${server.url}/api/trpc/${Array.from({ length: count }, () => 'monitoring.connectionPoolHealth').join(',')}?batch=1`);
    expect((await ask(1_000)).status).toBeGreaterThanOrEqual(400);
    // Short names, so that the path is not what is refused.
    const many = await fetch(`${server.url}/api/trpc/${Array.from({ length: 1_000 }, () => 'x').join(',')}?batch=1`);
    expect(many.status).toBe(400);
    expect(await many.json()).toMatchObject({ error: { message: 'At most 50 calls may be in one batch' } });
    const allowed = await ask(50);
    expect(allowed.status).toBe(200);
    expect(await allowed.json()).toHaveLength(50);
    await waitFor('no connection to be left', () => fixture.pool.summary().used === 0);
    expect(await statusesOf(server)).toEqual(ALL_WELL);
  });

  it('more connections than it takes, and clients that leave in the middle', async () => {
    await using fixture = await createPoolOnDatabase();
    await using server = await serve({ pools: fixture.pool });
    const sockets: Socket[] = [];
    for (let count = 0; count < 400; count += 1) {
      const socket = connect(server.address);
      socket.on('error', () => undefined);
      socket.write(`GET ${TRPC} HTTP/1.1\r\nHost: local`);
      sockets.push(socket);
    }
    await Promise.all(sockets.filter((socket) => socket.connecting).map((socket) => once(socket, 'connect').catch(() => undefined)));
    for (const socket of sockets) socket.resetAndDestroy();
    await waitFor('the server to answer again', async () => (await fetch(`${server.url}/healthz`).catch(() => undefined))?.status === 200);
    expect(await statusesOf(server)).toEqual(ALL_WELL);
  });

  it('clients that leave before the answer', async () => {
    await using fixture = await createPoolOnDatabase({ connectionLimit: 2 });
    await using server = await serve({ pools: fixture.pool });
    const url = `${server.url}${TRPC}?input=${encodeURIComponent('{"deep":true}')}`;
    await Promise.all(
      Array.from({ length: 200 }, async () => {
        const controller = new AbortController();
        const response = fetch(url, { signal: controller.signal });
        setImmediate(() => controller.abort());
        await response.catch(() => undefined);
      }),
    );
    await waitFor('no connection to be left', () => fixture.pool.summary().used + fixture.pool.summary().waiting === 0);
    expect(await statusesOf(server)).toEqual(ALL_WELL);
  });

  it('many probes at the same time', async () => {
    await using postgres = await startPostgres();
    await using bouncer = await startPgBouncer(postgres);
    await using fixture = await createPoolOnDatabase();
    await using server = await serve({ pools: fixture.pool, pgbouncer: bouncer.url() });
    const url = `${server.url}/api/trpc/monitoring.pgbouncerAvailable`;
    const answers = await Promise.all(Array.from({ length: 200 }, async () => await (await fetch(url)).text()));
    for (const answer of answers) expect(JSON.parse(answer)).toMatchObject({ result: { data: { reason: 'ok' } } });
    // Each that was really made took another time; one serves for a second.
    expect(new Set(answers).size).toBeLessThan(20);
    expect(await statusesOf(server)).toEqual(ALL_WELL);
  });
});

it('no password and no token is in any response, nor in what the live feed pushes', { timeout: 60_000 }, async () => {
  await using postgres = await startPostgres();
  await using bouncer = await startPgBouncer(postgres);
  await using fixture = await createPoolOnDatabase();
  const token = 'the-token-of-the-server';
  const wrong = bouncer.url('admin', { password: 'sesame-wrong' });
  const secrets = [fixture.database.password, bouncer.users.admin.password, bouncer.users.stats.password, 'sesame-wrong', token];
  const forms = secrets.flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64'),
  ]);

  for (const pgbouncer of [bouncer.url(), bouncer.url('stats'), wrong, postgres.url({ password: 'sesame-wrong' })]) {
    await using server = await serve({ pools: fixture.pool, pgbouncer, token });
    for (const headers of [{ authorization: `Bearer ${token}` }, { authorization: `Bearer x${token}` }, {}] as Record<string, string>[]) {
      for (const path of [
        '/',
        '/metrics',
        '/healthz',
        '/readyz',
        '/nothing',
        '/%',
        ...[
          'connectionPoolHealth',
          'connectionPoolStats',
          'connectionPoolMetrics',
          'pgbouncerAvailable',
          'slowQueries',
          'actionLog',
          'capabilities',
          'nothing',
        ].map((procedure) => `/api/trpc/monitoring.${procedure}`),
        `${TRPC}?input=${encodeURIComponent('{"deep":true}')}`,
        `${TRPC}?input=${encodeURIComponent('{"pool":"x"}')}`,
        `${TRPC}?input=7`,
      ]) {
        const response = await fetch(server.url + path, { headers });
        expect(response.status).not.toBe(429);
        const everything = JSON.stringify([...response.headers]) + (await response.text());
        expect(everything.length).toBeGreaterThan(50);
        for (const form of forms) expect(everything).not.toContain(form);
      }
    }
    const live = await fetch(`${server.url}/api/trpc/monitoring.live`, { headers: { authorization: `Bearer ${token}` } });
    const reader = live.body!.pipeThrough(new TextDecoderStream()).getReader();
    let heard = '';
    // The second message has what the probe of PgBouncer has found.
    while (heard.split('"incidents":').length < 3) heard += (await reader.read()).value ?? '';
    await reader.cancel();
    expect(heard).toContain('"borrowed":');
    for (const form of forms) expect(heard).not.toContain(form);
  }
});
