/** The package as users install it, compiled once for all tests and runs that see the same sources. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, link, mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createTemporaryFolder } from '../../src/demo/temporary-folder.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Git ignores it. */
const BUILDS = join(ROOT, '.cache/builds');

/** What a build is made of, beside the sources. */
const MAKERS = [
  'package.json',
  'package-lock.json',
  'tsconfig.base.json',
  'tsconfig.build.json',
  'scripts/bundle.mjs',
  'scripts/build/line-maps.mjs',
];

/** No run lasts so long: what was last used before is of other sources. */
const FORGOTTEN_AFTER_MS = 6 * 3_600_000;

let found: Promise<string> | undefined;

/** The folder of the package: `package.json` and `dist`, as `npm run build` makes it without the dashboard. No test may write into it. */
export function builtPackage(): Promise<string> {
  found ??= findOrBuild();
  return found;
}

/**
 * Copies the package into a folder: what stands there finds the packages that are installed there, and no others. No test may write into its
 * files: they are the same ones under another name, where both folders are on one disk.
 */
export async function copyBuiltPackage(folder: string): Promise<void> {
  const built = await builtPackage();
  try {
    await linkFolder(built, folder);
  } catch {
    await rm(folder, { recursive: true, force: true });
    await cp(built, folder, { recursive: true });
  }
}

async function linkFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const entries = await readdir(from, { withFileTypes: true });
  await Promise.all(entries.map((entry) => (entry.isDirectory() ? linkFolder : link)(join(from, entry.name), join(to, entry.name))));
}

async function findOrBuild(): Promise<string> {
  await mkdir(BUILDS, { recursive: true });
  const name = await fingerprint();
  const folder = join(BUILDS, name);
  if (!(await readdir(BUILDS)).includes(name)) await build(folder);
  const now = new Date();
  await utimes(folder, now, now);
  await forgetOthers(name);
  return folder;
}

/** Of everything that a build depends on. */
async function fingerprint(): Promise<string> {
  const sources = await readdir(join(ROOT, 'src'), { recursive: true, withFileTypes: true });
  const files = sources.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash('sha256');
  for (const path of [...files, ...MAKERS.map((name) => join(ROOT, name))].toSorted())
    hash.update(`${path}\n`).update(await readFile(path));
  return hash.digest('hex').slice(0, 20);
}

/** Builds beside the others, and puts it in its place in one step. */
async function build(folder: string): Promise<void> {
  await using making = createTemporaryFolder('making', BUILDS);
  const made = join(making.path, 'package');
  const output = join(made, 'dist');
  await mkdir(made);
  await cp(join(ROOT, 'package.json'), join(made, 'package.json'));
  await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', output]);
  await run(process.execPath, [join(ROOT, 'scripts/bundle.mjs'), output]);
  await rename(made, folder).catch((error: { code?: string }) => {
    // Another test was quicker.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
}

async function forgetOthers(name: string): Promise<void> {
  for (const other of await readdir(BUILDS)) {
    const path = join(BUILDS, other);
    if (other === name) continue;
    const lastUsed = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      // Another test has removed it.
      () => undefined,
    );
    if (lastUsed !== undefined && Date.now() - lastUsed > FORGOTTEN_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}
