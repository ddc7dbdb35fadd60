import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PrivateServer } from '../../src/demo/private-server.js';
import { waitFor } from '../support/wait-for.js';
import { createProject, type Project, type Running } from './support/project.js';
import { startServer } from '../support/sql-servers/this-server.js';

/**
 * A service as they are written for mysql2: it answers requests, and exports rows as mysql2's documentation shows it, with events, over a
 * connection that it has borrowed. It handles every error that it gets.
 */
const SERVICE = `
const mysql = require('mysql2');
const pool = mysql.createPool({ uri: process.env.TEST_URL, connectionLimit: 4 });

let running = true;
process.once('SIGTERM', () => {
  running = false;
  pool.end(() => console.log('ended'));
});

let served = 0;
let failed = 0;
function serve() {
  if (!running) return;
  pool.query('SELECT COUNT(*) FROM contacts', (error) => {
    if (error) failed += 1;
    else served += 1;
    if (served % 10 === 0) console.log('served ' + served + ', failed ' + failed);
    setTimeout(serve, 20);
  });
}

function exportContacts() {
  if (!running) return;
  pool.getConnection((error, connection) => {
    if (error) {
      setTimeout(exportContacts, 20);
      return;
    }
    // What an export prepares.
    setTimeout(() => {
      let rows = 0;
      connection.query('SELECT * FROM contacts')
        .on('error', () => { failed += 1; })
        .on('result', () => { rows += 1; })
        .on('end', () => {
          connection.release();
          console.log('exported ' + rows);
          setTimeout(exportContacts, 5);
        });
    }, 300);
  });
}

serve();
exportContacts();
exportContacts();
`;

let project: Project;
let server: PrivateServer;

beforeAll(async () => {
  project = await createProject();
  server = await startServer();
  await project.write('service.cjs', SERVICE);
  const { createPool } = await import('mysql2/promise');
  await using pool = createPool(server.url());
  await pool.query('CREATE TABLE contacts (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50))');
  await pool.query("INSERT INTO contacts (name) VALUES ('Ada'), ('Grace'), ('Edsger')");
});
afterAll(async () => {
  await server.stop();
  await project[Symbol.asyncDispose]();
});

async function startService(flags: readonly string[]): Promise<Running> {
  const service = project.start('service.cjs', { flags, environment: { TEST_URL: server.url() } });
  await waitFor('the service to work', () => service.stdout.includes('exported 3') && service.stdout.includes('served '));
  return service;
}

describe('a service that was written for mysql2, while its database restarts', () => {
  it('dies with mysql2’s own pool, of an error that none of its code can catch', async () => {
    // Its exports may also be in the middle of a statement then, and hang forever: that is not what is shown here.
    for (let attempt = 1; attempt <= 8; attempt += 1) {
      const service = await startService([]);
      await server.restart();
      const ending = await Promise.race([service.ended, new Promise<undefined>((resolve) => setTimeout(resolve, 10_000, undefined))]);
      if (ending !== undefined) {
        expect(ending.code).toBe(1);
        expect(ending.stderr).toContain("Can't add new command when connection is in closed state");
        return;
      }
      service.kill('SIGKILL');
      await service.ended;
    }
    throw new Error('It lived on eight times.');
  });

  it('lives on under register, and serves again', async () => {
    const service = await startService(['--import', 'poolwright/register']);
    await server.restart();
    const before = service.stdout.length;
    await waitFor('the service to serve and to export again', () =>
      /served \d+[\s\S]*exported 3[\s\S]*exported 3/.test(service.stdout.slice(before)),
    );
    service.kill('SIGTERM');
    const { code, stdout, stderr } = await service.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^poolwright: Poolwright .*\n$/) as string });
    expect(stdout).toContain('ended\n');
  });
});
