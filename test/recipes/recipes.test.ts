import { once } from 'node:events';
import { connect } from 'node:net';
import { Queue } from 'bullmq';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { read } from '../docs/table-in.js';
import { createProject, type Project, type RunOptions } from '../mirrors/support/project.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';
import { freePort } from '../support/network/free-port.js';
import { startRedis } from '../support/servers/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import { sequence } from '../support/sql-servers/sequence.js';

/** The programs of docs/recipes.md, each under its heading. */
const PROGRAMS: ReadonlyMap<string, string> = new Map(
  read('docs/recipes.md')
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const program = /^```ts\n([\s\S]*?)^```$/m.exec(section)?.[1];
      return program === undefined ? [] : [[section.slice(0, section.indexOf('\n')), program] as const];
    }),
);

const PACKAGES = ['@nestjs/common', '@nestjs/core', '@trpc/server', 'bullmq', 'express', 'fastify', 'reflect-metadata', 'zod'];

const tried = new Set<string>();

let project: Project;
let database: TestDatabase;

beforeAll(async () => {
  project = await createProject();
  for (const name of PACKAGES) await project.install(name);
  database = await createDatabase();
  await database.admin(/^```sql\n([\s\S]*?)^```$/m.exec(read('docs/recipes.md'))?.[1] ?? '');
  await database.admin('INSERT INTO orders (customer, total) VALUES (7, 12.5), (8, 1)');
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await project[Symbol.asyncDispose]();
});

/** Writes the program of a recipe into the project, without its types, and with what a user of it would add. */
async function written(heading: string, addition = ''): Promise<string> {
  const program = PROGRAMS.get(heading);
  if (program === undefined) throw new Error(`docs/recipes.md has no program under "${heading}".`);
  tried.add(heading);
  const tsconfigRaw = { compilerOptions: { experimentalDecorators: true } };
  const { code } = await transform(`${program}\n${addition}`, { loader: 'ts', format: 'esm', target: 'node20', tsconfigRaw });
  const file = `${heading.toLowerCase().replaceAll(/\W+/g, '-')}.mjs`;
  await project.write(file, code);
  return file;
}

/** Runs the program of a recipe to its end, which must be a good one. Returns what it printed. */
async function outputOf(heading: string, addition = '', { environment = {}, flags = [] }: RunOptions = {}): Promise<string> {
  const file = await written(heading, addition);
  const { code, stdout, stderr } = await project.run(file, { flags, environment: { DATABASE_URL: database.url(), ...environment } });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** Starts the service of a recipe, does something with it, and ends it by SIGTERM. */
async function withService(heading: string, use: (address: string) => Promise<void>): Promise<void> {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const service = project.start(await written(heading), { environment: { DATABASE_URL: database.url(), PORT: String(port) } });
  try {
    const answers = (): Promise<boolean> =>
      fetch(address).then(
        () => true,
        () => false,
      );
    await waitFor('the service to answer', answers);
    // As load balancers and browsers do ahead of time.
    const silent = connect({ host: '127.0.0.1', port });
    await once(silent, 'connect');
    silent.on('error', () => undefined);
    await use(address);
  } finally {
    service.kill('SIGTERM');
  }
  const { code, stderr } = await service.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(await database.serverConnections()).toBe(0);
}

const running = async (): Promise<number> => (await database.processlist()).filter(({ command }) => command === 'Query').length;

describe.each(['Express', 'Fastify'])('the service on %s', (heading) => {
  it('answers, refuses what takes too long, stops what no caller waits for, and ends cleanly', async () => {
    await withService(heading, async (address) => {
      expect(await (await fetch(`${address}/orders/7`)).json()).toMatchObject([{ total: '12.50' }]);
      await using admin = await database.connectAsAdmin();
      await admin.query('LOCK TABLES orders WRITE');
      const overdue = await fetch(`${address}/orders/7`);
      expect({ status: overdue.status, again: overdue.headers.get('retry-after') }).toEqual({ status: 503, again: '1' });
      const leaving = new AbortController();
      const left = fetch(`${address}/orders/8`, { signal: leaving.signal }).catch((error: Error) => error.name);
      await waitFor('the statement to wait for the lock', running, (count) => count === 1);
      leaving.abort();
      expect(await left).toBe('AbortError');
      await waitFor('the statement to be stopped', running, (count) => count === 0);
      await admin.query('UNLOCK TABLES');
      expect((await fetch(`${address}/orders/8`)).status).toBe(200);
    });
  });
});

describe('the recipe for', () => {
  it('Next.js answers a request with a pool that is the same for every module', async () => {
    const use = `const { getPool: other } = await import('poolwright');
      const response = await GET(new Request('http://localhost/orders?customer=7'));
      console.log(JSON.stringify([await response.json(), other().stats().acquired]));`;
    expect(JSON.parse(await outputOf('Next.js', use))).toMatchObject([[{ total: '12.50' }], 1]);
  });

  it('NestJS injects the pool, and drains it at the end', async () => {
    expect(JSON.parse(await outputOf('NestJS'))).toMatchObject([{ total: '12.50' }]);
    expect(await database.serverConnections()).toBe(0);
  });

  it('tRPC answers a procedure', async () => {
    await withService('tRPC', async (address) => {
      const input = encodeURIComponent(JSON.stringify({ customer: 7 }));
      expect(await (await fetch(`${address}/orders?input=${input}`)).json()).toMatchObject({ result: { data: [{ total: '12.50' }] } });
    });
  });

  it('a job worker does each job once, and finishes what it has begun', async () => {
    await using redis = await startRedis();
    const worker = project.start(await written('A job worker'), { environment: { DATABASE_URL: database.url(), REDIS_URL: redis.url } });
    const queue = new Queue('invoices', { connection: { url: redis.url } });
    const completed = (count: number) =>
      waitFor(
        'the jobs to be done',
        () => queue.getCompletedCount(),
        (done) => done === count,
      );
    try {
      const jobs = Array.from({ length: 20 }, (_, index) => ({
        name: 'invoice',
        data: { customer: 9, total: index },
        opts: { jobId: `job ${index}` },
      }));
      await queue.addBulk(jobs);
      await completed(20);
      await queue.clean(0, 0, 'completed');
      await queue.addBulk(jobs);
      await completed(20);
    } finally {
      worker.kill('SIGTERM');
      await queue.close();
    }
    const { code, stderr } = await worker.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(await database.admin('SELECT COUNT(*) AS orders, SUM(total) AS total FROM orders WHERE customer = 9')).toEqual([
      { orders: 20, total: '190.00' },
    ]);
  });

  it('rows by the million stops half-way', async () => {
    await database.admin(`INSERT INTO orders (customer, total) SELECT 10, seq FROM ${sequence(5_000)}`);
    expect(await outputOf('Rows by the million')).toMatch(/^1[45]\d\d\n$/);
    expect(await database.serverConnections()).toBe(0);
  });

  it('AWS Lambda answers an event', async () => {
    const use = 'console.log(JSON.stringify([await handler({ customer: 7 }), await handler({ customer: 8 })]));';
    expect(JSON.parse(await outputOf('AWS Lambda', use))).toMatchObject([[{ total: '12.50' }], [{ total: '1.00' }]]);
  });

  it('read replicas asks the writer only while they are unreachable', async () => {
    await using writer = await createDatabase();
    await writer.admin('CREATE TABLE role AS SELECT "writer" AS name');
    await database.admin('CREATE TABLE role AS SELECT "reader" AS name');
    const use = `await write((tx) => tx.query('UPDATE role SET name = "wrote!"'));
      console.log(JSON.stringify(await read('SELECT name FROM role')), await read('SELECT oops').catch((error) => error.errno));`;
    const urls = { WRITER_URL: writer.url(), READERS_URL: database.url() };
    expect(await outputOf('Read replicas', use, { environment: urls })).toBe('[{"name":"reader"}] 1054\n');
    const nobody = `mysql://nobody@127.0.0.1:${await freePort()}/nothing`;
    expect(await outputOf('Read replicas', use, { environment: { ...urls, READERS_URL: nobody } })).toBe('[{"name":"wrote!"}] 1054\n');
  });

  it('many tenants lets no tenant wait for the many statements of another', async () => {
    const use = `
      const noisy = asTenant('noisy', () => Promise.all(Array.from({ length: 40 }, () => query('SELECT SLEEP(0.1)')))).then(() => 'noisy');
      const quiet = asTenant('quiet', () => query('SELECT ? AS answer', [42])).then(([row]) => row.answer);
      const first = await Promise.race([noisy, quiet]);
      let most = 0;
      const looking = setInterval(() => (most = Math.max(most, pool.summary().used)), 5);
      await noisy;
      clearInterval(looking);
      console.log(JSON.stringify({ first, most, ofNobody: await query('SELECT 1').catch(() => 'refused') }));`;
    const { first, most, ofNobody } = JSON.parse(await outputOf('Many tenants', use)) as Record<string, unknown>;
    expect({ first, ofNobody }).toEqual({ first: 42, ofNobody: 'refused' });
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(5);
  });

  it('tests leaves nothing behind', async () => {
    expect(await outputOf('Tests', '', { flags: ['--test'] })).toContain('pass 1');
    expect(await database.admin('SELECT COUNT(*) AS n FROM orders WHERE customer = 42')).toEqual([{ n: 0 }]);
  });
});

it('every program of the page is tried', () => {
  expect([...tried].toSorted()).toEqual([...PROGRAMS.keys()].toSorted());
});
