import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProject, type Project } from '../mirrors/support/project.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';

let project: Project;
let database: TestDatabase;
beforeAll(async () => {
  [project, database] = await Promise.all([createProject(), createDatabase()]);
});
afterAll(async () => {
  await project[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

describe('where strings may not become code, as on Cloudflare Workers', () => {
  const flags = ['--disallow-code-generation-from-strings'];
  const program = (options: string): string => `
    import { createPool } from 'poolwright';
    try { new Function('return 1'); console.log('not forbidden'); } catch { /* as it should be */ }
    const pool = createPool({ connectionLimit: 2, ${options} });
    const [asked] = await pool.query('SELECT ? AS n', [1]);
    const [prepared] = await pool.execute('SELECT ? AS n', [2]);
    const committed = await pool.transaction(async (tx) => (await tx.query('SELECT 3 AS n'))[0]);
    console.log(JSON.stringify([asked, prepared, committed].map((rows) => Number(rows[0].n))));
    await pool.end();
  `;

  it('`disableEval: true` answers query, execute and transaction', async () => {
    await project.write('worker.mjs', program('disableEval: true'));
    const ending = await project.run('worker.mjs', { flags, environment: { DATABASE_URL: database.url() } });
    expect(ending).toMatchObject({ code: 0, stdout: '[1,2,3]\n' });
  });

  it('without it the caller gets the error', async () => {
    await project.write('forbidden.mjs', program(''));
    const { code, stderr } = await project.run('forbidden.mjs', { flags, environment: { DATABASE_URL: database.url() } });
    expect(code).toBe(1);
    expect(stderr).toContain('Code generation from strings disallowed');
  });
});

describe('worker threads, as AWS Lambda Managed Instances use them', () => {
  it('each thread has a pool of its own, so the process has as many connections as all of them', async () => {
    await project.write(
      'thread.mjs',
      `
      import { parentPort } from 'node:worker_threads';
      import { createPool } from 'poolwright';
      const pool = createPool({ connectionLimit: 3, minIdle: 0 });
      const ask = async () => (await pool.query('SELECT CONNECTION_ID() AS id, SLEEP(0.2)'))[0][0].id;
      const ids = await Promise.all(Array.from({ length: 9 }, ask));
      parentPort.postMessage([...new Set(ids)]);
      parentPort.once('message', () => pool.end());
    `,
    );
    await project.write(
      'environment.mjs',
      `
      import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      const threads = [1, 2].map(() => new Worker(new URL('thread.mjs', import.meta.url)));
      const ids = (await Promise.all(threads.map((thread) => once(thread, 'message')))).flat(2);
      console.log(new Set(ids).size);
      threads[0].postMessage('end');
      await once(threads[0], 'exit');
      await threads[1].terminate();
    `,
    );
    const ending = await project.run('environment.mjs', { environment: { DATABASE_URL: database.url() } });
    expect(ending).toMatchObject({ code: 0, stdout: '6\n' });
    await expect.poll(() => database.serverConnections(), { timeout: 60_000 }).toBe(0);
  });
});
