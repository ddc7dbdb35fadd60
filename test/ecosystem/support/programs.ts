import { readFile } from 'node:fs/promises';
import { freePort } from '../../../src/demo/free-port.js';
import { createProject } from '../../mirrors/support/project.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';

/** What a program of test/ecosystem/programs prints. */
export interface Printed {
  readonly results: Readonly<Record<string, unknown>>;
  /** The options of its managed pools. */
  readonly managed: readonly Readonly<Record<string, unknown>>[];
  /** Managed pools that are there when all is closed. */
  readonly left: readonly string[];
  readonly stderr: string;
}

/** All of them in `npm run check:data-layers`; the oldest and the newest else. */
export function inThisRun(versions: readonly string[]): readonly string[] {
  return process.env['EVERY_VERSION'] === '1' ? versions : versions.filter((_, index) => index === 0 || index === versions.length - 1);
}

/** A program, in a project where data layers are installed. */
export interface Programs extends AsyncDisposable {
  readonly database: TestDatabase;
  /** Runs it with one of the data layers: without the register hook, and under it. */
  run(layer: string): Promise<{ readonly without: Printed; readonly under: Printed }>;
}

export async function openPrograms(file: string, layers: readonly string[]): Promise<Programs> {
  const project = await createProject();
  const database = await createDatabase();
  const refusingPort = await freePort();
  for (const name of layers) await project.install(name);
  await project.write('app.mjs', await readFile(new URL(`../programs/${file}`, import.meta.url), 'utf8'));
  const run = async (layer: string, flags: readonly string[]): Promise<Printed> => {
    const environment = {
      TEST_CONNECTION: JSON.stringify(database.connection),
      TEST_REFUSING_PORT: String(refusingPort),
      TEST_LAYER: layer,
    };
    const { code, stdout, stderr } = await project.run('app.mjs', { flags, environment, timeoutMs: 60_000 });
    if (code !== 0) throw new Error(`It ended with ${code}: ${stderr}`);
    return { ...(JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Omit<Printed, 'stderr'>), stderr };
  };
  return {
    database,
    async run(layer) {
      const without = await run(layer, []);
      return { without, under: await run(layer, ['--import', 'poolwright/register']) };
    },
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await project[Symbol.asyncDispose]();
    },
  };
}
