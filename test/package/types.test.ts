/** The declarations that are shipped, compiled as an application that checks its libraries compiles them. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTemporaryFolder, type TemporaryFolder } from '../../src/demo/temporary-folder.js';
import { copyBuiltPackage } from '../support/built.js';
import { read } from '../docs/table-in.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** What npm installs with the package. */
const ALWAYS = ['mysql2', '@types/node', 'undici-types'];
const { peerDependencies, exports } = JSON.parse(read('package.json')) as {
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
};
const PEERS = [...Object.keys(peerDependencies).filter((name) => name !== 'mysql2'), '@types/pg'];

/** What can only be used with a package that the application installs. */
const NEED_PEERS = ['poolwright/prometheus', 'poolwright/otel', 'poolwright/trpc', 'poolwright/server'];
const ENTRY_POINTS = Object.keys(exports)
  .filter((name) => name !== './package.json')
  .map((name) => name.replace('.', 'poolwright'));

const CLIENT = `
import { createTRPCClient, httpBatchLink } from '@trpc/client';
import type { MonitoringServerRouter } from 'poolwright/trpc';
const client = createTRPCClient<MonitoringServerRouter>({ links: [httpBatchLink({ url: 'http://127.0.0.1:9464/api/trpc' })] });
export const healthy: Promise<boolean> = client.monitoring.connectionPoolHealth.query().then((answer) => answer.healthy);
`;

let folder: TemporaryFolder;
let compilers: readonly (readonly [line: string, path: string])[] = [];

beforeAll(async () => {
  folder = createTemporaryFolder('poolwright-types');
  compilers = [['7', join(ROOT, 'node_modules/typescript/bin/tsc')]];
  if (process.env['EVERY_VERSION'] !== '1') return;
  // The tree has 7 to compile with and 5.9 for its interface; 6 is used for nothing else.
  await writeFile(join(folder.path, 'package.json'), '{ "private": true }');
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', 'six@npm:typescript@6'], { cwd: folder.path });
  compilers = [
    ['5.9', join(ROOT, 'node_modules/typescript-api/bin/tsc')],
    ['6', join(folder.path, 'node_modules/six/bin/tsc')],
    ...compilers,
  ];
});
afterAll(() => folder.remove());

/** What the compilers say of these files in a project that has these packages and no others; nothing is good. */
async function complaints(name: string, packages: readonly string[], files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const project = join(folder.path, name);
  await copyBuiltPackage(join(project, 'node_modules/poolwright'));
  for (const one of packages) {
    const path = join(project, 'node_modules', one);
    await mkdir(dirname(path), { recursive: true });
    await symlink(join(ROOT, 'node_modules', one), path, 'dir');
  }
  const compilerOptions = { module: 'nodenext', target: 'es2022', strict: true, skipLibCheck: false, noEmit: true, types: ['node'] };
  await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  for (const [file, text] of Object.entries(files)) await writeFile(join(project, file), text);
  const said: string[] = [];
  for (const [line, compiler] of compilers) {
    const { version } = JSON.parse(await readFile(join(dirname(compiler), '../package.json'), 'utf8')) as { readonly version: string };
    expect(version.startsWith(`${line}.`)).toBe(true);
    const output = await run(process.execPath, [compiler, '-p', '.'], { cwd: project, maxBuffer: 2 ** 24 }).then(
      ({ stdout }) => stdout,
      (error: { readonly stdout: string }) => `${error.stdout}\nfailed`,
    );
    said.push(...output.split('\n').flatMap((one) => (one === '' ? [] : [`TypeScript ${line}: ${one}`])));
  }
  return said;
}

/** A file per entry point that uses everything it has. */
function importing(specifiers: readonly string[]): Record<string, string> {
  return Object.fromEntries(specifiers.map((one, at) => [`entry-${at}.ts`, `import * as all from '${one}';\nexport const used = all;\n`]));
}

describe('the shipped types, with skipLibCheck: false', () => {
  it('compile at every entry point when the peers are installed', async () => {
    expect(ENTRY_POINTS.length).toBeGreaterThan(10);
    expect(await complaints('with-peers', [...ALWAYS, ...PEERS], importing(ENTRY_POINTS))).toEqual([]);
  });

  it('compile without any optional peer at every entry point that works without one', async () => {
    const entries = ENTRY_POINTS.filter((one) => !NEED_PEERS.includes(one));
    expect(await complaints('without-peers', ALWAYS, importing(entries))).toEqual([]);
  });

  it("give a client the router's type with what tRPC's client itself needs, and no other peer", async () => {
    expect(await complaints('client', [...ALWAYS, '@trpc/client', '@trpc/server'], { 'client.ts': CLIENT })).toEqual([]);
  });
});
