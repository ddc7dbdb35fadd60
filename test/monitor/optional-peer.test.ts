import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTemporaryFolder, type TemporaryFolder } from '../../src/demo/temporary-folder.js';
import { copyBuiltPackage } from '../support/built.js';
import { requirePeer } from '../../src/packages/optional-peer.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PEERS = ['@opentelemetry/api', 'prom-client', '@trpc/server', 'zod', 'fastify', 'pg'] as const;

const ENTRIES = {
  'poolwright/prometheus': 'telemetry/prometheus.js',
  'poolwright/otel': 'telemetry/otel.js',
  'poolwright/trpc': 'monitor/api/router.js',
  'poolwright/server': 'monitor/server/server.js',
} as const;

let folder: TemporaryFolder;

/** A project that has installed the built package and these others. */
async function projectWith(name: string, packages: readonly string[]): Promise<string> {
  const project = join(folder.path, name);
  const modules = join(project, 'node_modules');
  for (const scope of ['@opentelemetry', '@trpc']) await mkdir(join(modules, scope), { recursive: true });
  await copyBuiltPackage(join(modules, 'poolwright'));
  for (const installed of ['mysql2', ...packages]) await symlink(join(ROOT, 'node_modules', installed), join(modules, installed));
  return project;
}

/** What a script of the project prints; `load` is `import` or `require`. */
async function output(project: string, load: 'import' | 'require', entry: string, then: string): Promise<string> {
  const file = `./node_modules/poolwright/dist/${entry}`;
  const loaded = load === 'import' ? `import(${JSON.stringify(file)})` : `new Promise((done) => done(require(${JSON.stringify(file)})))`;
  const script = `${loaded}.then((m) => { ${then} }).catch((error) => console.log(error.code + ': ' + error.message));`;
  const { stdout } = await run(process.execPath, ['--input-type=commonjs', '--eval', script], { cwd: project });
  return stdout.trim();
}

beforeAll(() => {
  folder = createTemporaryFolder('poolwright-peers');
});
afterAll(() => folder.remove());

describe.each(['import', 'require'] as const)('with %s', (load) => {
  it('the pool needs none of the optional packages', async () => {
    const project = await projectWith(`${load}-none`, []);
    expect(await output(project, load, 'index.js', 'console.log(typeof m.createPool)')).toBe('function');
  });

  it.each([
    ['poolwright/prometheus', 'prom-client'],
    ['poolwright/otel', '@opentelemetry/api'],
    ['poolwright/trpc', 'prom-client'],
    ['poolwright/trpc', '@trpc/server'],
    ['poolwright/trpc', 'zod'],
    ['poolwright/server', 'fastify'],
    ['poolwright/server', '@trpc/server'],
  ] as const)('%s without %s says what to install', async (subpath, missing) => {
    const name = `${load}-${subpath}-without-${missing}`.replaceAll('/', '-');
    const project = await projectWith(
      name,
      PEERS.filter((peer) => peer !== missing),
    );
    expect(await output(project, load, ENTRIES[subpath], '')).toMatch(
      new RegExp(`^MODULE_NOT_FOUND: .* needs the package ${missing}, which is not installed\\. Install it: npm install ${missing}$`),
    );
  });

  it('everything that monitoring lacks is named at once, with one command that installs it', async () => {
    const project = await projectWith(`${load}-without-monitoring`, ['pg']);
    for (const subpath of ['poolwright/trpc', 'poolwright/server'] as const) {
      const said = await output(project, load, ENTRIES[subpath], '');
      const [, command = ''] = /: npm install (.*)$/.exec(said) ?? [];
      expect(command.split(' ').toSorted()).toEqual(['@trpc/server', 'fastify', 'prom-client', 'zod']);
      expect(said).toMatch(/^MODULE_NOT_FOUND: poolwright\/\w+ needs the packages /);
    }
    expect(await output(project, load, ENTRIES['poolwright/prometheus'], '')).toBe(
      'MODULE_NOT_FOUND: poolwright/prometheus needs the package prom-client, which is not installed. Install it: npm install prom-client',
    );
  });

  it('all parts load when all packages are there', async () => {
    const project = await projectWith(`${load}-all`, PEERS);
    expect(await output(project, load, ENTRIES['poolwright/prometheus'], 'console.log(typeof m.registerPoolMetrics)')).toBe('function');
    expect(await output(project, load, ENTRIES['poolwright/otel'], 'console.log(typeof m.instrumentPools)')).toBe('function');
    expect(await output(project, load, ENTRIES['poolwright/trpc'], 'console.log(typeof m.createMonitoringRouter)')).toBe('function');
    expect(await output(project, load, ENTRIES['poolwright/server'], 'console.log(typeof m.startMonitoringServer)')).toBe('function');
  });

  it('pg is needed only where a PgBouncer is configured', async () => {
    const project = await projectWith(
      `${load}-without-pg`,
      PEERS.filter((peer) => peer !== 'pg'),
    );
    const make = (pgbouncer: string): Promise<string> =>
      output(
        project,
        load,
        ENTRIES['poolwright/trpc'],
        `m.createMonitoringRouter({ pools: [], pgbouncer: ${pgbouncer} }); console.log('made')`,
      );
    expect(await make('false')).toBe('made');
    expect(await make("'postgresql://h'")).toMatch(/^MODULE_NOT_FOUND: .* needs the package pg, .*npm install pg$/);
  });
});

describe('an optional package', () => {
  it('is the one that the application has', () => {
    expect(requirePeer('prom-client', 'The test')).toBe(createRequire(import.meta.url)('prom-client'));
  });

  it('that is missing is named without its subpath', () => {
    expect(() => requirePeer('@no-such/package/sub/path', 'The test')).toThrow(
      'The test needs the package @no-such/package, which is not installed. Install it: npm install @no-such/package',
    );
  });

  it('that is there but lacks a package of its own says so itself', async () => {
    const broken = join(folder.path, 'broken.cjs');
    await writeFile(broken, "require('no-such-dependency');");
    expect(() => requirePeer(broken, 'The test')).toThrow(/^Cannot find module 'no-such-dependency'/);
  });
});
