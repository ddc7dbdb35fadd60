import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TESTED_RANGE } from '../../src/register/versions.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';
import { freePort } from '../support/network/free-port.js';
import { waitFor } from '../support/wait-for.js';
import { createProject, type Ending, type Project } from './support/project.js';

const FLAG = ['--import', 'poolwright/register'];
const NOTICE = /^poolwright: Poolwright \S+ manages the pools of mysql2 3\.24\.\d+ \(POOLWRIGHT_QUIET=1 hides this line\)\n$/;

/** What an application finds of its pools. */
const REPORT = `
const report = async () => {
  const pool = promise.createPool({ uri: process.env.TEST_URL, connectionLimit: 2 });
  const callbackPool = mysql.createPool(process.env.TEST_URL);
  const cluster = mysql.createPoolCluster();
  const [rows] = await pool.query('SELECT 1 AS n');
  const [others] = await callbackPool.promise().query('SELECT 2 AS n');
  console.log(JSON.stringify({
    answers: [rows[0].n, others[0].n],
    managed: ['stats' in pool, 'stats' in callbackPool.promise(), cluster.constructor.name === 'ManagedPoolCluster'],
    own: [callbackPool instanceof mysql.Pool, pool instanceof promise.PromisePool, cluster instanceof mysql.PoolCluster],
  }));
  await pool.end();
  await new Promise((done) => callbackPool.end(done));
};
report().catch((error) => { console.error(error); process.exitCode = 1; });
`;

const MANAGED = { answers: [1, 2], managed: [true, true, true], own: [true, true, true] };
const NOT_MANAGED = { ...MANAGED, managed: [false, false, false] };

let project: Project;
let database: TestDatabase;
let environment: Record<string, string>;

beforeAll(async () => {
  project = await createProject();
  database = await createDatabase();
  environment = { TEST_URL: database.url() };
  for (const peer of ['fastify', '@trpc/server', 'zod', 'prom-client']) await project.install(peer);
  await project.write('app.cjs', `const mysql = require('mysql2');\nconst promise = require('mysql2/promise');\n${REPORT}`);
  await project.write('app.mjs', `import mysql from 'mysql2';\nimport promise from 'mysql2/promise';\n${REPORT}`);
  await project.write('names.mjs', `import * as mysql from 'mysql2';\nimport * as promise from 'mysql2/promise.js';\n${REPORT}`);
  await project.write('names.cjs', `const promise = require('mysql2/promise.js');\nconst mysql = require('mysql2');\n${REPORT}`);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await project[Symbol.asyncDispose]();
});

function reported({ code, stdout, stderr }: Ending): unknown {
  if (code !== 0) throw new Error(`It ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

describe('node --import poolwright/register', () => {
  it.each(['app.cjs', 'app.mjs', 'names.cjs', 'names.mjs'])('makes the pools of %s managed ones, and says so in one line', async (file) => {
    expect(reported(await project.run(file, { environment }))).toEqual(NOT_MANAGED);
    const ending = await project.run(file, { flags: FLAG, environment });
    expect(reported(ending)).toEqual(MANAGED);
    expect(ending.stderr).toMatch(NOTICE);
  });

  it.each([
    ['NODE_OPTIONS', { NODE_OPTIONS: FLAG.join(' ') }, []],
    ['--require', {}, ['--require', 'poolwright/register']],
    ['both, and twice', { NODE_OPTIONS: FLAG.join(' ') }, [...FLAG, ...FLAG]],
  ])('works through %s too', async (_, variables, flags) => {
    for (const file of ['app.cjs', 'app.mjs']) {
      const ending = await project.run(file, { flags, environment: { ...environment, ...variables } });
      expect(reported(ending)).toEqual(MANAGED);
      expect(ending.stderr).toMatch(NOTICE);
    }
  });

  it('works as the first import of the application', async () => {
    await project.write(
      'imports.mjs',
      `import 'poolwright/register';\nimport mysql from 'mysql2';\nimport promise from 'mysql2/promise';\n${REPORT}`,
    );
    expect(reported(await project.run('imports.mjs', { environment }))).toEqual(MANAGED);
  });

  it('works with tools that compile files on their way into Node, as those for TypeScript do', async () => {
    await project.write(
      'compiler.cjs',
      `const Module = require('node:module');
       const { readFileSync } = require('node:fs');
       Module._extensions['.js'] = (module, filename) => module._compile(readFileSync(filename, 'utf8'), filename);`,
    );
    const compiler = ['--import', './compiler.cjs'];
    for (const file of ['app.cjs', 'app.mjs']) {
      for (const flags of [
        [...compiler, ...FLAG],
        [...FLAG, ...compiler],
      ]) {
        expect(reported(await project.run(file, { flags, environment }))).toEqual(MANAGED);
      }
    }
  });

  it('reaches a mysql2 that was loaded before it', async () => {
    const ending = await project.run('app.cjs', { flags: ['--require', 'mysql2/promise', ...FLAG], environment });
    expect(reported(ending)).toEqual(MANAGED);
  });

  it('says nothing with POOLWRIGHT_QUIET=1', async () => {
    const ending = await project.run('app.mjs', { flags: FLAG, environment: { ...environment, POOLWRIGHT_QUIET: '1' } });
    expect(reported(ending)).toEqual(MANAGED);
    expect(ending.stderr).toBe('');
  });

  it('says with POOLWRIGHT_QUIET=1, too, what it could not do', async () => {
    const quiet = { ...environment, POOLWRIGHT_QUIET: '1', POOLWRIGHT_MONITOR: 'nonsense' };
    const { stderr } = await project.run('app.mjs', { flags: FLAG, environment: quiet });
    expect(stderr).toMatch(/^poolwright: the monitoring server did not start: POOLWRIGHT_MONITOR must be host:port[^\n]*\n$/);
  });

  it('takes options from the environment, and the code overrides them', async () => {
    await project.write(
      'options.cjs',
      `const { createPool } = require('mysql2/promise');
       const show = (pool) => console.log(JSON.stringify([pool.options.connectionLimit, pool.options.acquireTimeout, pool.options.hygiene]));
       show(createPool({ host: 'h' }));
       show(createPool({ host: 'h', connectionLimit: 3 }));`,
    );
    const variables = { POOLWRIGHT_CONNECTION_LIMIT: '40', POOLWRIGHT_ACQUIRE_TIMEOUT: '1500', POOLWRIGHT_HYGIENE: 'auto' };
    const { stdout } = await project.run('options.cjs', { flags: FLAG, environment: variables });
    expect(stdout).toBe('[40,1500,"auto"]\n[3,1500,"auto"]\n');
    const wrong = await project.run('options.cjs', { flags: FLAG, environment: { POOLWRIGHT_CONNECTION_LIMIT: 'many' } });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("connectionLimit must be a whole number from 1 to 100000; given: 'many'.");
  });

  it('lists the pools in pools() of poolwright', async () => {
    await project.write(
      'pools.mjs',
      `import { createPool } from 'mysql2/promise';
       import { pools } from 'poolwright';
       const pool = createPool({ host: 'db.example.com', database: 'shop' });
       console.log([...pools().keys()].join(), pools().get('shop@db.example.com:3306') === pool);
       await pool.end();
       console.log(pools().size);`,
    );
    expect((await project.run('pools.mjs', { flags: FLAG })).stdout).toBe('shop@db.example.com:3306 true\n0\n');
  });

  it('costs a program that uses no mysql2 nothing but a look at its files', async () => {
    await project.write('other.cjs', 'console.log(Object.keys(require.cache).length)');
    expect(await project.run('other.cjs', { flags: FLAG })).toEqual({ code: 0, stdout: '1\n', stderr: '' });
  });

  it('does not need a reader of stderr', async () => {
    await project.write(
      'closed.cjs',
      `require('node:fs').closeSync(2);\nconst mysql = require('mysql2');\nconst promise = require('mysql2/promise');\n${REPORT}`,
    );
    expect(reported(await project.run('closed.cjs', { flags: FLAG, environment }))).toEqual(MANAGED);
  });

  it('works in worker threads, and says it once', async () => {
    await project.write(
      'workers.cjs',
      `const { Worker } = require('node:worker_threads');
       require('mysql2');
       for (let number = 0; number < 2; number += 1) new Worker(require.resolve('./app.cjs'));`,
    );
    const { stdout, stderr } = await project.run('workers.cjs', { flags: FLAG, environment });
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([MANAGED, MANAGED]);
    expect(stderr).toMatch(NOTICE);
  });
});

describe('the mysql2 that is managed is the application’s', () => {
  it('even where Poolwright was installed without one, and in another version', async () => {
    await using elsewhere = await createProject({ mysql2: false });
    await elsewhere.write('application/app.cjs', await readFile(join(project.folder, 'app.cjs'), 'utf8'));
    await elsewhere.write('application/app.mjs', await readFile(join(project.folder, 'app.mjs'), 'utf8'));
    await elsewhere.install('mysql2-oldest', '../application/node_modules/mysql2');
    for (const file of ['application/app.cjs', 'application/app.mjs']) {
      const ending = await elsewhere.run(file, { flags: FLAG, environment });
      expect(reported(ending)).toEqual(MANAGED);
      expect(ending.stderr).toContain('manages the pools of mysql2 3.20.0 ');
    }
  });

  it.each(['mysql2', 'mysql2-oldest'])('sessions are reset without a new connection: %s', async (name) => {
    await using elsewhere = await createProject({ mysql2: false });
    await elsewhere.install(name, 'mysql2');
    await elsewhere.write(
      'session.mjs',
      `import { createPool } from 'mysql2/promise';
       const pool = createPool({ uri: process.env.TEST_URL, connectionLimit: 1 });
       await pool.execute('SET @left_behind = ?', [1]);
       const [before] = await pool.query('SELECT CONNECTION_ID() AS id');
       for (let time = 0; time < 3; time += 1) await pool.execute('SET @left_behind = ?', [time]);
       const [after] = await pool.query('SELECT CONNECTION_ID() AS id, @left_behind AS value');
       console.log(JSON.stringify([after[0].id === before[0].id, after[0].value, pool.stats().resets >= 4]));
       await pool.end();`,
    );
    const variables = { ...environment, POOLWRIGHT_HYGIENE: 'auto' };
    expect(reported(await elsewhere.run('session.mjs', { flags: FLAG, environment: variables }))).toEqual([true, null, true]);
  });

  it('two of them in one process are each bound to their own', async () => {
    await project.install('mysql2-oldest', 'mysql2-oldest');
    await project.write(
      'two.cjs',
      `const copies = [require('mysql2'), require('mysql2-oldest')];
       const pools = copies.map((mysql) => mysql.createPool(process.env.TEST_URL));
       const own = pools.map((pool, index) => copies.map((mysql, other) => (pool instanceof mysql.Pool) === (index === other)));
       Promise.all(pools.map((pool) => pool.promise().query('SELECT 1 AS n'))).then((results) => {
         console.log(JSON.stringify([own, results.map(([rows]) => rows[0].n), [...require('poolwright').pools().values()].length]));
         pools.forEach((pool) => pool.end());
       });`,
    );
    const ending = await project.run('two.cjs', { flags: FLAG, environment });
    expect(reported(ending)).toEqual([
      [
        [true, true],
        [true, true],
      ],
      [1, 1],
      2,
    ]);
    expect(ending.stderr).toMatch(NOTICE);
  });

  it('also under another name', async () => {
    await project.install('mysql2', 'mysql');
    await project.write('alias.cjs', `const mysql = require('mysql');\nconst promise = require('mysql/promise');\n${REPORT}`);
    expect(reported(await project.run('alias.cjs', { flags: FLAG, environment }))).toEqual(MANAGED);
  });
});

describe('what register does not touch', () => {
  it('a program for which no mysql2 is installed runs as before; one line says so', async () => {
    await using empty = await createProject({ mysql2: false });
    await empty.write('app.mjs', "console.log('runs')");
    const { code, stdout, stderr } = await empty.run('app.mjs', { flags: FLAG });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'runs\n' });
    expect(stderr).toBe('poolwright: no mysql2 is installed where this program looks for it, so nothing is changed\n');
  });

  it.each(['2.3.3', '3.19.1', '4.0.0', '3.30.0-rc.1'])(
    'mysql2 %s, with which it was not tested, stays as it is; one line says so',
    async (version) => {
      await using other = await createProject({ mysql2: false });
      await other.write('node_modules/mysql2/package.json', JSON.stringify({ name: 'mysql2', version, main: 'index.js' }));
      await other.write('node_modules/mysql2/index.js', "exports.createPool = () => 'its own';");
      await other.write('app.cjs', "console.log(require('mysql2').createPool(), require('mysql2').createPool());");
      const { stdout, stderr } = await other.run('app.cjs', { flags: FLAG, environment: { POOLWRIGHT_QUIET: '1' } });
      expect(stdout).toBe('its own its own\n');
      expect(stderr).toMatch(
        new RegExp(`^poolwright: mysql2 ${version} is left as it is: Poolwright \\S+ is tested with \\^3\\.20\\.0\\n$`),
      );
    },
  );

  it('a mysql2 on which Poolwright cannot build keeps its own pools; one line says so', async () => {
    await using other = await createProject({ mysql2: false });
    await other.write('node_modules/mysql2/package.json', JSON.stringify({ name: 'mysql2', version: '3.99.0', main: 'index.js' }));
    await other.write('node_modules/mysql2/index.js', "exports.createPool = () => 'its own'; exports.createPoolCluster = () => 'too';");
    await other.write('node_modules/mysql2/promise.js', "exports.createPool = () => 'its own';");
    await other.write('app.cjs', "console.log(require('mysql2').createPool(), require('mysql2').createPoolCluster());");
    const { code, stdout, stderr } = await other.run('app.cjs', { flags: FLAG });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'its own too\n' });
    expect(stderr.split('\n')).toEqual([expect.stringContaining('manages'), expect.stringContaining('because it cannot build on it'), '']);
  });

  it('files of other packages with such names stay as they are', async () => {
    await project.write('node_modules/not-mysql/index.js', "exports.createPool = () => 'not mysql2';");
    await project.write('node_modules/not-mysql/package.json', JSON.stringify({ name: 'not-mysql', version: '3.24.0' }));
    await project.write('loose-mysql/index.js', "exports.createPool = () => 'no package';");
    await project.write('others.cjs', "console.log(require('not-mysql').createPool(), require('./loose-mysql/index.js').createPool());");
    expect(await project.run('others.cjs', { flags: FLAG })).toEqual({ code: 0, stdout: 'not mysql2 no package\n', stderr: '' });
  });

  it('the tested range is the one that package.json asks for', async () => {
    const text = await readFile(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8');
    expect((JSON.parse(text) as { peerDependencies: Record<string, string> }).peerDependencies['mysql2']).toBe(TESTED_RANGE);
  });
});

describe('POOLWRIGHT_MONITOR', () => {
  const SERVING = `
    const { createPool } = require('mysql2/promise');
    const pool = createPool(process.env.TEST_URL);
    pool.query('SELECT 1').then(() => setInterval(() => {}, 1_000));`;

  it('starts the monitoring server beside the application, with all its pools', async () => {
    const port = await freePort();
    await project.write('serving.cjs', SERVING);
    const app = project.start('serving.cjs', { flags: FLAG, environment: { ...environment, POOLWRIGHT_MONITOR: `127.0.0.1:${port}` } });
    try {
      const metrics = await waitFor('the metrics', async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
      expect(metrics).toContain(`poolwright_connections_limit{pool="${database.database}@127.0.0.1:${database.port}"} 10`);
      expect(app.stderr).toContain(`poolwright: monitoring on http://127.0.0.1:${port}\n`);
    } finally {
      app.kill('SIGKILL');
      await app.ended;
    }
  });

  it.each(['127.0.0.1:0', 'localhost:0', ':0', '0'])('does not keep the process alive: %s', async (address) => {
    await project.write(
      'finishing.mjs',
      `import { createPool } from 'mysql2/promise';
       import { setTimeout as delay } from 'node:timers/promises';
       const pool = createPool(process.env.TEST_URL);
       await pool.query('SELECT 1');
       await delay(1_500);
       console.log('finished');`,
    );
    const ending = await project.run('finishing.mjs', {
      flags: FLAG,
      environment: { ...environment, POOLWRIGHT_MONITOR: address },
    });
    expect(ending).toMatchObject({ code: 0, stdout: 'finished\n' });
    expect(ending.stderr).toMatch(/poolwright: monitoring on http:\/\/127\.0\.0\.1:\d+\n$/);
  });

  it('that cannot be had costs one line, and the application continues', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    try {
      for (const [address, reason] of [
        [`127.0.0.1:${port}`, `address already in use 127.0.0.1:${port}`],
        ['nonsense', 'POOLWRIGHT_MONITOR must be host:port'],
        ['127.0.0.1:99999', 'port must be'],
        ['0.0.0.0:0', 'no token is set'],
      ] as const) {
        const ending = await project.run('app.mjs', { flags: FLAG, environment: { ...environment, POOLWRIGHT_MONITOR: address } });
        expect(reported(ending)).toEqual(MANAGED);
        const lines = ending.stderr.trim().split('\n');
        expect(lines).toHaveLength(2);
        expect(lines[1]).toContain('poolwright: the monitoring server did not start: ');
        expect(lines[1]).toContain(reason);
      }
    } finally {
      server.close();
    }
  });

  it('says what to install when a package is missing', async () => {
    await using bare = await createProject();
    await bare.write('app.mjs', await readFile(join(project.folder, 'app.mjs'), 'utf8'));
    const ending = await bare.run('app.mjs', { flags: FLAG, environment: { ...environment, POOLWRIGHT_MONITOR: '127.0.0.1:0' } });
    expect(reported(ending)).toEqual(MANAGED);
    expect(ending.stderr).toMatch(
      /needs the packages [^.]+, which are not installed\..* Install them: npm install zod @trpc\/server prom-client fastify\n$/,
    );
  });

  it('is left out of a program that makes no pool', async () => {
    await project.write('no-pool.mjs', "import 'mysql2';\nconsole.log('done');");
    const ending = await project.run('no-pool.mjs', { flags: FLAG, environment: { POOLWRIGHT_MONITOR: '127.0.0.1:0' } });
    expect(ending.stdout).toBe('done\n');
    expect(ending.stderr).toMatch(NOTICE);
  });
});
