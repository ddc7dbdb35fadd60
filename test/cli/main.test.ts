import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool } from '../../src/mysql/create-pool.js';
import { createDatabase } from '../support/servers/database.js';
import { freePort } from '../support/network/free-port.js';
import { waitFor } from '../support/wait-for.js';
import { createQueryCache } from '../../src/cache/index.js';
import { scriptedCluster } from '../monitor/support/scripted-cluster.js';
import { memberRow, scriptedFleet, SHOP_FLEET } from '../monitor/support/scripted-fleet.js';
import { serve } from '../monitor/support/serve.js';
import { openBlackHole } from './support/black-hole.js';
import { type BuiltCommand, buildCommand } from './support/built-command.js';

let command: BuiltCommand;

beforeAll(async () => {
  command = await buildCommand();
});

afterAll(() => command[Symbol.asyncDispose]());

const SECRET = 'Qx7-secret-Zz';
const ESCAPE = '\u001B';

describe('poolwright', () => {
  it('says what it can do, and its version', async () => {
    const help = await command.run(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/^ {2}doctor {2,}Checks everything/m);
    expect(await command.run(['help', 'doctor'])).toMatchObject({ code: 0, stdout: expect.stringContaining('--processes N') });
    expect(await command.run(['doctor', '--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('--processes N') });
    expect(await command.run(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\S*\n$/) });
  });

  it.each([
    [[], /poolwright <command>/],
    [['docter'], /Did you mean doctor\?/],
    [['doctor', '--proceses', '3'], /Did you mean --processes\?/],
    [['health', '--address', 'localhost:9464'], /--address must be an http or https URL/],
    [['health', '--address', `http://u:${SECRET}@localhost:9464`], /without credentials/],
    [['serve'], /serve needs DATABASE_URL/],
    [['bench', '--sql', 'DELETE FROM users'], /--writes/],
  ])('called wrongly ends with 2, and what is right: %j', async (parameters, message) => {
    const { code, stdout, stderr } = await command.run(parameters);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stderr).not.toContain(SECRET);
  });

  it('is quiet when its reader has read enough', async () => {
    await using monitoring = await serve({ pools: [] });
    await using call = command.start(['top', '--interval', '100', '--address', monitoring.url]);
    await call.says('there is no pool');
    call.stopReading();
    expect(await call.end()).toBe(0);
    expect(call.stderr).toBe('');
  });
});

describe('poolwright doctor', () => {
  it('ends with 0 on a healthy database, without colour or secret in what it writes to a pipe', async () => {
    await using database = await createDatabase();
    const { code, stdout, stderr } = await command.run(['doctor'], { DATABASE_URL: database.url() });
    // On a machine that is busy, a step may take long enough to be reported.
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^(… .*\n)?$/)]);
    expect(stdout).toMatch(/^\[ ok \] login {2,}logged in as /m);
    expect(stdout).toContain('Everything is fine.');
    expect(stdout).not.toContain(ESCAPE);
    expect(stdout).not.toContain(database.password);
    expect(stdout).not.toContain(encodeURIComponent(database.password));
  });

  it('ends with 1 for a problem, and says what to do', async () => {
    const url = `mysql://u:${SECRET}@127.0.0.1:${await freePort()}/x`;
    const { code, stdout } = await command.run(['doctor'], { DATABASE_URL: url });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^\[FAIL\] tcp .*\n +→ .*nothing listens/m);
    expect(stdout).toContain('Skipped because of the problem above: greeting, tls');
    expect(stdout).toContain('Problems to fix: 1.');
    expect(stdout).not.toContain(SECRET);
  });

  it('answers in JSON', async () => {
    await using database = await createDatabase();
    const { code, stdout } = await command.run(['doctor', '--json', '--processes', '80'], { DATABASE_URL: database.url() });
    expect(code).toBe(1);
    const { status, findings } = JSON.parse(stdout) as {
      readonly status: string;
      readonly findings: readonly { readonly status: string }[];
    };
    expect(status).toBe('problems');
    expect(findings).toContainEqual(expect.objectContaining({ step: 'max-connections', status: 'fail' }));
  });

  it('ends with 0 for warnings, and with --strict with 1', async () => {
    await using database = await createDatabase();
    const environment = { DATABASE_URL: database.url({ parameters: { 'ssl-mode': 'REQUIRED' } }) };
    expect((await command.run(['doctor'], environment)).code).toBe(0);
    expect((await command.run(['doctor', '--strict'], environment)).code).toBe(1);
  });

  it('says what it waits for when that takes over a second', async () => {
    await using hole = await openBlackHole();
    const { code, stderr } = await command.run(['doctor', '--timeout', '2500'], {
      DATABASE_URL: `mysql://u:p@${hole.host}:${hole.port}/x`,
    });
    expect([code, stderr]).toEqual([1, `… connecting to port ${hole.port}, at most 2500 ms\n`]);
  });
});

describe('poolwright health, metrics and top', () => {
  it('report how a running process does, and that it drains', async () => {
    await using database = await createDatabase();
    await using pool = createPool(database.url(), { name: 'shop' });
    await pool.query('SELECT 1');
    await using monitoring = await serve({ pools: pool });
    const address = ['--address', monitoring.url];
    expect(await command.run(['health', ...address])).toMatchObject({ code: 0, stdout: 'ready\n  shop: healthy\n' });
    expect(await command.run(['health', '--live', ...address])).toMatchObject({ code: 0, stdout: 'up\n' });
    const json = await command.run(['health', '--json'], { POOLWRIGHT_ADDRESS: monitoring.url });
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, ready: true, pools: [{ pool: 'shop', status: 'healthy', problems: [] }] });

    const text = await command.run(['metrics', ...address]);
    expect(text).toMatchObject({ code: 0, stdout: expect.stringContaining('poolwright_connections_limit{pool="shop"} 20') });
    const samples: unknown = JSON.parse((await command.run(['metrics', '--json', ...address])).stdout);
    expect(samples).toContainEqual({ name: 'poolwright_connections_limit', labels: { pool: 'shop' }, value: 20 });

    const table = await command.run(['top', '--count', '2', '--interval', '100', ...address]);
    expect(table.code).toBe(0);
    expect(table.stdout).toMatch(/^ {2}POOL +USED +WAIT.*\n {2}shop +0\/20 +0 .*\n {2}shop +0\/20/);
    expect(table.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(await command.run(['top', '--sort', 'size', ...address])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--sort must be one of'),
    });
    const lines = (await command.run(['top', '--count', '2', '--interval', '100', '--json', ...address])).stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        pools: [expect.objectContaining({ name: 'shop', limit: 20, queriesPerSecond: null, failuresPerSecond: null, queryP99Ms: null })],
      }),
      expect.objectContaining({ pools: [expect.objectContaining({ name: 'shop', queriesPerSecond: 0 })] }),
    ]);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      pools: [{ verdict: { status: 'healthy', headline: 'The pool is fine: every caller is served at once.' } }],
    });

    await pool.end();
    expect(await command.run(['health', ...address])).toMatchObject({ code: 1, stdout: expect.stringMatching(/^not ready\n/) });
  });

  it('show the servers of a cluster: who takes writes, who lags, who is out and why', async () => {
    await using cluster = await scriptedCluster();
    const [, second, third] = cluster.servers;
    second.lagMs = 2_500;
    third.alive = false;
    await cluster.untilSeen('trouble', ({ nodes }) => nodes[1]?.lagMs === 2_500 && nodes[2]?.state === 'down');
    await using monitoring = await serve({ pools: cluster.db });
    const address = ['--address', monitoring.url, '--count', '1'];
    const { code, stdout } = await command.run(['top', ...address]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^> shop: db-1:\d+ takes writes$/m);
    expect(stdout).toMatch(/^> db-1:\d+ +writer +up +0 ms/m);
    expect(stdout).toMatch(/^! db-2:\d+ +reader +up +2.5 s/m);
    expect(stdout).toMatch(/^! db-3:\d+ +reader +down .*it does not answer: connect ECONNREFUSED/m);
    const answered: unknown = JSON.parse((await command.run(['top', '--json', ...address])).stdout);
    expect(answered).toMatchObject({ pools: [{ name: 'shop', topology: { writer: cluster.servers[0].name, nodesLeftOut: 0 } }] });
  });

  it('show the fleets of the pools in 80 columns: the budget, who has how much, and who is lost', async () => {
    await using shop = scriptedFleet();
    await using monitoring = await serve({ pools: shop.pool });
    const lost = memberRow('member-d', { leaseLeftMs: -42_000, open: 9, lease: 9, accounted: 9, ageMs: 90_000_000 });
    shop.say({ roster: [...SHOP_FLEET.roster, lost], lost: 1, overhang: 9, warnings: [`members say different ${'x'.repeat(100)}`] });
    const address = ['--address', monitoring.url, '--count', '1'];
    const { code, stdout } = await command.run(['top', '--fleet', ...address]);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(0, 3)).toEqual([
      '! shop in fleet shop: leased, 40 of 100 connections',
      '  budget 100: 62 granted, 24 reserved, 9 overhang, 5 free',
      '  3 of 30 members, 1 lost; ledger (redis) answered 2.6 s ago',
    ]);
    expect(stdout).toMatch(/^> member-a +40 +31 +44 +0 +12 min 34 s +7\.0 s$/m);
    expect(stdout).toMatch(/^! member-d +9 +9 +20 +0 +1 d 1 h +lost 42 s$/m);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    // Without the option, one line beside the pools.
    expect((await command.run(['top', ...address])).stdout).toContain('\n! shop in fleet shop: leased, 40 of 100 connections\n');
    const answered: unknown = JSON.parse((await command.run(['top', '--json', ...address])).stdout);
    expect(answered).toMatchObject({
      pools: [{ name: 'shop', fleet: { budget: 100, roster: [{ id: 'member-a' }, { id: 'member-d' }, {}, {}] } }],
    });
  });

  it('end with 3 where nothing listens, where nothing answers, and without the token', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    for (const name of ['health', 'metrics', 'top']) {
      const { code, stdout, stderr } = await command.run([name, '--address', nobody]);
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
      expect(stderr).toContain(`${nobody} does not answer: nothing listens there (ECONNREFUSED).`);
    }
    await using hole = await openBlackHole();
    const startedAt = performance.now();
    const slow = await command.run(['health', '--timeout', '300', '--address', `http://127.0.0.1:${hole.port}`]);
    expect(slow).toMatchObject({ code: 3, stderr: expect.stringContaining('nothing arrived within 300 ms') });
    // An attempt to connect that was given up does not hold the process: the system would continue it for two minutes.
    expect(performance.now() - startedAt).toBeLessThan(90_000);

    await using monitoring = await serve({ pools: [], token: SECRET });
    const address = ['--address', monitoring.url];
    expect(await command.run(['metrics', ...address])).toMatchObject({ code: 3, stderr: expect.stringContaining('set POOLWRIGHT_TOKEN') });
    const wrong = await command.run(['metrics', ...address], { POOLWRIGHT_TOKEN: 'wrong-token' });
    expect(wrong).toMatchObject({ code: 3, stderr: expect.stringContaining('not its token') });
    expect(wrong.stderr).not.toContain('wrong-token');
    expect(await command.run(['metrics', ...address], { POOLWRIGHT_TOKEN: SECRET })).toMatchObject({ code: 0 });
    // Probes need no token; there is no pool here.
    expect(await command.run(['health', ...address])).toMatchObject({ code: 1 });
  });
});

describe('poolwright evict, resize, suspend, resume and drain', () => {
  const TOKEN = 'operate-Xy9';

  it('act on a running process, and say what they did', async () => {
    await using database = await createDatabase();
    await using pool = createPool(database.url(), { name: 'shop' });
    await pool.query('SELECT 1');
    await using monitoring = await serve({ pools: pool, operateToken: TOKEN });
    const environment = { POOLWRIGHT_ADDRESS: monitoring.url, POOLWRIGHT_OPERATE_TOKEN: TOKEN };
    expect(await command.run(['resize', '7'], environment)).toMatchObject({ code: 0, stdout: 'shop: the limit is 7\n' });
    expect(pool.summary().limit).toBe(7);
    expect(await command.run(['resize', '5-50'], environment)).toMatchObject({ code: 0, stdout: 'shop: the limit is 5-50\n' });
    expect(pool.options).toMatchObject({ connectionLimit: 50, sizeRange: { min: 5, max: 50 } });
    expect(await command.run(['suspend', '--pool', 'shop'], environment)).toMatchObject({ code: 0, stdout: 'shop: suspended\n' });
    expect(pool.summary().state).toBe('suspended');
    expect((await command.run(['resume'], environment)).code).toBe(0);
    expect(pool.summary().state).toBe('running');
    const [before] = await database.processlist();
    const evicted = await command.run(['evict', '--json'], environment);
    expect([evicted.code, JSON.parse(evicted.stdout)]).toEqual([0, { pool: 'shop', action: 'evict' }]);
    await waitFor(
      'another connection to be there',
      () => database.processlist(),
      (rows) => rows.every(({ id }) => id !== before?.id),
    );
    // A borrower who finishes in time.
    const borrower = pool.query('SELECT SLEEP(1.5)');
    expect(await command.run(['drain', '--within', '20000'], environment)).toMatchObject({
      code: 0,
      stdout: 'shop: complete\n',
    });
    await borrower;
    expect(pool.summary().state).toBe('closed');
  });

  it('invalidate a cache, hold a breaker open and close it, and say what is missing', async () => {
    await using database = await createDatabase();
    const cache = createQueryCache({ name: 'shop' });
    await using pool = createPool(database.url(), { name: 'shop', cache });
    await using monitoring = await serve({ pools: pool, operateToken: TOKEN });
    const environment = { POOLWRIGHT_ADDRESS: monitoring.url, POOLWRIGHT_OPERATE_TOKEN: TOKEN };
    await cache.wrap('rates', async () => 1, { tags: ['rates'] });
    expect(await command.run(['invalidate', '--tags', 'other, rates'], environment)).toMatchObject({
      code: 0,
      stdout: 'shop: invalidated\n',
    });
    expect(await cache.wrap('rates', async () => 2, { tags: ['rates'] })).toBe(2);
    expect(await command.run(['invalidate'], environment)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--tags, --tables or --all'),
    });

    const isolated = await command.run(['breaker', 'isolate', 'statement', '--reason', 'maintenance'], environment);
    expect(isolated).toMatchObject({ code: 0, stdout: 'breaker statement of shop: isolated\n' });
    expect(pool.breakers.statement.snapshot()).toMatchObject({ state: 'isolated', reason: 'isolated by an operator: maintenance' });
    expect(await command.run(['breaker', 'close', 'statement'], environment)).toMatchObject({ code: 0 });
    expect(pool.breakers.statement.state).toBe('closed');
    const unknown = await command.run(['breaker', 'close', 'redis'], environment);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('there are: connect of shop, statement of shop') });
    expect(await command.run(['breaker', 'break', 'statement'], environment)).toMatchObject({ code: 2 });
    cache.close();
  });

  it('reports how many borrowers were cut off', async () => {
    await using database = await createDatabase();
    await using pool = createPool(database.url(), { name: 'shop' });
    await using monitoring = await serve({ pools: pool, operateToken: TOKEN });
    const environment = { POOLWRIGHT_ADDRESS: monitoring.url, POOLWRIGHT_OPERATE_TOKEN: TOKEN };
    await pool.getConnection();
    expect(await command.run(['drain', '--within', '100'], environment)).toMatchObject({ code: 1, stdout: 'shop: 1 cut off\n' });
  });

  it('are refused without the token that allows it, and where they would be ambiguous', async () => {
    await using database = await createDatabase();
    await using one = createPool(database.url(), { name: 'one' });
    await using two = createPool(database.url(), { name: 'two' });
    await using monitoring = await serve({ pools: [one, two], token: 'read-Xy9', operateToken: TOKEN });
    const at = { POOLWRIGHT_ADDRESS: monitoring.url };
    expect(await command.run(['evict'], at)).toMatchObject({ code: 2, stderr: expect.stringContaining('POOLWRIGHT_OPERATE_TOKEN') });
    const reader = await command.run(['evict', '--pool', 'one'], { ...at, POOLWRIGHT_OPERATE_TOKEN: 'read-Xy9' });
    expect(reader).toMatchObject({ code: 3, stderr: expect.stringContaining('Actions need a token that allows them') });
    const operator = { ...at, POOLWRIGHT_OPERATE_TOKEN: TOKEN };
    expect(await command.run(['evict'], operator)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There are several pools: one, two'),
    });
    expect(await command.run(['evict', '--pool', 'three'], operator)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no pool named 'three'"),
    });
    // Another 404: something answers there, and is no Poolwright process.
    const elsewhere = { ...operator, POOLWRIGHT_ADDRESS: `${monitoring.url}/elsewhere` };
    expect(await command.run(['evict', '--pool', 'one'], elsewhere)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('has no /api/trpc/monitoring.evict'),
    });
    expect(await command.run(['resize', 'many'], operator)).toMatchObject({ code: 2, stderr: expect.stringContaining("given: 'many'") });
    expect(await command.run(['resize', '9-2'], operator)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('at most <limit>.max (2)'),
    });
    expect(await command.run(['resize', '3', '--pool', 'two'], operator)).toMatchObject({ code: 0 });
    expect([one.summary().limit, two.summary().limit]).toEqual([20, 3]);
  });
});

describe('poolwright serve', () => {
  it('watches the database of DATABASE_URL until it is stopped', async () => {
    await using database = await createDatabase();
    await using call = command.start(['serve', '--port', '0'], { DATABASE_URL: database.url() });
    await call.says(/Monitoring: http:\S+\n/);
    const [, address = ''] = /Monitoring: (\S+)/.exec(call.stdout) ?? [];
    expect(await command.run(['health', '--address', address])).toMatchObject({ code: 0 });
    expect(await call.end('SIGTERM')).toBe(0);
    expect(call.stdout).toContain('The pool is drained.');
    expect(call.stdout).not.toContain(database.password);
    expect(await database.serverConnections()).toBe(0);
  });

  it('says its address in JSON', async () => {
    await using database = await createDatabase();
    await using call = command.start(['serve', '--port', '0', '--json'], { DATABASE_URL: database.url() });
    await call.says('\n');
    expect(JSON.parse(call.stdout)).toEqual({ monitoring: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) });
    expect(await call.end('SIGINT')).toBe(0);
  });
});

describe('poolwright bench', () => {
  it('measures with and without a pool at several sizes, and recommends one that it has tried', async () => {
    await using database = await createDatabase();
    const parameters = ['bench', '--sizes', '1,4,100000', '--callers', '8', '--rounds', '1', '--sql', 'SELECT SLEEP(0.005)'];
    const wrong = await command.run(parameters, { DATABASE_URL: database.url() });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('--sizes must be') });
    const call = await command.run(['bench', '--sizes', '1,4,5000', ...parameters.slice(3), '--json'], { DATABASE_URL: database.url() });
    expect(call.code).toBe(0);
    const report = JSON.parse(call.stdout) as {
      readonly contestants: readonly { readonly size: number | null; readonly perSecond: number; readonly failed: number }[];
      readonly recommended: number;
      readonly skipped: readonly string[];
    };
    expect(report.contestants.map(({ size }) => size)).toEqual([null, 1, 4]);
    for (const { perSecond, failed } of report.contestants) expect([perSecond > 0, failed]).toEqual([true, 0]);
    // A statement that sleeps: four connections run four times as many as one.
    expect(report.recommended).toBe(4);
    expect(report.skipped).toEqual([expect.stringContaining('a pool of 5000: the server has room for')]);
    expect(call.stderr).toContain('… round 1 of 1');
    expect(await database.serverConnections()).toBe(0);
  });

  it('counts failures, says the last one, and ends with 1', async () => {
    await using database = await createDatabase();
    const parameters = [
      'bench',
      '--sizes',
      '2',
      '--callers',
      '2',
      '--rounds',
      '1',
      '--no-baseline',
      '--sql',
      'SELECT * FROM no_such_table',
    ];
    const { code, stdout } = await command.run(parameters, { DATABASE_URL: database.url() });
    expect(code).toBe(1);
    expect(stdout).toMatch(/No recommendation: no size ran without failures/);
    expect(stdout).toMatch(/pool of 2: .*no_such_table.*\(ER_NO_SUCH_TABLE\)/);
  });
});
