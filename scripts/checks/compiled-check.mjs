// Runs a check of several processes: compiles its TypeScript into `.cache`, and runs it there, so that its processes are plain Node.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * Compiles a check and runs it; ends this process with its exit code when that is not 0.
 *
 * @param {{ project: string, out: string, parameters: string[] }} check the folder with its tsconfig.json and main.ts, the folder in `.cache` that the former names, and the parameters of main.ts
 */
export function runCompiled({ project, out, parameters }) {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  run(join(typescript, 'bin/tsc'), '-p', project);
  // What was fetched is found from the place of the script that fetches, not from that of its copy.
  const fetching = pathToFileURL(join(root, 'scripts/servers/fetch.mjs')).href;
  writeFileSync(join(root, '.cache', out, 'scripts/servers/fetch.mjs'), `export * from '${fetching}';\n`);
  run(join('.cache', out, project, 'main.js'), ...parameters);
}
