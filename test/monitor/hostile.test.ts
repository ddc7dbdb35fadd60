import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { RandomSource } from '../../src/engine/contract/clock.js';
import type { MonitoringServer } from '../../src/monitor/server/server.js';
import { seededRandom } from '../engine/support/random.js';
import { startPgBouncer } from '../support/servers/pgbouncer.js';
import { startPostgres } from '../support/servers/postgres-server.js';
import { waitFor } from '../support/wait-for.js';
import { openPool } from '../support/pool-on-database.js';
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

function post(body: string): Buffer {
  return request(
    'POST /api/trpc/monitoring.evict HTTP/1.1',
    ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`],
    body,
  );
}

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
  (noise) => request(`GET /api/peers/${encodeURIComponent(noise)}/trpc/monitoring.live HTTP/1.1`),
  (noise) => request(`GET /api/peers/0/trpc/${encodeURIComponent(noise)}?${encodeURIComponent(noise)} HTTP/1.1`),
  () => request('GET /api/peers/0/trpc/../../../api/peers/0/trpc/monitoring.live HTTP/1.1'),
  () => post('{"__proto__":{"mayAct":true},"pool":"x"}'),
  () => post('{"constructor":{"prototype":{"mayAct":true}},"pool":"x"}'),
  () => post(`${'['.repeat(8_000)}${']'.repeat(8_000)}`),
  () => post(`{"pool":${'{"pool":'.repeat(1_500)}1${'}'.repeat(1_500)}}`),
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
  it('10 000 of every kind', async () => {
    const errors: unknown[] = [];
    await using fixture = await openPool({ minIdle: 1 });
    await using server = await serve({ pools: fixture.pool, peers: ['http://127.0.0.1:9'], onError: (error) => errors.push(error) });
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
    await using fixture = await openPool({ minIdle: 1 });
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
    await using fixture = await openPool({ minIdle: 1 });
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

  it('clients that send their headers, or a body, byte by byte', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    await using server = await serve({ pools: fixture.pool });
    const beginnings = [
      `GET ${TRPC} HTTP/1.1\r\nHost: localhost\r\n`,
      'POST /api/trpc/monitoring.evict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n',
    ];
    const sockets = Array.from({ length: 200 }, (_, index) => {
      const socket = connect(server.address);
      socket.on('error', () => undefined);
      socket.resume();
      socket.write(beginnings[index % 2] as string);
      return socket;
    });
    const drip = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write('X');
    }, 500);
    try {
      // Others are served meanwhile.
      expect(await statusesOf(server)).toEqual(ALL_WELL);
      await waitFor('all of them to be cut off', () => sockets.every((socket) => socket.closed));
    } finally {
      clearInterval(drip);
      for (const socket of sockets) socket.destroy();
    }
    expect(await statusesOf(server)).toEqual(ALL_WELL);
  });

  it('more listeners than it takes: listening clients continue, the rest are refused, and others may listen when they have gone', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    await using server = await serve({ pools: fixture.pool });
    const controller = new AbortController();
    const listen = async (): Promise<ReadableStreamDefaultReader<string>> => {
      const response = await fetch(`${server.url}/api/trpc/monitoring.live`, { signal: controller.signal });
      return response.body!.pipeThrough(new TextDecoderStream()).getReader();
    };
    /** What it hears until it hears a message of this kind. */
    const hears = async (reader: ReadableStreamDefaultReader<string>, what: RegExp): Promise<boolean> => {
      for (let heard = ''; !what.test(heard); ) {
        const { value, done } = await reader.read();
        if (done) return false;
        heard += value;
      }
      return true;
    };
    const readers = await Promise.all(Array.from({ length: 64 }, listen));
    for (const reader of readers) expect(await hears(reader, /"pools":/)).toBe(true);
    const refused = await Promise.all(Array.from({ length: 30 }, listen));
    for (const reader of refused) expect(await hears(reader, /At most 64 may listen/)).toBe(true);
    expect(await hears(readers[0]!, /"pools":/)).toBe(true);
    expect(await statusesOf(server)).toEqual(ALL_WELL);
    controller.abort();
    await waitFor('a place to be free', async () => {
      const response = await fetch(`${server.url}/api/trpc/monitoring.live`);
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      const isServed = await hears(reader, /"pools":|At most/);
      await reader.cancel();
      return isServed;
    });
  });

  it('clients that leave before the answer', async () => {
    await using fixture = await openPool({ minIdle: 1, connectionLimit: 2 });
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
    await using fixture = await openPool({ minIdle: 1 });
    await using server = await serve({ pools: fixture.pool, pgbouncer: bouncer.url() });
    const url = `${server.url}/api/trpc/monitoring.pgbouncerAvailable`;
    const answers = await Promise.all(Array.from({ length: 200 }, async () => await (await fetch(url)).text()));
    for (const answer of answers) expect(JSON.parse(answer)).toMatchObject({ result: { data: { reason: 'ok' } } });
    // Each that was really made took another time; one serves for a second.
    expect(new Set(answers).size).toBeLessThan(20);
    expect(await statusesOf(server)).toEqual(ALL_WELL);
  });
});

describe('no client gets more than its token allows', () => {
  it('by properties of all objects, in a body, a query or an input', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    await using server = await serve({ pools: fixture.pool, token: 'to-read', operateToken: 'to-act' });
    const headers = { authorization: 'Bearer to-read', 'content-type': 'application/json' };
    const evict = `${server.url}/api/trpc/monitoring.evict`;
    for (const body of [
      '{"pool":"orders","__proto__":{"mayAct":true}}',
      '{"pool":"orders","constructor":{"prototype":{"mayAct":true}}}',
      '{"__proto__":{"pool":"orders","mayAct":true}}',
    ]) {
      expect((await fetch(evict, { method: 'POST', headers, body })).status).toBeGreaterThanOrEqual(400);
      const url = `${server.url}/api/trpc/monitoring.connectionPoolHealth?input=${encodeURIComponent(body)}`;
      await fetch(url, { headers });
    }
    await fetch(`${server.url}/api/trpc/monitoring.capabilities?__proto__[mayAct]=true&constructor[prototype][mayAct]=true`, { headers });
    expect(({} as { readonly mayAct?: unknown }).mayAct).toBeUndefined();
    const capabilities = await fetch(`${server.url}/api/trpc/monitoring.capabilities`, { headers });
    expect(await capabilities.json()).toMatchObject({ result: { data: { mayAct: false } } });
  });

  it('by saying that they come from elsewhere: wrong tokens are counted by the address that sends them', async () => {
    await using server = await serve({ pools: [], token: 'to-read' });
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 25; attempt += 1) {
      const headers = {
        authorization: `Bearer guess-${attempt}`,
        'x-forwarded-for': `10.0.0.${attempt}`,
        forwarded: `for=10.0.1.${attempt}`,
      };
      statuses.push((await fetch(`${server.url}/metrics`, { headers })).status);
    }
    expect(statuses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 401));
    expect(statuses.slice(20)).toEqual(Array.from({ length: 5 }, () => 429));
  });

  it('by a page elsewhere that posts as forms do', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    await using server = await serve({ pools: fixture.pool, operateToken: 'to-act' });
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json']) {
      const answer = await fetch(`${server.url}/api/trpc/monitoring.suspend`, {
        method: 'POST',
        headers: { 'content-type': type, origin: 'http://evil.example.com', authorization: 'Bearer to-act' },
        body: '{"pool":"orders"}',
      });
      expect(answer.status).toBe(403);
    }
    expect(fixture.pool.summary().state).toBe('running');
  });
});

it('no password and no token is in any response, nor in what the live feed pushes', async () => {
  await using postgres = await startPostgres();
  await using bouncer = await startPgBouncer(postgres);
  await using fixture = await openPool({ minIdle: 1 });
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
    const paths = [
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
        'process',
        'processes',
        'circuitBreakers',
        'cacheStats',
        'topology',
        'incidents',
        'history',
        'nothing',
      ].map((procedure) => `/api/trpc/monitoring.${procedure}`),
      `${TRPC}?input=${encodeURIComponent('{"deep":true}')}`,
      `${TRPC}?input=${encodeURIComponent('{"pool":"x"}')}`,
      `${TRPC}?input=7`,
    ];
    for (const headers of [{ authorization: `Bearer ${token}` }, { authorization: `Bearer x${token}` }, {}] as Record<string, string>[]) {
      // An address may send only so many wrong tokens.
      for (const path of headers['authorization']?.startsWith('Bearer x') === true ? paths.slice(4) : paths) {
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
    while (heard.split('"events":').length < 3) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`The feed ended after: ${heard.slice(-500)}`);
      heard += value;
    }
    await reader.cancel();
    expect(heard).toContain('"borrowed":');
    for (const form of forms) expect(heard).not.toContain(form);
  }
});
