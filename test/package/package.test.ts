import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTemporaryFolder, type TemporaryFolder } from '../../src/demo/temporary-folder.js';
import { read } from '../docs/table-in.js';
import { copyBuiltPackage } from '../support/built.js';
import { createDatabase } from '../support/servers/database.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** What programs of the package send their users to. */
const NAMED_PAGES = ['docs/errors.md', 'docs/fleet.md', 'docs/options.md', 'docs/troubleshooting.md'];

let folder: TemporaryFolder;
/** What npm says of the tarball; sizes in bytes. */
interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
}

let packed: Packed;
let tarball: string;
let project: string;
let manifest: Manifest;

/** Without what npm sets for the scripts that it runs: a script of one package would otherwise speak for the other. */
function npm(args: readonly string[], cwd: string): Promise<{ readonly stdout: string }> {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(?:registry|cafile|userconfig|cache)$)/.test(name)),
  );
  return run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd, env: environment });
}

beforeAll(async () => {
  folder = createTemporaryFolder('poolwright-package');
  const staging = join(folder.path, 'staging');
  await copyBuiltPackage(staging);
  for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md', 'THIRD-PARTY-NOTICES.md']) await cp(join(ROOT, file), join(staging, file));
  for (const file of NAMED_PAGES) await cp(join(ROOT, file), join(staging, file));
  const { stdout } = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder.path], staging);
  [packed] = JSON.parse(stdout) as [Packed];
  tarball = join(folder.path, packed.filename);
  manifest = JSON.parse(await readFile(join(staging, 'package.json'), 'utf8')) as Manifest;
  project = join(folder.path, 'project');
  await mkdir(project);
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true }));
  await npm(['install', tarball, '--ignore-scripts', '--prefer-offline'], project);
});
afterAll(() => folder.remove());

function subpaths(): string[] {
  return Object.keys(manifest.exports)
    .filter((subpath) => subpath !== './package.json')
    .map((subpath) => `poolwright${subpath.slice(1)}`);
}

/** What loading a subpath in the empty project comes to: its exports' names, or the error. */
async function outcomeOf(load: 'import' | 'require', specifier: string): Promise<{ readonly names?: string[]; readonly error?: string }> {
  const loaded = load === 'import' ? `import(${JSON.stringify(specifier)})` : `(async () => require(${JSON.stringify(specifier)}))()`;
  const script = `${loaded}.then((m) => ({ names: Object.keys(m) }), (e) => ({ error: e.code + ': ' + e.message })).then((r) => console.log(JSON.stringify(r)))`;
  const { stdout } = await run(process.execPath, ['--input-type=commonjs', '--eval', script], { cwd: project });
  return JSON.parse(stdout) as { names?: string[]; error?: string };
}

describe('the packed tarball', () => {
  it('is as small as docs/licences.md says', () => {
    expect(packed.size).toBeLessThan(752_000);
    expect(packed.unpackedSize).toBeLessThan(2_800_000);
    // Without its build it would be small, too.
    expect(packed.size).toBeGreaterThan(100_000);
  });

  it('takes as little room, with mysql2 and all that it brings, as docs/licences.md says', async () => {
    const files = await readdir(join(project, 'node_modules'), { recursive: true, withFileTypes: true });
    const sizes = await Promise.all(
      files.filter((file) => file.isFile()).map(async (file) => (await stat(join(file.parentPath, file.name))).size),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(7_100_000);
  });

  it('has the command, which runs through npx', async () => {
    const { stdout } = await run(join(project, 'node_modules/.bin/poolwright'), ['--help']);
    expect(stdout).toContain('doctor');
  });

  it('holds the build, and what a user should read, and nothing else', async () => {
    expect((await readdir(join(project, 'node_modules/poolwright'))).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'THIRD-PARTY-NOTICES.md',
      'dist',
      'docs',
      'package.json',
    ]);
    const files = await readdir(join(project, 'node_modules/poolwright/dist'), { recursive: true });
    expect(files.filter((file) => file.includes('.test.'))).toEqual([]);
  });

  it('holds the pages that errors, advice and hover texts name', async () => {
    const pages = (await readdir(join(project, 'node_modules/poolwright/docs'))).map((name) => `docs/${name}`);
    expect(pages.sort()).toEqual([...NAMED_PAGES].sort());
    const files = (await readdir(join(ROOT, 'src'), { recursive: true })).filter((name) => name.endsWith('.ts'));
    const said = files.flatMap((name) =>
      [...read(`src/${name}`).matchAll(/(['`"]).*?(docs\/[a-z0-9-]+\.md).*?\1/g)].map(([, , page]) => page),
    );
    expect(new Set(said)).toEqual(new Set(NAMED_PAGES.filter((page) => page !== 'docs/errors.md')));
  });

  it('has nothing that publint objects to', async () => {
    const data = await readFile(tarball);
    const buffer = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it('has types that are right wherever its modules can be loaded', async () => {
    const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(await readFile(tarball))));
    if (analysis.types === false) throw new Error('It has no types.');
    // It is made of ES modules: CommonJS loads them with require(), which TypeScript knows from 5.8 on; and the resolution of Node 10
    // knows no subpaths.
    const expected = (problem: { readonly kind: string; readonly resolutionKind?: string }): boolean =>
      problem.kind === 'CJSResolvesToESM' || (problem.kind === 'NoResolution' && problem.resolutionKind === 'node10');
    expect(analysis.problems.filter((problem) => !expected(problem))).toEqual([]);
    expect(Object.keys(analysis.entrypoints)).toEqual(expect.arrayContaining(['.', './mysql2', './mysql2/promise', './register']));
  });
});

describe('installed into an empty project', () => {
  it('it brings mysql2 and none of the optional peers', async () => {
    const optional = Object.keys(manifest.peerDependenciesMeta).filter((name) => manifest.peerDependenciesMeta[name]?.optional === true);
    expect(optional.length).toBeGreaterThan(0);
    const installed = await readdir(join(project, 'node_modules'));
    expect(installed).toContain('mysql2');
    expect(installed.filter((name) => optional.some((peer) => peer.split('/')[0] === name))).toEqual([]);
  });

  it.each(['import', 'require'] as const)('each part loads with %s, or says which package to install', async (load) => {
    const optional = Object.keys(manifest.peerDependenciesMeta);
    const unloaded: string[] = [];
    for (const specifier of subpaths()) {
      const { names: exported, error } = await outcomeOf(load, specifier);
      if (exported !== undefined) continue;
      unloaded.push(specifier);
      const [, named, installed] =
        /^MODULE_NOT_FOUND: .* needs the packages? ([^.]+), which (?:is|are) not installed\.(?: .*)? Install (?:it|them): npm install (.+)$/.exec(
          error ?? '',
        ) ?? [];
      const names = (named ?? '').split(', ');
      expect({ specifier, error, named: names.every((name) => optional.includes(name) && installed?.split(' ').includes(name)) }).toEqual({
        specifier,
        error,
        named: true,
      });
    }
    expect(unloaded).toEqual(expect.arrayContaining(['poolwright/prometheus', 'poolwright/trpc', 'poolwright/server']));
    for (const part of ['poolwright', 'poolwright/engine', 'poolwright/mysql2', 'poolwright/mysql2/promise', 'poolwright/register']) {
      expect(unloaded).not.toContain(part);
    }
  });

  it('the pool is there, in all its forms', async () => {
    expect((await outcomeOf('import', 'poolwright')).names).toEqual(
      expect.arrayContaining(['createPool', 'getPool', 'pools', 'PoolError']),
    );
    expect((await outcomeOf('require', 'poolwright/mysql2')).names).toEqual(
      expect.arrayContaining(['createPool', 'createConnection', 'Types']),
    );
    expect((await outcomeOf('import', 'poolwright/mysql2/promise')).names).toEqual(
      expect.arrayContaining(['createPool', 'default', 'format']),
    );
  });
});

describe('where an error comes from', () => {
  /** Fails in a chunk with the pool, behind the borders of several files. */
  const MISTAKE = `import { createPool } from 'poolwright'; try { createPool({ connectionLimt: 3 }) } catch (error) { console.log(error.stack) }`;

  async function framesOf(...flags: readonly string[]): Promise<string[]> {
    const { stdout } = await run(process.execPath, [...flags, '--input-type=module', '--eval', MISTAKE], { cwd: project });
    return stdout.split('\n').filter((line) => line.includes('/node_modules/poolwright/'));
  }

  it('is a line of a TypeScript file, where Node was started with --enable-source-maps', async () => {
    const lines = (await framesOf('--enable-source-maps')).map((frame) => {
      const [, file = '', line] = /\/node_modules\/poolwright\/(src\/[a-z0-9/-]+\.ts):(\d+):\d+\)?$/.exec(frame) ?? [];
      return `${file}: ${file === '' ? frame : read(file).split('\n')[Number(line) - 1]?.trim()}`;
    });
    expect(lines[0]).toMatch(/^src\/engine\/contract\/refusals\.ts: throw new PoolError\('POOL_OPTION_INVALID', `Unknown option/);
    expect(lines.at(-1)).toMatch(/^src\/mysql\/create-pool\.ts: return makePool\(resolveOptions\(/);
  });

  it('is a line of a built file otherwise: no map is read', async () => {
    const frames = await framesOf();
    expect(frames.length).toBeGreaterThan(1);
    expect(frames.filter((frame) => !frame.includes('/dist/'))).toEqual([]);
  });

  it('is shown by maps that name files of src, and hold no source', async () => {
    const dist = join(project, 'node_modules/poolwright/dist');
    const names = (await readdir(dist, { recursive: true })).filter((name) => name.endsWith('.map'));
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) {
      const map = JSON.parse(await readFile(join(dist, name), 'utf8')) as { readonly sources: string[]; readonly sourcesContent?: unknown };
      expect(map.sourcesContent).toBeUndefined();
      const paths = map.sources.map((source) => relative(dirname(dist), join(dist, dirname(name), source)));
      expect(paths.filter((path) => !path.startsWith('src/') || !existsSync(join(ROOT, path)))).toEqual([]);
      expect(await readFile(join(dist, name.slice(0, -'.map'.length)), 'utf8')).toContain(`\n//# sourceMappingURL=${basename(name)}\n`);
    }
  });
});

describe('what is loaded before the first row', () => {
  it('is four files of the package, no matter what else it has', async () => {
    const found = new Set<string>();
    const visit = async (file: string): Promise<void> => {
      if (found.has(file)) return;
      found.add(file);
      const text = await readFile(file, 'utf8');
      const paths = [...text.matchAll(/^(?:import|export|\}) ?(?:.*from )?"(\.[^"]+)";$/gm)].map(([, path]) =>
        join(dirname(file), path ?? ''),
      );
      for (const path of paths) await visit(path);
    };
    await visit(join(project, 'node_modules/poolwright/dist/index.js'));
    expect([...found].map((file) => relative(join(project, 'node_modules/poolwright/dist'), file))).toHaveLength(4);
  });

  it('is few modules of Node beside those that mysql2 loads', async () => {
    const publicModules = async (specifier: string): Promise<string[]> => {
      const program = `await import('${specifier}'); console.log(JSON.stringify(process.moduleLoadList))`;
      const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], { cwd: project });
      return (JSON.parse(stdout) as string[])
        .filter((name) => name.startsWith('NativeModule ') && !name.includes('internal/'))
        .map((name) => name.slice('NativeModule '.length));
    };
    const loadedByMysql2 = await publicModules('mysql2/promise');
    const beside = (await publicModules('poolwright')).filter((name) => !loadedByMysql2.includes(name));
    const few = ['async_hooks', 'diagnostics_channel', 'perf_hooks', 'process', 'timers', 'timers/promises', 'util/types'];
    expect(beside.filter((name) => !few.includes(name))).toEqual([]);
  });
});

describe('a newcomer who follows docs/getting-started.md', () => {
  it('learns from the doctor that all is well, and has a pool that works', async () => {
    await using database = await createDatabase();
    const env = { PATH: process.env['PATH'] ?? '', DATABASE_URL: database.url() };
    const doctor = await run(join(project, 'node_modules/.bin/poolwright'), ['doctor'], { cwd: project, env });
    expect(doctor.stdout).not.toContain('FAIL');
    const [, program = ''] = /^```ts\n([\s\S]*?)^```$/m.exec(read('docs/getting-started.md')) ?? [];
    await writeFile(join(project, 'app.mjs'), program);
    const { stdout, stderr } = await run(process.execPath, ['app.mjs'], { cwd: project, env });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\[ \{ sum: 3 \} \]\nPool \{ .*limit: 20 \}\n$/);
    expect(stdout).not.toContain(database.password);
  });
});

/** In the order of a day: the flag, the import, a statement that is stopped, a transaction, an orderly end. */
const DAY = `
import { createRequire } from 'node:module';
import mysql from 'mysql2/promise';
import { createPool, PoolError } from 'poolwright';
import mirror from 'poolwright/mysql2/promise';

const required = createRequire(import.meta.url)('poolwright');
const url = process.env.DATABASE_URL;
const under = mysql.createPool(url);
const mirrored = mirror.createPool(url);
const pool = createPool(url, { name: 'day' });
const sums = await Promise.all([under, mirrored, pool].map(async (one) => (await one.execute('SELECT ? + 1 AS sum', [1]))[0][0].sum));
const late = await pool.query({ sql: 'SELECT SLEEP(60)', timeout: 50 }).catch((error) => error);
await pool.transaction(async (tx) => { await tx.query('CREATE TEMPORARY TABLE t AS SELECT 1'); });
const managed = typeof under.stats === 'function' && typeof mirrored.stats === 'function';
await under.end();
await mirrored.end();
const { complete } = await pool.drain();
const same = required.PoolError.is(late) && PoolError.is(late);
console.log(JSON.stringify({ node: process.versions.node.split('.')[0], sums: sums.map(Number), late: late.code, managed, same, complete }));
`;

describe('the installed package works', () => {
  const lines = (/node: \[([\d, ]+)\]/.exec(read('.github/workflows/ci.yml'))?.[1] ?? '').split(', ');

  it.each(lines.filter((line) => line !== process.versions.node.split('.')[0]))('on Node %s', async (line) => {
    await using database = await createDatabase();
    await writeFile(join(project, 'day.mjs'), DAY);
    const command = [join(ROOT, 'scripts/on-node.mjs'), line, 'node', '--import', 'poolwright/register', 'day.mjs'];
    const env = { ...process.env, DATABASE_URL: database.url(), POOLWRIGHT_QUIET: '1' };
    const { stdout } = await run(process.execPath, command, { cwd: project, env });
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
      node: line,
      sums: [2, 2, 2],
      late: 'POOL_QUERY_TIMEOUT',
      managed: true,
      same: true,
      complete: true,
    });
  });
});
