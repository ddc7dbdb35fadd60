import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { createProject, type Project, type Running } from '../mirrors/support/project.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';
import { waitFor } from '../support/wait-for.js';

/** A service as there are many: HTTP in front, mysql2's promise pool behind, and an orderly end at SIGTERM. */
const service = (specifier: string): string => `
import { createServer } from 'node:http';
import mysql from '${specifier}';

const pool = mysql.createPool({ uri: process.env.DATABASE_URL, connectionLimit: 5 });
const server = createServer(async (request, response) => {
  response.setHeader('pool', typeof pool.stats === 'function' ? 'poolwright' : 'mysql2');
  try {
    const connection = await pool.getConnection();
    try {
      await connection.beginTransaction();
      await connection.execute('INSERT INTO served (request) VALUES (?)', [request.url]);
      const [rows] = await connection.query('SELECT COUNT(*) AS n FROM served WHERE request = ?', [request.url]);
      await connection.commit();
      response.end(String(rows[0].n));
    } finally {
      connection.release();
    }
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error));
  }
});
server.listen(0, '127.0.0.1', () => console.log('port', server.address().port));
process.once('SIGTERM', () => server.close(() => pool.end()));
`;

interface Answer {
  readonly status: number;
  readonly pool: string;
  readonly body: string;
}

async function ask(port: number, path: string): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, pool: String(response.headers['pool']), body }), reject);
    });
    call.on('error', reject);
    call.end();
  });
}

/** One process of the service. */
interface Instance {
  readonly port: number;
  readonly process: Running;
  /** Requests that it has not answered yet. */
  underWay: number;
}

async function launch(project: Project, file: string, flags: readonly string[], database: TestDatabase): Promise<Instance> {
  const process = project.start(file, { flags, environment: { DATABASE_URL: database.url() }, timeoutMs: 120_000 });
  await waitFor('the service to listen', () => /port \d+/.test(process.stdout));
  return { port: Number(/port (\d+)/.exec(process.stdout)?.[1]), process, underWay: 0 };
}

/** Clients that ask without a pause; what a load balancer does is in `moveTo`. */
class Traffic {
  #target: Instance;
  #stopped = false;
  #requests = 0;
  readonly failures: string[] = [];
  readonly served: Record<string, number> = {};
  readonly #clients: Promise<void>[];

  constructor(first: Instance, clients: number) {
    this.#target = first;
    this.#clients = Array.from({ length: clients }, () => this.#client());
  }

  get answered(): number {
    return Object.values(this.served).reduce((sum, count) => sum + count, 0);
  }

  /** New requests go to another process; the old one ends when it has answered the requests that it has. */
  async moveTo(next: Instance): Promise<void> {
    const old = this.#target;
    this.#target = next;
    await waitFor('the old process to have answered', () => old.underWay === 0);
    old.process.kill('SIGTERM');
    expect((await old.process.ended).code).toBe(0);
  }

  /** Until that many more requests were answered. */
  async flow(count: number): Promise<void> {
    const until = this.answered + count;
    await waitFor('requests to be answered', () => this.answered >= until || this.failures.length > 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  async #client(): Promise<void> {
    while (!this.#stopped) {
      const instance = this.#target;
      this.#requests += 1;
      instance.underWay += 1;
      try {
        const { status, pool, body } = await ask(instance.port, `/${this.#requests}`);
        if (status === 200 && body === '1') this.served[pool] = (this.served[pool] ?? 0) + 1;
        else this.failures.push(`${pool} answered ${status}: ${body}`);
      } catch (error) {
        this.failures.push(String(error));
      } finally {
        instance.underWay -= 1;
      }
    }
  }
}

describe('with traffic running, a service goes over to Poolwright and back, and loses no request', () => {
  it.each([
    ['by the import', { file: 'managed.mjs', flags: [] }],
    ['by the flag --import poolwright/register', { file: 'plain.mjs', flags: ['--import', 'poolwright/register'] }],
  ])('%s', async (_, managed) => {
    await using database = await createDatabase();
    await database.admin('CREATE TABLE served (id INT AUTO_INCREMENT PRIMARY KEY, request VARCHAR(20) NOT NULL)');
    await using project = await createProject();
    await project.write('plain.mjs', service('mysql2/promise'));
    await project.write('managed.mjs', service('poolwright/mysql2/promise'));

    const before = await launch(project, 'plain.mjs', [], database);
    const traffic = new Traffic(before, 8);
    await traffic.flow(50);
    const during = await launch(project, managed.file, managed.flags, database);
    await traffic.moveTo(during);
    await traffic.flow(100);
    const after = await launch(project, 'plain.mjs', [], database);
    await traffic.moveTo(after);
    await traffic.flow(50);
    await traffic.stop();
    after.process.kill('SIGTERM');
    expect((await after.process.ended).code).toBe(0);

    expect(traffic.failures).toEqual([]);
    expect(traffic.served).toEqual({ mysql2: expect.any(Number) as number, poolwright: expect.any(Number) as number });
    // Each answer stands for one row: nothing was lost, nothing done twice.
    const [row] = await database.admin('SELECT COUNT(*) AS n, COUNT(DISTINCT request) AS different FROM served');
    expect(row).toEqual({ n: traffic.answered, different: traffic.answered });
    expect(await database.serverConnections()).toBe(0);
  });
});
