import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import type { PeerReport } from '../../src/monitor/peers/peers.js';
import type { MonitoringServer } from '../../src/monitor/server/server.js';
import { freePort } from '../support/network/free-port.js';
import { waitFor } from '../support/wait-for.js';
import { openPool } from '../support/pool-on-database.js';
import { exchange } from './support/raw-http.js';
import { serve } from './support/serve.js';

/** Something that listens where a process was expected, and remembers what it was asked. */
interface Impostor extends AsyncDisposable {
  readonly url: string;
  readonly asked: { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders }[];
}

async function startImpostor(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Impostor> {
  const asked: { method: string; path: string; headers: IncomingHttpHeaders }[] = [];
  const server = createServer((request, response) => {
    asked.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function sayNothing(_: IncomingMessage, response: ServerResponse): void {
  response.setHeader('content-type', 'application/json').end('{"result":{"data":null}}');
}

async function peersOf({ url }: Pick<MonitoringServer, 'url'>, headers: Record<string, string> = {}): Promise<readonly PeerReport[]> {
  const response = await fetch(`${url}/api/trpc/monitoring.processes`, { headers });
  const { result } = (await response.json()) as { readonly result: { readonly data: { readonly peers: readonly PeerReport[] } } };
  return result.data.peers;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const BOTH = { token: 'to-read', operateToken: 'to-operate' };

describe('monitoring.processes', () => {
  it('shows the processes that peers names: who they are, how their pools are, and why they cannot be asked', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders', connectionLimit: 7 });
    await using web = await startImpostor((_, response) => response.setHeader('content-type', 'text/html').end('<h1>It works!</h1>'));
    await using other = await serve({ pools: [], token: 'another' });
    const gone = await serve({ pools: fixture.pool, ...BOTH });
    const port = await freePort();
    const peers = [`http://127.0.0.1:${port}`, gone.url, other.url, web.url, `http://localhost:${await freePort()}/`];
    await using server = await serve({ pools: fixture.pool, ...BOTH, port, peers });

    const before = await peersOf(server, bearer('to-read'));
    // Its own address is among them, and is left out.
    expect(before.map(({ peer, state }) => [peer, state])).toEqual([
      [1, 'reachable'],
      [2, 'unauthorised'],
      [3, 'unknown'],
      [4, 'unreachable'],
    ]);
    expect(before[0]).toMatchObject({
      address: gone.url,
      message: '',
      process: { pid: process.pid, pools: [{ name: 'orders', status: 'healthy', used: 0, limit: 7, waiting: 0 }] },
    });
    expect(before[3]).toMatchObject({ process: null, seenAgoMs: null, message: expect.stringContaining('ECONNREFUSED') as string });
    expect(JSON.stringify(before)).not.toMatch(/to-read|to-operate|another-/);

    await gone.close();
    const stale = await waitFor(
      'the process to be stale',
      async () => (await peersOf(server, bearer('to-read')))[0]!,
      ({ state }) => state === 'stale',
    );
    expect(stale).toMatchObject({ process: { pools: [{ name: 'orders' }] }, seenAgoMs: expect.any(Number) as number });
  });

  it('needs the token, and is empty where no peers are named', async () => {
    await using server = await serve({ pools: [], ...BOTH });
    expect((await fetch(`${server.url}/api/trpc/monitoring.processes`)).status).toBe(401);
    expect(await peersOf(server, bearer('to-read'))).toEqual([]);
  });

  it('asks a process that refuses our token once a minute, not more: it would block our address', async () => {
    await using picky = await startImpostor((_, response) => response.writeHead(401, { 'content-type': 'application/json' }).end('{}'));
    await using server = await serve({ pools: [], ...BOTH, peers: [picky.url] });
    for (let round = 0; round < 5; round += 1) {
      await fetch(`${server.url}/api/peers/0/trpc/monitoring.live`, { headers: bearer('to-read') });
      expect(await peersOf(server, bearer('to-read'))).toMatchObject([{ state: 'unauthorised' }]);
    }
    expect(picky.asked).toHaveLength(1);
  });
});

describe('/api/peers', () => {
  it('passes on queries, actions and the live feed, with our own tokens, and reports to the audit log for whom', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    await using peer = await serve({ pools: fixture.pool, ...BOTH });
    await using server = await serve({ pools: [], ...BOTH, peers: [peer.url] });
    const api = `${server.url}/api/peers/0/trpc`;
    const stats = await fetch(`${api}/monitoring.connectionPoolStats?input=${encodeURIComponent('{"pool":"orders"}')}`, {
      headers: bearer('to-read'),
    });
    expect(await stats.json()).toMatchObject({ result: { data: { stats: { name: 'orders' } } } });
    const wrong = await fetch(`${api}/monitoring.connectionPoolStats?input=7`, { headers: bearer('to-read') });
    expect(wrong.status).toBe(400);

    const suspend = (token: string): Promise<Response> =>
      fetch(`${api}/monitoring.suspend`, {
        method: 'POST',
        headers: { ...bearer(token), 'content-type': 'application/json' },
        body: '{"pool":"orders"}',
      });
    expect((await suspend('to-read')).status).toBe(403);
    expect(fixture.pool.summary().state).toBe('running');
    expect((await suspend('to-operate')).status).toBe(200);
    expect(fixture.pool.summary().state).toBe('suspended');
    const log = await fetch(`${peer.url}/api/trpc/monitoring.actionLog`, { headers: bearer('to-read') });
    expect(await log.json()).toMatchObject({ result: { data: { actions: [{ by: '127.0.0.1 by way of 127.0.0.1', action: 'suspend' }] } } });

    const live = await fetch(`${api}/monitoring.live`, { headers: bearer('to-read') });
    expect(live.headers.get('content-type')).toBe('text/event-stream');
    const reader = live.body!.pipeThrough(new TextDecoderStream()).getReader();
    let heard = '';
    while (heard.split('"pools":').length < 3) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`The feed ended after: ${heard.slice(-500)}`);
      heard += value;
    }
    expect(heard).toContain('"name":"orders"');
    await reader.cancel();
  });

  it('ends the feed of a process that goes away, and says so afterwards', async () => {
    const peer = await serve({ pools: [] });
    await using server = await serve({ pools: [], peers: [peer.url] });
    const live = await fetch(`${server.url}/api/peers/0/trpc/monitoring.live`);
    const reader = live.body!.getReader();
    await reader.read();
    await peer.close();
    const ended = (async () => {
      while (!(await reader.read()).done);
    })().catch(() => undefined);
    await ended;
    const after = await fetch(`${server.url}/api/peers/0/trpc/monitoring.capabilities`);
    expect(after.status).toBe(502);
    expect(await after.json()).toMatchObject({
      error: { data: { code: 'BAD_GATEWAY' }, message: expect.stringContaining('ECONNREFUSED') },
    });
  });

  it('reaches nothing but the procedures of the processes that are named, for any request', async () => {
    await using target = await startImpostor(sayNothing);
    await using server = await serve({ pools: [], peers: [target.url] });
    const { port } = new URL(target.url);
    const hostile = [
      '/api/peers/1/trpc/monitoring.live',
      '/api/peers/-1/trpc/monitoring.live',
      '/api/peers/0x0/trpc/monitoring.live',
      '/api/peers/00000/trpc/monitoring.live',
      '/api/peers/__proto__/trpc/monitoring.live',
      `/api/peers/127.0.0.1:${port}/trpc/monitoring.live`,
      `/api/peers/http:%2f%2f127.0.0.1:${port}/trpc/monitoring.live`,
      '/api/peers/0/trpc/../../metrics',
      '/api/peers/0/trpc/..%2f..%2fmetrics',
      '/api/peers/0/trpc/%2e%2e/%2e%2e/metrics',
      '/api/peers/0/trpc//evil.example.com/x',
      '/api/peers/0/trpc/@evil.example.com',
      '/api/peers/0/trpc/monitoring.live/../x',
      '/api/peers/0/trpc/monitoring.live%0d%0aX-Injected:%201',
      '/api/peers/0/trpc/monitoring.live%3fx',
      '/api/peers/0/trpc/monitoring.__proto__',
      '/api/peers/0/trpc/',
      '/api/peers/0/metrics',
      '/api/peers/0',
    ];
    for (const path of hostile) {
      const answer = await exchange(server.address, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      expect(`${path}: ${answer}`).toMatch(/^\S+: HTTP\/1\.1 40[04] /);
    }
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']) {
      expect((await fetch(`${server.url}/api/peers/0/trpc/monitoring.live`, { method })).status).toBe(404);
    }
    const elsewhere = await fetch(`${server.url}/api/peers/0/trpc/monitoring.capabilities`, {
      headers: { origin: 'http://evil.example.com' },
    });
    expect(elsewhere.status).toBe(403);
    expect(target.asked).toEqual([]);

    const injected = await fetch(`${server.url}/api/peers/0/trpc/monitoring.process?input=%0d%0aX-Injected:1`);
    expect(injected.status).toBe(200);
    expect(target.asked).toMatchObject([{ method: 'GET', path: '/api/trpc/monitoring.process?input=%0d%0aX-Injected:1' }]);
    expect(target.asked[0]!.headers).not.toHaveProperty('x-injected');
  });

  it('passes on nothing of a client but what was asked, and nothing of an answer but data', async () => {
    await using target = await startImpostor((_, response) => {
      response
        .setHeader('content-type', 'application/json')
        .setHeader('set-cookie', 'session=1')
        .setHeader('content-security-policy', "default-src 'unsafe-inline'")
        .setHeader('access-control-allow-origin', '*')
        .end('{"result":{"data":1}}');
    });
    await using server = await serve({ pools: [], ...BOTH, peers: [target.url] });
    const answer = await fetch(`${server.url}/api/peers/0/trpc/monitoring.capabilities`, {
      headers: {
        ...bearer('to-read'),
        cookie: 'a=1',
        'x-forwarded-for': '6.6.6.6',
        'poolwright-operator': '6.6.6.6',
        'last-event-id': 'x\u00e9',
      },
    });
    expect(await answer.json()).toEqual({ result: { data: 1 } });
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
    const { headers } = target.asked[0]!;
    expect(headers['authorization']).toBe('Bearer to-read');
    for (const name of ['cookie', 'x-forwarded-for', 'poolwright-operator', 'last-event-id', 'origin'])
      expect(headers).not.toHaveProperty(name);

    // No token but its own, even where it wants none itself.
    await using open = await serve({ pools: [], peers: [target.url] });
    await fetch(`${open.url}/api/peers/0/trpc/monitoring.capabilities`, { headers: bearer('sesame-of-the-caller') });
    expect(target.asked[1]!.headers).not.toHaveProperty('authorization');
  });

  it('follows no redirect and shows no page of any server that answers there', async () => {
    await using secret = await startImpostor(sayNothing);
    await using redirecting = await startImpostor((_, response) => response.writeHead(307, { location: secret.url }).end());
    await using page = await startImpostor((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<script>alert(1)</script>'),
    );
    await using silent = await startImpostor((request) => request.socket.destroy());
    await using server = await serve({ pools: [], peers: [redirecting.url, page.url, silent.url] });
    for (const number of [0, 1, 2]) {
      const answer = await fetch(`${server.url}/api/peers/${number}/trpc/monitoring.capabilities`, { redirect: 'manual' });
      expect(answer.status).toBe(502);
      expect(await answer.text()).not.toContain('script');
      expect(answer.headers.get('location')).toBeNull();
    }
    expect(secret.asked).toEqual([]);
  });
});

describe('the option peers', () => {
  it('takes addresses without credentials, and never shows what was given', async () => {
    for (const wrong of [
      'http://user:sesame@127.0.0.1:9464',
      'http://127.0.0.1:9464/sesame',
      'http://127.0.0.1:9464/?sesame',
      'file:///sesame',
      'sesame',
    ]) {
      await expect(serve({ pools: [], peers: [wrong] })).rejects.toThrow(/^peers: each address must be like http:\/\/10\.0\.0\.2:9464/);
      await expect(serve({ pools: [], peers: [wrong] })).rejects.not.toThrow(/sesame/);
    }
    await expect(serve({ pools: [], peers: 'http://127.0.0.1:1' as never })).rejects.toThrow(/peers must be a list/);
    const many = Array.from({ length: 101 }, (_, port) => `http://127.0.0.1:${port + 1}`);
    await expect(serve({ pools: [], peers: many })).rejects.toThrow(/at most 100/);
  });

  it('comes from POOLWRIGHT_PEERS unless it is given', async () => {
    await using peer = await serve({ pools: [] });
    vi.stubEnv('POOLWRIGHT_PEERS', ` ${peer.url} ,`);
    try {
      await using server = await serve({ pools: [] });
      expect(await peersOf(server)).toMatchObject([{ address: peer.url, state: 'reachable' }]);
      await using other = await serve({ pools: [], peers: [] });
      expect(await peersOf(other)).toEqual([]);
      vi.stubEnv('POOLWRIGHT_PEERS', 'nonsense');
      await expect(serve({ pools: [] })).rejects.toThrow(/^POOLWRIGHT_PEERS: each address/);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
