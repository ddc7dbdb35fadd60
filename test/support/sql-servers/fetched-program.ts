import { execFile } from 'node:child_process';
import { cp, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type FetchedServer, fetchedFolder, fetchedVersions } from '../../../scripts/servers/fetch.mjs';
import { endWithParent } from '../../../src/demo/server-process.js';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';

const run = promisify(execFile);

/** The beginning of a command line. */
export type Command = readonly [string, ...string[]];

/** The root of a server that `scripts/servers/fetch.mjs` has unpacked. */
export function rootOf(server: FetchedServer): string {
  if (fetchedVersions(server) === undefined) throw new Error(`${server} is not there: node scripts/servers/fetch.mjs ${server}`);
  return fetchedFolder(server);
}

/** Libraries and the loader are in a folder with the name of the machine's kind, and the loader's own name has it, too. */
async function findOne(folder: string, what: string, pattern: RegExp): Promise<string> {
  const found = (await readdir(folder)).find((name) => pattern.test(name));
  if (found === undefined) throw new Error(`There is no ${what} in ${folder}.`);
  return join(folder, found);
}

/**
 * How to run a program of a fetched server: by the loader that came with it, with its libraries, since it needs newer ones than the
 * system's. The process id stays the program's; its name is the loader's.
 *
 * @param path - From the root, such as `usr/sbin/mysqld`.
 * @param moreLibraries - Folders of libraries beside the usual one, from the root.
 */
export async function fetchedCommand(server: FetchedServer, path: string, moreLibraries: readonly string[] = []): Promise<Command> {
  const root = rootOf(server);
  const libraries = await findOne(join(root, 'usr/lib'), 'folder of libraries', /-linux-gnu/u);
  const loaderFolder = (await readdir(join(root, 'usr'))).includes('lib64') ? 'usr/lib64' : 'usr/lib';
  const loader = await findOne(join(root, loaderFolder), 'loader', /^ld-linux.*\.so\.\d+$/u);
  const search = [libraries, ...moreLibraries.map((folder) => join(root, folder))].join(':');
  // A program that looks for its own folder finds it by the name that it was started with.
  return [loader, '--library-path', search, '--argv0', join(root, path), join(root, path)];
}

/** Runs a command to its end. It ends with this process. */
export async function runToEnd([command, ...first]: Command, args: readonly string[], input?: string): Promise<void> {
  const [program, all] = await endWithParent(command, [...first, ...args]);
  const running = run(program, all, { maxBuffer: 64 * 1024 * 1024 });
  // A program that ends early says why itself.
  running.child.stdin?.on('error', () => undefined);
  running.child.stdin?.end(input ?? '');
  await running.catch((cause: unknown) => {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string };
    throw new Error(`${first.at(-1) ?? command} failed: ${`${stdout}\n${stderr}`.trim().slice(-2_000)}`, { cause });
  });
}

/**
 * Copies a server's template of a data folder, which is made when it is not there yet. It stays beside the server for later runs.
 *
 * @param name - Of the template: another one for each way to make it.
 * @param make - Makes the data folder, which does not exist yet. The other folder is for temporary files.
 */
export async function copyTemplate(
  server: FetchedServer,
  name: string,
  folder: string,
  make: (folder: string, temporaryFolder: string) => Promise<void>,
): Promise<void> {
  const root = rootOf(server);
  const template = join(root, name);
  if (!(await readdir(root)).includes(name)) {
    await using making = createTemporaryFolder(name, root);
    const made = join(making.path, 'data');
    await make(made, making.path);
    await rename(made, template).catch((error: { code?: string }) => {
      // Another run was quicker.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  }
  await cp(template, folder, { recursive: true });
}
