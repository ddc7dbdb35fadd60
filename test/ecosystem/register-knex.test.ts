import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/demo/free-port.js';
import { createProject, type Project } from '../mirrors/support/project.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';
import { installedVersion } from './support/installed-version.js';

/** By the names under which test/ecosystem/package.json installs them. */
const VERSIONS = ['knex-2-4', 'knex-2-5', 'knex-3-1', 'knex'];

interface Printed {
  readonly results: Readonly<Record<string, unknown>>;
  readonly managed: readonly Readonly<Record<string, unknown>>[];
  readonly left: readonly string[];
}

let project: Project;
let database: TestDatabase;
let refusingPort: number;

beforeAll(async () => {
  project = await createProject();
  database = await createDatabase();
  refusingPort = await freePort();
  for (const name of VERSIONS) await project.install(name);
  await project.write('app.mjs', await readFile(new URL('programs/knex.mjs', import.meta.url), 'utf8'));
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await project[Symbol.asyncDispose]();
});

async function run(layer: string, flags: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Printed & { readonly stderr: string }> {
  const environment = {
    TEST_CONNECTION: JSON.stringify(database.connection),
    TEST_REFUSING_PORT: String(refusingPort),
    TEST_LAYER: layer,
    ...more,
  };
  const { code, stdout, stderr } = await project.run('app.mjs', { flags, environment });
  if (code !== 0) throw new Error(`It ended with ${code}: ${stderr}`);
  return { ...(JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Printed), stderr };
}

describe.each(VERSIONS.map((name) => [installedVersion(name), name] as const))('Knex %s under the register hook', (version, name) => {
  it('does what it does without, and has a managed pool with its settings', async () => {
    const [without, under] = await Promise.all([run(name, []), run(name, ['--import', 'poolwright/register'])]);
    const { killed, context, ...same } = under.results;
    const { killed: _killed, context: _context, ...expected } = without.results;
    expect(same).toEqual(expected);
    // Without the hook, a statement may get a connection that the server has closed, and a stream forgets who reads it.
    expect(killed).toEqual({ killed: 3, idle: Array.from({ length: 6 }, () => 'none'), isBroken: true, after: 7 });
    expect((context as unknown[]).slice(-3)).toEqual(['second', 'second', 'second']);
    expect(without.managed).toEqual([]);
    expect(under.managed).toMatchObject([{ connectionLimit: 3, acquireTimeout: 4_000, idleTimeout: 5_000, minIdle: 0, endpoint: { database: database.database } }]);
    expect(under.left).toEqual([]);
    expect(under.stderr).toContain(`poolwright: Poolwright manages the pools of knex ${version} (POOLWRIGHT_QUIET=1 hides this line)\n`);
  });
});
