// Runs a check of several processes: compiles its TypeScript into a folder of its own in `.cache`, and runs it there, so that its processes are plain Node.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  return status ?? 1;
}

function compileAndRun(folder, project, parameters) {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const compiled = run(join(typescript, 'bin/tsc'), '-p', project, '--outDir', folder);
  if (compiled !== 0) return compiled;
  // What was fetched is found from the place of the script that fetches, not from that of its copy.
  const fetching = pathToFileURL(join(root, 'scripts/servers/fetch.mjs')).href;
  writeFileSync(join(folder, 'scripts/servers/fetch.mjs'), `export * from '${fetching}';\n`);
  return run(join(folder, project, 'main.js'), ...parameters);
}

/**
 * Compiles a check and runs it; ends this process with its exit code when that is not 0. Runs at the same time share nothing.
 *
 * @param {{ project: string, name: string, parameters: string[] }} check the folder with its tsconfig.json and main.ts, how its folder in `.cache` begins, and the parameters of main.ts
 */
export function runCompiled({ project, name, parameters }) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache', `${name}-`));
  try {
    process.exitCode = compileAndRun(folder, project, parameters);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
