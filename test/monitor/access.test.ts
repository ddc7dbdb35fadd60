import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bearerCheck, hostCheck, isSameOrigin } from '../../src/monitor/server/access.js';
import { FailedLogins } from '../../src/monitor/server/failed-logins.js';
import { startMonitoringServer } from '../../src/monitor/server/server.js';
import { openPool } from '../support/pool-on-database.js';
import { exchange } from './support/raw-http.js';
import { serve } from './support/serve.js';

const PATHS = ['/metrics', '/api/trpc/monitoring.connectionPoolHealth', '/nothing'] as const;

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a bearer token', () => {
  it('is accepted in any case of its scheme, and nothing else is', () => {
    const isAuthorized = bearerCheck('sesame');
    for (const header of ['Bearer sesame', 'bearer sesame', 'BEARER  sesame ']) expect(isAuthorized(header)).toBe(true);
    for (const header of [
      undefined,
      '',
      'sesame',
      'Bearer',
      'Bearer ',
      'Bearer Sesame',
      'Bearer sesame x',
      'Basic sesame',
      'Bearer sesam',
      'xBearer sesame',
    ]) {
      expect(isAuthorized(header)).toBe(false);
    }
  });

  it('is needed for everything but the files of the dashboard, /healthz and /readyz', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    await using server = await serve({ pools: fixture.pool, token: 'sesame-123' });
    const status = async (path: string, authorization?: string): Promise<number> =>
      (await fetch(server.url + path, authorization === undefined ? {} : { headers: { authorization } })).status;

    for (const path of PATHS) {
      for (const wrong of [undefined, 'Bearer wrong', 'Basic sesame-123']) {
        const response = await fetch(server.url + path, wrong === undefined ? {} : { headers: { authorization: wrong } });
        expect(response.status).toBe(401);
        expect(response.headers.get('www-authenticate')).toBe('Bearer realm="poolwright"');
        expect(await response.text()).not.toContain('sesame');
      }
      expect(await status(path, 'Bearer sesame-123')).toBe(path === '/nothing' ? 404 : 200);
    }
    for (const path of ['/', '/healthz', '/readyz']) expect(await status(path)).toBe(200);
  });

  it('comes from the environment unless it is given', async () => {
    vi.stubEnv('POOLWRIGHT_TOKEN', 'from-environment');
    await using server = await serve({ pools: [] });
    expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
    expect((await fetch(`${server.url}/metrics`, { headers: { authorization: 'Bearer from-environment' } })).status).toBe(200);
    await using other = await serve({ pools: [], token: 'given' });
    expect((await fetch(`${other.url}/metrics`, { headers: { authorization: 'Bearer from-environment' } })).status).toBe(401);
    expect((await fetch(`${other.url}/metrics`, { headers: { authorization: 'Bearer given' } })).status).toBe(200);
  });

  it('in the environment does not disturb pools', async () => {
    vi.stubEnv('POOLWRIGHT_TOKEN', 'from-environment');
    vi.stubEnv('PGBOUNCER_URL', 'postgresql://nowhere.invalid');
    await using fixture = await openPool({ minIdle: 1 });
    const [rows] = await fixture.pool.query('SELECT 1 AS one');
    expect(rows).toEqual([{ one: 1 }]);
  });

  it('that no header can carry is refused, and not shown', async () => {
    for (const token of ['', 'with space', 'sésame', 'line\nbreak', 123_456 as never]) {
      const attempt = startMonitoringServer({ pools: [], token, port: 0 });
      await expect(attempt).rejects.toMatchObject({
        code: 'POOL_OPTION_INVALID',
        message: expect.stringMatching(/^token must be/) as string,
      });
      await expect(attempt).rejects.not.toThrow(/with space|sésame|line|123/);
    }
    vi.stubEnv('POOLWRIGHT_TOKEN', 'with space');
    await expect(startMonitoringServer({ pools: [], port: 0 })).rejects.toThrow(/^POOLWRIGHT_TOKEN must be/);
  });
});

describe('the address', () => {
  it.each(['0.0.0.0', '::', '192.0.2.1', 'db.example.com'])('%s is not listened on without a token', async (host) => {
    vi.stubEnv('POOLWRIGHT_TOKEN', '');
    await expect(startMonitoringServer({ pools: [], host, port: 0 })).rejects.toMatchObject({
      code: 'POOL_OPTION_INVALID',
      message: expect.stringMatching(/^host '.*token.*POOLWRIGHT_TOKEN.*127\.0\.0\.1/) as string,
    });
  });

  it('0.0.0.0 is listened on with one, and answers under every name', async () => {
    await using server = await serve({ pools: [], host: '0.0.0.0', token: 'sesame' });
    expect(server.url).toBe(`http://localhost:${server.address.port}`);
    const url = `http://127.0.0.1:${server.address.port}`;
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
    expect((await fetch(`${url}/metrics`, { headers: { authorization: 'Bearer sesame' } })).status).toBe(200);
    const answer = await exchange(
      { host: '127.0.0.1', port: server.address.port },
      'GET /healthz HTTP/1.1\r\nHost: any.example.com\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each(['localhost', '127.0.0.1', '127.0.0.9', '::1'])('%s needs none', async (host) => {
    await using server = await serve({ pools: [], host });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it('that is taken is an error that says so', async () => {
    await using server = await serve({ pools: [] });
    const { port } = server.address;
    await expect(serve({ pools: [], port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: `The monitoring server cannot listen on 127.0.0.1:${port}: another program listens there; choose another port, or 0 for a free one.`,
    });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  it('that this machine does not have is an error with the code of the system', async () => {
    await expect(serve({ pools: [], host: '192.0.2.1', token: 'sesame' })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
  });

  it('is listened on by this machine only, by default', async () => {
    await using server = await startMonitoringServer({ pools: [], port: 0, pgbouncer: false });
    expect(server.address.host).toBe('127.0.0.1');
    const reached = await new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.2', port: server.address.port });
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    expect(reached).toBe(false);
  });
});

describe('the name by which the server is asked for', () => {
  it('is a loopback name or one that is allowed', () => {
    const isOurs = hostCheck(['Metrics.Internal', '[fe80::1]']);
    for (const host of [
      'localhost',
      'LOCALHOST:9464',
      '127.0.0.1:1',
      '[::1]',
      '[::1]:9464',
      'metrics.internal',
      'metrics.internal:80',
      '[fe80::1]:1',
    ]) {
      expect(isOurs(host)).toBe(true);
    }
    for (const host of [
      undefined,
      '',
      ':80',
      'evil.example.com',
      'localhost.evil.com',
      'evil.com:localhost',
      '127.0.0.1.evil.com',
      'localhost:',
      '::1',
      '127.0.0.2',
      'localhost,evil.com',
    ]) {
      expect(isOurs(host)).toBe(false);
    }
  });

  it('protects a loopback server against DNS rebinding', async () => {
    await using server = await serve({ pools: [], allowedHosts: ['monitor.test'] });
    const statusFor = async (path: string, host: string): Promise<string | undefined> =>
      (await exchange(server.address, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).split(' ')[1];
    for (const path of [...PATHS, '/healthz', '/readyz']) {
      expect(await statusFor(path, 'evil.example.com')).toBe('403');
    }
    expect(await statusFor('/healthz', 'monitor.test:80')).toBe('200');
    expect(await statusFor('/healthz', `localhost:${server.address.port}`)).toBe('200');
  });

  it('is checked elsewhere too when names are given', async () => {
    await using server = await serve({ pools: [], host: '0.0.0.0', token: 'sesame', allowedHosts: ['monitor.test'] });
    const address = { host: '127.0.0.1', port: server.address.port };
    const answer = await exchange(address, 'GET /healthz HTTP/1.1\r\nHost: evil.example.com\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('a token to operate', () => {
  it('must not be the one to read with', async () => {
    await expect(startMonitoringServer({ pools: [], port: 0, token: 'same', operateToken: 'same' })).rejects.toThrow(/must differ/);
  });

  it('reads, too, and without another one every user of this machine may read', async () => {
    await using both = await serve({ pools: [], token: 'read-1', operateToken: 'operate-1' });
    const status = async (url: string, token?: string): Promise<number> =>
      (await fetch(`${url}/metrics`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })).status;
    expect([await status(both.url), await status(both.url, 'read-1'), await status(both.url, 'operate-1')]).toEqual([401, 200, 200]);
    vi.stubEnv('POOLWRIGHT_OPERATE_TOKEN', 'operate-2');
    await using open = await serve({ pools: [] });
    expect([await status(open.url), await status(open.url, 'operate-2'), await status(open.url, 'wrong')]).toEqual([200, 200, 401]);
  });

  it('alone is not enough to listen where others can connect', async () => {
    await expect(startMonitoringServer({ pools: [], host: '0.0.0.0', port: 0, operateToken: 'operate-1' })).rejects.toThrow(
      /no token is set/,
    );
  });
});

describe('wrong tokens', () => {
  it('are not listened to any more after 20 in a minute, nor are right ones of the same address', async () => {
    await using server = await serve({ pools: [], token: 'sesame' });
    const ask = (token?: string): Promise<Response> =>
      fetch(`${server.url}/metrics`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
    for (let attempt = 0; attempt < 20; attempt += 1) expect((await ask(`guess-${attempt}`)).status).toBe(401);
    for (const token of ['guess', 'sesame']) {
      const response = await ask(token);
      expect(response.status).toBe(429);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(60);
      expect(await response.json()).toMatchObject({ error: { data: { code: 'TOO_MANY_REQUESTS', httpStatus: 429 } } });
    }
    expect((await ask()).status).toBe(401);
    for (const path of ['/', '/healthz', '/readyz']) expect([200, 503]).toContain((await fetch(server.url + path)).status);
  });

  it('are counted by address, IPv6 ones by their network, and forgotten after a minute', () => {
    let now = 0;
    const logins = new FailedLogins(() => now);
    for (let count = 0; count < 20; count += 1) {
      logins.note('192.0.2.1');
      logins.note(`2001:db8:1:2:${count}::1`);
    }
    expect(logins.blockedForMs('192.0.2.1')).toBe(60_000);
    expect(logins.blockedForMs('192.0.2.2')).toBe(0);
    expect(logins.blockedForMs('2001:db8:1:2:ffff::9')).toBe(60_000);
    expect(logins.blockedForMs('2001:db8:1:3::9')).toBe(0);
    now = 60_000;
    expect(logins.blockedForMs('192.0.2.1')).toBe(0);
    logins.note('192.0.2.1');
    expect(logins.blockedForMs('192.0.2.1')).toBe(0);
  });
});

describe('pages of other sites', () => {
  it('are distinguished by what browsers say of them', () => {
    expect(isSameOrigin(undefined, 'localhost:9464', undefined)).toBe(true);
    expect(isSameOrigin('http://localhost:9464', 'localhost:9464', 'same-origin')).toBe(true);
    expect(isSameOrigin('https://Monitor.Test', 'monitor.test', undefined)).toBe(true);
    expect(isSameOrigin(undefined, 'localhost:9464', 'none')).toBe(true);
    for (const origin of ['http://localhost:3000', 'http://evil.example.com', 'null', '', 'http://localhost:9464.evil.com', 'file://']) {
      expect(isSameOrigin(origin, 'localhost:9464', undefined)).toBe(false);
    }
    expect(isSameOrigin(undefined, 'localhost:9464', 'cross-site')).toBe(false);
    expect(isSameOrigin('http://localhost:9464', 'localhost:9464', 'same-site')).toBe(false);
  });

  it('may ask for nothing but the files of the dashboard', async () => {
    await using server = await serve({ pools: [] });
    for (const headers of [{ origin: 'http://evil.example.com' }, { 'sec-fetch-site': 'cross-site' }] as Record<string, string>[]) {
      for (const path of PATHS) expect((await fetch(server.url + path, { headers })).status).toBe(403);
    }
    const action = await fetch(`${server.url}/api/trpc/monitoring.evict`, {
      method: 'POST',
      headers: { origin: 'http://evil.example.com', 'content-type': 'application/json' },
      body: '{"pool":"x"}',
    });
    expect(action.status).toBe(403);
  });
});

describe('options', () => {
  it.each([
    [{ pools: [], prot: 1 }, /Unknown option prot\. Did you mean port/],
    [{ pools: [], port: 65_536 }, /port must be a whole number from 0 to 65535; given: 65536/],
    [{ pools: [], port: 1.5 }, /port must be/],
    [{ pools: [], host: '' }, /host must be/],
    [{ pools: [], allowedHosts: 'localhost' }, /allowedHosts must be a list/],
    [{ pools: [], allowedHosts: ['http://x'] }, /allowedHosts must be a list.*given: 'http:\/\/x'/],
    [{ pools: [], onError: 1 }, /onError must be a function/],
    [{ port: 0 }, /pools must be/],
    [{ pools: [], pgbouncer: 'http://u:sesame@h' }, /^pgbouncer: The URL of PgBouncer is not valid/],
  ])('are refused when they are wrong: %o', async (options, words) => {
    const attempt = startMonitoringServer(options as never);
    await expect(attempt).rejects.toMatchObject({ code: 'POOL_OPTION_INVALID' });
    await expect(attempt).rejects.toThrow(words);
    await expect(attempt).rejects.not.toThrow(/sesame/);
  });
});

describe('every response', () => {
  it('has headers that keep browsers from guessing, storing, framing and running it', async () => {
    await using server = await serve({ pools: [], token: 'sesame' });
    const paths = [...PATHS, '/healthz', '/readyz', '/%', '/api/trpc/%ff'];
    for (const path of paths) {
      const { headers } = await fetch(server.url + path);
      expect([path, headers.get('x-content-type-options')]).toEqual([path, 'nosniff']);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });
});
