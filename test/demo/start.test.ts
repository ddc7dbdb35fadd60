import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase } from '../support/servers/database.js';
import { freePort } from '../support/network/free-port.js';
import { waitFor } from '../support/wait-for.js';

const START = fileURLToPath(new URL('../../scripts/start.mjs', import.meta.url));

/** `npm start`, as its script runs it. */
class Start implements AsyncDisposable {
  readonly #child: ChildProcess;
  #output = '';

  constructor(parameters: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const { DATABASE_URL: _, POOLWRIGHT_TOKEN: __, PORT: ___, ...inherited } = process.env;
    this.#child = spawn(process.execPath, [START, ...parameters], {
      env: { ...inherited, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on('data', (data: Buffer) => (this.#output += data.toString()));
  }

  get output(): string {
    return this.#output;
  }

  says(text: string | RegExp): Promise<unknown> {
    const found = (): boolean => (typeof text === 'string' ? this.#output.includes(text) : text.test(this.#output));
    return waitFor(`the output to hold ${text}`, found, (value) => value);
  }

  async exit(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal !== undefined) this.#child.kill(signal);
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.exit('SIGTERM');
  }
}

describe('npm start', () => {
  it('serves real queries from a real MariaDB over TLS, says how it does, and leaves nothing behind', async () => {
    const port = await freePort();
    await using start = new Start(['--port', String(port), '--rate', '50']);
    await start.says(/\d+\/s {2}p50 /);
    // On a busy machine callers may wait at first, and the pool is degraded.
    const healthy = waitFor('a healthy pool', async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/trpc/monitoring.connectionPoolHealth`);
      expect(await answer.json()).toMatchObject({ result: { data: { healthy: true, status: 'healthy', poolType: 'application' } } });
      return true;
    });
    await healthy;
    const troubles = `http://127.0.0.1:${port}/demo/troubles`;
    const names = ['slow', 'leak', 'exhausted', 'database', 'failover'].map((name): unknown =>
      expect.objectContaining({ name, pool: name === 'failover' ? 'shop' : 'demo' }),
    );
    expect(await (await fetch(troubles)).json()).toEqual({ troubles: names, running: null });
    expect((await fetch(`${troubles}/nothing`, { method: 'POST' })).status).toBe(404);
    const staged = await fetch(`${troubles}/leak`, { method: 'POST' });
    expect([staged.status, await staged.json()]).toEqual([200, { troubles: names, running: 'leak' }]);
    expect((await fetch(`${troubles}/slow`, { method: 'POST' })).status).toBe(409);
    await start.says('Trouble: a borrower forgets to release.');
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toContain('poolwright_connections_limit{pool="reports"} 4');
    expect(metrics).toContain('poolwright_connections_limit{pool="demo"} 20');
    expect(start.output).toMatch(/^20 connections to .*MariaDB.*, TLSv1\.[23], certificate and host name verified\.$/m);
    expect(await start.exit('SIGTERM')).toBe(0);
    expect(start.output).toContain('The pool is drained.');
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow('fetch failed');
  });

  it('watches the database that DATABASE_URL names, and starts none', async () => {
    await using database = await createDatabase(inject('server'));
    const port = await freePort();
    await using start = new Start(['--port', String(port)], { DATABASE_URL: database.url() });
    await start.says('Monitoring: ');
    const answer = await fetch(`http://127.0.0.1:${port}/api/trpc/monitoring.connectionPoolStats`);
    expect(await answer.json()).toMatchObject({ result: { data: { stats: { options: { endpoint: { port: database.port } } } } } });
    expect(start.output).not.toContain('private MariaDB');
    expect(await start.exit('SIGINT')).toBe(0);
  });

  const secret = 'Qx7-secret-Zz';
  it.each<[string, Record<string, string>, string[], number, RegExp]>([
    ['a malformed URL', { DATABASE_URL: 'nonsense' }, [], 2, /POOL_OPTION_INVALID: DATABASE_URL is not a valid URL/],
    ['a closed port', { DATABASE_URL: `mysql://u:${secret}@127.0.0.1:1/x` }, [], 1, /POOL_CONNECT_FAILED: .*ECONNREFUSED/],
    [
      'a host that does not exist',
      { DATABASE_URL: `mysql://u:${secret}@nohost.invalid/x?ssl=false` },
      [],
      1,
      /POOL_CONNECT_FAILED: .*nohost\.invalid/,
    ],
    [
      'a limit that is no number',
      { DATABASE_URL: `mysql://u:${secret}@127.0.0.1/x?connectionLimit=ten` },
      [],
      2,
      /connectionLimit must be .*'ten'/,
    ],
    [
      'a minimum above the limit',
      { DATABASE_URL: `mysql://u:${secret}@127.0.0.1/x?minIdle=30` },
      [],
      2,
      /minIdle \(30\) must not be above connectionLimit \(20\)/,
    ],
    ['an unknown parameter', { DATABASE_URL: `mysql://u:${secret}@127.0.0.1/x?conectionLimit=3` }, [], 2, /Did you mean connectionLimit\?/],
    ['an address that others can reach, without a token', {}, ['--host', '0.0.0.0'], 2, /POOLWRIGHT_TOKEN/],
    ['an unknown flag', {}, ['--prot', '1'], 2, /--prot/],
    ['a rate that is no number', {}, ['--rate', 'ten'], 2, /--rate must be .*'ten'/],
  ])('ends with one clear error at once: %s', async (_, environment, parameters, code, message) => {
    await using start = new Start(['--port', String(await freePort()), ...parameters], environment);
    expect(await start.exit()).toBe(code);
    expect(start.output).toMatch(message);
    expect(start.output).not.toContain(secret);
    expect(start.output).not.toMatch(/^\s+at /m);
  });

  it('says that the password is wrong, without showing it', async () => {
    await using database = await createDatabase(inject('server'));
    const url = new URL(database.url());
    url.password = secret;
    await using start = new Start(['--port', String(await freePort())], { DATABASE_URL: url.href });
    expect(await start.exit()).toBe(1);
    expect(start.output).toMatch(/POOL_CONNECT_FAILED: .*Access denied/);
    expect(start.output).not.toContain(secret);
  });

  it('refuses an unsigned certificate', async () => {
    await using database = await createDatabase(inject('server'));
    await using start = new Start(['--port', String(await freePort())], { DATABASE_URL: `${database.url()}?ssl=true` });
    expect(await start.exit()).toBe(1);
    expect(start.output).toMatch(/POOL_CONNECT_FAILED: .*self-signed certificate/);
  });

  it('reports when its port is taken', async () => {
    const port = await freePort();
    await using first = new Start(['--port', String(port), '--rate', '0']);
    await first.says('Monitoring: ');
    await using second = new Start(['--port', String(port)]);
    expect(await second.exit()).toBe(1);
    expect(second.output).toMatch(/EADDRINUSE/);
  });
});
