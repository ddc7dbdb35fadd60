import { spawn } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMariaDb } from '../../src/demo/mariadb-server.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';
import { freePort } from '../support/network/free-port.js';
import { waitFor } from '../support/wait-for.js';
import { createProject, type Project, type Running } from '../mirrors/support/project.js';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const PACKAGES = ['@trpc/server', 'csv-parse', 'drizzle-orm', 'express', 'fastify', 'libphonenumber-js', 'prom-client', 'validator', 'zod'];

let project: Project;
let database: TestDatabase;

beforeAll(async () => {
  project = await createProject();
  database = await createDatabase();
  for (const name of PACKAGES) await project.install(name);
  for (const example of ['package.json', 'contacts', 'trpc', 'hot-reload', 'serverless']) {
    await cp(join(EXAMPLES, example), join(project.folder, example), { recursive: true });
  }
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await project[Symbol.asyncDispose]();
});

/** Where a server says that it listens. */
async function addressOf(server: Running): Promise<string> {
  return await waitFor(
    'the server to listen',
    () => /listening on (http:\S+)/.exec(server.stdout)?.[1] ?? '',
    (address) => address !== '',
  );
}

async function json(url: string, options?: RequestInit): Promise<unknown> {
  const response = await fetch(url, options);
  return await response.json();
}

/** 50 000 people: one in ten writes the address in a way of their own, one in fifty has none that could be used. */
function csvOf(rows: number): string {
  const lines = Array.from({ length: rows }, (_, index) => {
    const email = index % 50 === 49 ? 'none' : `${index % 10 === 0 ? 'Person' : 'person'}.${index}@EXAMPLE.com`;
    const phone =
      index % 3 === 0 ? `0151 ${String(10_000_000 + index)}` : index % 3 === 1 ? `+1 213 373 ${String(1000 + (index % 9000))}` : 'unknown';
    return `"  Person   ${index} ",${email},${phone}`;
  });
  return ['name,email,phone', ...lines].join('\n');
}

describe('the contacts service, which knows nothing of Poolwright', () => {
  it('stores 50 000 cleaned rows over 20 connections, and gives them back, with no change but the hook', async () => {
    const monitor = `127.0.0.1:${await freePort()}`;
    const app = project.start('contacts/app.js', {
      flags: ['--import', 'poolwright/register'],
      environment: { DATABASE_URL: database.url(), PORT: '0', POOLWRIGHT_MONITOR: monitor },
      timeoutMs: 120_000,
    });
    try {
      const address = await addressOf(app);
      const file = { method: 'POST', headers: { 'content-type': 'text/csv' }, body: csvOf(50_000) };
      expect(await json(`${address}/contacts`, file)).toEqual({ received: 50_000, stored: 49_000, rejected: 1_000 });

      const [first] = (await json(`${address}/contacts?after=0`)) as { readonly id: number }[];
      expect(first?.id).toBeGreaterThan(0);
      expect(await json(`${address}/contacts/person.30@example.com`)).toMatchObject({
        name: 'Person 30',
        phone: '+4915110000030',
        country: 'DE',
      });
      expect(await json(`${address}/contacts/person.1@example.com`)).toMatchObject({ phone: '+12133731001', country: 'US' });
      expect(await json(`${address}/contacts/person.2@example.com`)).toMatchObject({ phone: null, country: null });
      expect((await fetch(`${address}/contacts/none`)).status).toBe(404);
      const countries = (await json(`${address}/countries`)) as { readonly contacts: number }[];
      expect(countries.reduce((sum, { contacts }) => sum + contacts, 0)).toBe(49_000);

      // What was stored is brought up to date, not stored twice.
      const again = { ...file, body: 'name,email,phone\nNew Name,PERSON.1@example.com,\n' };
      expect(await json(`${address}/contacts`, again)).toEqual({ received: 1, stored: 1, rejected: 0 });
      expect(await json(`${address}/contacts/person.1@example.com`)).toMatchObject({ name: 'New Name', phone: null });

      const metrics = await (await fetch(`http://${monitor}/metrics`)).text();
      expect(metrics).toMatch(/poolwright_connections_limit\{pool="[^"]+"\} 20\n/);
      const opened = Number(/poolwright_connections_opened_total\{pool="[^"]+"\} (\d+)/.exec(metrics)?.[1]);
      expect(opened).toBeGreaterThan(1);
      expect(opened).toBeLessThanOrEqual(20);
    } finally {
      app.kill('SIGTERM');
    }
    const { code, stdout, stderr } = await app.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^(poolwright: .*\n){2}$/) as string });
    expect(stdout).toContain('ended\n');
  });
});

describe('the tRPC server', () => {
  it('answers its own procedures, and those of the monitoring that it has mounted', async () => {
    const server = project.start('trpc/server.js', { environment: { DATABASE_URL: database.url(), PORT: '0' } });
    try {
      const address = await addressOf(server);
      const input = encodeURIComponent(JSON.stringify({ a: 40, b: 2 }));
      expect(await json(`${address}/add?input=${input}`)).toEqual({ result: { data: 42 } });
      expect(await json(`${address}/monitoring.connectionPoolHealth`)).toMatchObject({
        result: { data: { healthy: true, status: 'healthy' } },
      });
      expect(await json(`${address}/monitoring.connectionPoolStats`)).toMatchObject({ result: { data: { available: true } } });
    } finally {
      server.kill('SIGTERM');
    }
    const { code, stdout, stderr } = await server.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('ended\n');
  });
});

describe('hot reload', () => {
  it('leaves one pool, however often the module is evaluated', async () => {
    const { code, stdout, stderr } = await project.run('hot-reload/development-server.js', {
      environment: { DATABASE_URL: database.url() },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { reloads, pools, opened } = JSON.parse(stdout) as Record<string, number>;
    expect({ reloads, pools }).toEqual({ reloads: 100, pools: 1 });
    // The one that is lent, and the idle one that is kept ready.
    expect(opened).toBeLessThanOrEqual(2);
  });
});

describe('a serverless handler', () => {
  it('answers after it was frozen for longer than the server keeps connections', async () => {
    await using server = await startMariaDb({ arguments: ['--wait-timeout=1', '--max-connections=50'] });
    const { createConnection } = await import('mysql2/promise');
    const connectionsOfHandler = async (): Promise<number> => {
      const admin = await createConnection({
        host: server.host,
        port: server.port,
        user: server.adminUser,
        password: server.adminPassword,
      });
      const [rows] = await admin.query('SELECT COUNT(*) AS n FROM information_schema.processlist WHERE user = ?', [server.user]);
      await admin.end();
      return Number((rows as { n: number }[])[0]?.n);
    };
    const { PATH = '' } = process.env;
    const child = spawn(process.execPath, [join(project.folder, 'serverless/runtime.js')], {
      env: { PATH, DATABASE_URL: server.url() },
      timeout: 60_000,
    });
    const ended = new Promise<number | null>((resolve) => {
      child.once('close', resolve);
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const answers = (): string[] => output.split('\n').filter((line) => line !== '');
    try {
      const connections = new Set<unknown>();
      for (let request = 1; request <= 3; request += 1) {
        // In a frozen process it waits, together with the news that the connection was closed.
        child.stdin.write(`${JSON.stringify({ name: `request ${request}` })}\n`);
        child.kill('SIGCONT');
        await waitFor('the answer', () => answers().length === request);
        const { greeting, connection } = JSON.parse(answers()[request - 1] ?? '') as { greeting: string; connection: number };
        expect(greeting).toBe(`Hello, request ${request}`);
        connections.add(connection);
        child.kill('SIGSTOP');
        await waitFor('the server to close its connections', async () => (await connectionsOfHandler()) === 0);
      }
      expect(connections.size).toBe(3);
    } finally {
      child.kill('SIGCONT');
      child.stdin.end();
    }
    expect(await ended).toBe(0);
  });
});
