/** Programs of the tests, in TypeScript, that run as processes of their own. */

import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Where such a program runs: the folder that has the packages which it needs. */
export const PROGRAM_FOLDER = fileURLToPath(new URL('../../', import.meta.url));

/** Bundles a program, with the sources that it imports. Returns the file to run, which this process removes when it ends. */
export async function bundledProgram(source: URL): Promise<string> {
  const entry = fileURLToPath(source);
  const outfile = `${PROGRAM_FOLDER}.cache/${basename(entry, '.ts')}-${randomUUID()}.mjs`;
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    logLevel: 'warning',
  });
  process.once('exit', () => rmSync(outfile, { force: true }));
  return outfile;
}
