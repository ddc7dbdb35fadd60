/** The runtimes under test, and the project that each of them runs. */
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RUNTIMES, runtimeBinary } from '../../../scripts/runtimes/bun-and-deno.mjs';
import { createProject, type Ending, type Project, type Running } from '../../mirrors/support/project.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';

const PROGRAM = fileURLToPath(new URL('../program', import.meta.url));

/** The optional packages that the contract uses. */
const PACKAGES = ['@trpc', 'fastify', 'zod', 'prom-client', '@opentelemetry'];

/** A runtime under test. */
export interface Runtime {
  readonly name: 'Node' | 'Bun' | 'Deno';
  /** Its version where it is one of ours. */
  readonly version: string;
  /** Its program. Undefined for this Node. */
  readonly path: string | undefined;
  /** Why there is none. */
  readonly missing: string | undefined;
  /** What stands before a program. */
  readonly flags: readonly string[];
  /** What loads the hook. */
  readonly hook: readonly string[];
}

async function found(name: 'Bun' | 'Deno', flags: readonly string[], hook: readonly string[]): Promise<Runtime> {
  const key = name === 'Bun' ? 'bun' : 'deno';
  const version = RUNTIMES[key];
  try {
    return { name, version, path: await runtimeBinary(key), missing: undefined, flags, hook };
  } catch (error) {
    return { name, version, path: undefined, missing: (error as Error).message, flags, hook };
  }
}

/** All of them. One whose package cannot be installed says why. */
export async function findRuntimes(): Promise<readonly Runtime[]> {
  return [
    {
      name: 'Node',
      version: '',
      path: undefined,
      missing: undefined,
      flags: [],
      hook: ['--import', 'poolwright/register'],
    },
    ...(await Promise.all([
      found('Bun', [], ['--preload', 'poolwright/register']),
      found('Deno', ['run', '--allow-all'], ['--preload', 'npm:poolwright/register']),
    ])),
  ];
}

/** A project with the program of the contract, and a database that no other test uses. */
export interface Stage extends AsyncDisposable {
  start(runtime: Runtime, file: string, flags?: readonly string[]): Running;
  run(runtime: Runtime, file: string, flags?: readonly string[]): Promise<Ending>;
}

/** @param otherCertificate a certificate authority that did not issue the server's certificate */
export async function createStage(otherCertificate: string): Promise<Stage> {
  const [project, database] = await Promise.all([createProject(), createDatabase()]);
  // Deno knows a package under `npm:` only when it stands there.
  const dependencies = { poolwright: '*', mysql2: '*' };
  await project.write('package.json', JSON.stringify({ name: 'contract', private: true, type: 'module', dependencies }));
  for (const name of PACKAGES) await project.install(name);
  for (const file of await readdir(PROGRAM)) await cp(join(PROGRAM, file), join(project.folder, file));
  const environment = environmentOf(project, database, otherCertificate);
  const start = (runtime: Runtime, file: string, flags: readonly string[] = []): Running =>
    project.start(file, {
      ...(runtime.path === undefined ? {} : { runtime: runtime.path }),
      flags: [...runtime.flags, ...flags],
      environment,
    });
  return {
    start,
    run: (...parameters) => start(...parameters).ended,
    async [Symbol.asyncDispose]() {
      await project[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

function environmentOf(project: Project, database: TestDatabase, otherCertificate: string): Readonly<Record<string, string>> {
  const { connection, socketPath, caCertificate } = database;
  return {
    CONTRACT: JSON.stringify({ ...connection, socketPath, caCertificate, otherCertificate }),
    POOLWRIGHT_QUIET: '1',
    // Deno keeps what it has compiled there.
    DENO_DIR: join(project.folder, 'deno'),
    DENO_NO_UPDATE_CHECK: '1',
    NO_COLOR: '1',
  };
}
