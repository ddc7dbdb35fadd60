/** `node --import poolwright/register`: makes the pools of an application that was written for mysql2 managed ones. */
import { existsSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { replaceDataLayerIn } from './data-layer-copies.js';
import { type Exports, Mysql2Copy } from './mysql2-copy.js';
import { failure, notice, noticeOnce } from './notice.js';
import { isTestedVersion, OWN_VERSION, packageIn, TESTED_RANGE } from './versions.js';

/**
 * Makes the pools of an application that was written for mysql2 managed ones, with no change to it:
 *
 *     node --import poolwright/register app.js
 *
 * Knex and Sequelize, which have pools of their own over single connections of mysql2, get managed ones too: data-layer-copies.ts.
 *
 * Every mysql2 that the application loads has two modules. Their `createPool` and `createPoolCluster` are replaced right after the module was
 * evaluated: before `require()` returns, and before `import` reads the names. Both ways end in Node's loader of CommonJS files, and only that
 * loader is changed. Deno has that loader, too. On Bun, `import` does not come by: there, the mysql2 that the
 * program would find is loaded at once.
 */

/** mysql2's two entry points; its folder may have another name, as after `npm install mysql@npm:mysql2`. */
const ENTRY = /[\\/][^\\/]*mysql[^\\/]*[\\/](index|promise)\.js$/;

interface LoadedModule {
  readonly exports: Exports;
  /** False for a module that is in the cache but not evaluated yet. */
  readonly loaded: boolean;
}

/** The part of Node's CommonJS loader that is changed. Its typings lack it, but every tool of this kind builds on it. */
interface CommonJsLoader {
  readonly prototype: { load: (this: LoadedModule, filename: string) => void };
  readonly _cache: Readonly<Record<string, LoadedModule | undefined>>;
  readonly _extensions: Record<'.js', (this: unknown, module: LoadedModule, filename: string) => void>;
}

const ownRequire = createRequire(import.meta.url);

const INSTALLED = Symbol.for('poolwright.register');

/** By folder; `undefined` for a package that stays as it is. */
const copies = new Map<string, Mysql2Copy | undefined>();

install();

/** Does nothing the second time: the flag may be given twice, and by an `import` too. */
function install(): void {
  const holder = globalThis as { [INSTALLED]?: true };
  if (holder[INSTALLED]) return;
  holder[INSTALLED] = true;
  const entries = installedEntries();
  if (isMainThread && entries.length === 0) notice('no mysql2 is installed where this program looks for it, so nothing is changed');
  if (process.versions['bun'] === undefined) {
    changeLoader();
    return;
  }
  changeHandlerOfFiles();
  for (const filename of entries) replaceIn({ exports: ownRequire(filename) as Exports }, filename);
}

/** Bun's loader is not made of functions that can be replaced; it calls this handler for files that others require, but for none that is imported. */
function changeHandlerOfFiles(): void {
  const { _extensions: handlers } = Module as unknown as CommonJsLoader;
  const { '.js': original } = handlers;
  handlers['.js'] = function load(module, filename) {
    Reflect.apply(original, this, [module, filename]);
    replaceIn(module, filename);
  };
}

function changeLoader(): void {
  const { prototype, _cache: loaded } = Module as unknown as CommonJsLoader;
  const { load: original } = prototype;
  // Not the handler of '.js' files: tools that compile TypeScript replace it and do not call the one before.
  prototype.load = function load(filename) {
    Reflect.apply(original, this, [filename]);
    replaceIn(this, filename);
  };
  for (const [filename, module] of Object.entries(loaded)) if (module?.loaded === true) replaceIn(module, filename);
}

/** Never throws: an application must not fail because of Poolwright. */
function replaceIn({ exports }: Pick<LoadedModule, 'exports'>, filename: string): void {
  const entry = ENTRY.exec(filename)?.[1];
  if (entry === undefined) {
    replaceDataLayerIn(exports, filename);
    return;
  }
  const folder = dirname(filename);
  try {
    if (!copies.has(folder)) copies.set(folder, recognize(folder));
    copies.get(folder)?.replaceIn(exports, entry === 'index' ? 'callback' : 'promise');
  } catch (error) {
    failure(`mysql2 in ${folder} is left as it is: ${String(error)}`);
  }
}

function recognize(folder: string): Mysql2Copy | undefined {
  if (!existsSync(join(folder, 'package.json'))) return undefined;
  const { name, version } = packageIn(folder);
  if (name !== 'mysql2') return undefined;
  if (!isTestedVersion(version)) {
    failure(`mysql2 ${version} is left as it is: Poolwright ${OWN_VERSION} is tested with ${TESTED_RANGE}`);
    return undefined;
  }
  if (isMainThread) noticeOnce(`Poolwright ${OWN_VERSION} manages the pools of mysql2 ${version} (POOLWRIGHT_QUIET=1 hides this line)`);
  return new Mysql2Copy(folder);
}

/** The entry points of the mysql2 that is found from the program's file, and of the one that is found where the process was started. */
function installedEntries(): string[] {
  const program = process.argv[1];
  const folders = [process.cwd(), ...(program === undefined ? [] : [dirname(program)])];
  const found = folders.flatMap((folder) => {
    const { resolve } = createRequire(pathToFileURL(join(folder, 'noop.js')));
    return ['mysql2', 'mysql2/promise'].flatMap((name) => {
      try {
        return [resolve(name)];
      } catch {
        return [];
      }
    });
  });
  return [...new Set(found)];
}
