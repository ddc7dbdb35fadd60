/** Recognizes Knex and Sequelize among what an application loads, and has their pools replaced. */
import Module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { makerFor } from './mysql2-copy.js';
import { failure, notice } from './notice.js';
import type { DataLayerCopy } from './pool-maker.js';
import { packageIn } from './versions.js';

/** The files of Knex and Sequelize whose classes make pools. */
const ENTRY = /[\\/]lib[\\/](?:client|sequelize|dialects[\\/]abstract[\\/]connection-manager)\.js$/;

/** A package that is recognized. */
interface Known {
  /** Which of its files it is. */
  readonly file: RegExp;
  readonly isTested: (version: string) => boolean;
  readonly tested: string;
  /** The function of data-layers.cjs that replaces its pools. */
  readonly replace: string;
  /** What `POOLWRIGHT_LEAVE` calls it. */
  readonly called: string;
}

const KNOWN: Readonly<Record<string, Known>> = {
  knex: {
    file: /[\\/]lib[\\/]client\.js$/,
    isTested: (version) => /^(?:2\.(?:[4-9]|\d\d)|3)\.\d/.test(version),
    tested: '2.4 to 3.x',
    replace: 'replaceKnexPools',
    called: 'knex',
  },
  sequelize: {
    file: /[\\/]abstract[\\/]connection-manager\.js$/,
    isTested: (version) => /^6\.\d+\.\d/.test(version),
    tested: '6.x',
    replace: 'replaceSequelizePools',
    called: 'sequelize',
  },
  '@sequelize/core': {
    file: /[\\/]lib[\\/]sequelize\.js$/,
    isTested: (version) => /^7\.\d+\.\d/.test(version),
    tested: '7.x',
    replace: 'replaceSequelize7Pools',
    called: 'sequelize',
  },
};

/** In one file of CommonJS, which `npm run build` makes: it is loaded in the middle of a `require`, and only then. */
const ADAPTERS = fileURLToPath(new URL('data-layers.cjs', import.meta.url));

type Replace = (exports: unknown, copy: DataLayerCopy) => void;

/** Exports that were seen: a file is evaluated again when an application empties Node's cache. */
const seen = new WeakSet<object>();
const announced = new Set<string>();

/** Does nothing for every other file. Never throws: what goes wrong is said, and the data layer stays as it is. */
export function replaceDataLayerIn(exports: unknown, filename: string): void {
  if (!ENTRY.test(filename)) return;
  try {
    replaceIn(exports, filename);
  } catch (error) {
    failure(`the pools of ${filename} are left as they are: ${String(error)}`);
  }
}

function replaceIn(exports: unknown, filename: string): void {
  if (!(exports instanceof Object) || seen.has(exports)) return;
  const found = packageOf(filename);
  const known = found === undefined ? undefined : KNOWN[found.name];
  if (found === undefined || known === undefined || !known.file.test(filename)) return;
  seen.add(exports);
  if (isLeft(known.called)) return;
  const { name, version } = found;
  if (!known.isTested(version)) {
    failure(`the pools of ${name} ${version} are left as they are: Poolwright is tested with ${known.tested}`);
    return;
  }
  const adapters = createRequire(import.meta.url)(ADAPTERS) as Readonly<Record<string, Replace>>;
  adapters[known.replace]?.(exports, copyAt(filename, name, version));
}

/** The package that a file of its `lib` belongs to. */
function packageOf(filename: string): { readonly name: string; readonly version: string } | undefined {
  try {
    return packageIn(filename.replace(/[\\/]lib[\\/](?:dialects[\\/]abstract[\\/])?[^\\/]+$/, ''));
  } catch {
    return undefined;
  }
}

/** `POOLWRIGHT_LEAVE=knex,sequelize`: their pools stay their own. */
function isLeft(called: string): boolean {
  const names = (process.env['POOLWRIGHT_LEAVE'] ?? '').split(',');
  return names.some((name) => name.trim().toLowerCase() === called);
}

function copyAt(filename: string, name: string, version: string): DataLayerCopy {
  const called = `${name} ${version}`;
  return {
    name: called,
    version,
    require: createRequire(filename),
    requireBeside,
    makerFor,
    replaced: () => once(notice, `Poolwright manages the pools of ${called} (POOLWRIGHT_QUIET=1 hides this line)`),
    left: (why) => once(failure, `Poolwright leaves a pool of ${called} as it is: ${why}`),
  };
}

function requireBeside(file: RegExp, isIt: (exports: unknown) => boolean): NodeJS.Require | undefined {
  const { _cache: loaded } = Module as unknown as { readonly _cache: Readonly<Record<string, { readonly exports: unknown } | undefined>> };
  const found = Object.keys(loaded).find((path) => file.test(path) && isIt(loaded[path]?.exports ?? {}));
  return found === undefined ? undefined : createRequire(join(dirname(found), 'noop.js'));
}

function once(say: (text: string) => void, text: string): void {
  if (!isMainThread || announced.has(text)) return;
  announced.add(text);
  say(text);
}
