/** Lint's rules for imports, made from the table of layers. */
import { posix } from 'node:path';
import { LAYERS, type Layer } from '../../../layers.mjs';
import { fileOfEntrance } from './layer-rules.js';

/** A part of lint's configuration, for some files. */
export interface LintOverride {
  readonly files: readonly string[];
  readonly rules: Readonly<Record<string, unknown>>;
}

interface Pattern {
  readonly group: readonly string[];
  readonly message: string;
  readonly allowTypeImports?: true;
}

/** One override for each layer, wing, and file with packages of its own. Every file is in the last that matches it. */
export function lintOverrides(): readonly LintOverride[] {
  return LAYERS.flatMap((layer) => {
    if (layer.path.endsWith('.ts')) return [override([layer.path], patternsOf(layer, posix.dirname(layer.path)))];
    const { path, wings = [], folders = [], only = {} } = layer;
    if (folders.length > 0)
      return [path, ...folders.map((name) => `${path}/${name}`)].map((one) => override([`${one}/*`], patternsOf(layer, one)));
    const places = Object.entries(only).flatMap(([name, files]) => files.map((file) => ({ name, file: `${path}/${file}` })));
    return [
      override([wings.length > 0 ? `${path}/*.ts` : `${path}/**`], patternsOf(layer, path)),
      ...wings.map((wing) => override([`${path}/${wing}/**`], patternsOf(layer, `${path}/${wing}`))),
      ...places.map(({ name, file }) => override([file], patternsOf(layer, posix.dirname(file), name))),
    ];
  });
}

function override(files: readonly string[], patterns: readonly Pattern[]): LintOverride {
  return { files, rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

/**
 * What is not listed is refused. Names of a group that begin with `!` take back what earlier ones refuse. All stand in one group, because lint
 * asks no further group about an import that one group has taken back; the groups of types, which take nothing back, come first.
 */
function patternsOf(layer: Layer, folder: string, ownPackage?: string): readonly Pattern[] {
  const { path, why, imports, typesFrom = [], loads = [], types = [], wings = [], folders = [] } = layer;
  const specifiersOf = (entrances: readonly string[]): string[] =>
    entrances.map((entrance) => specifierOf(folder, fileOfEntrance(entrance)));
  const packages = [...loads, ...types, ...(ownPackage === undefined ? [] : [ownPackage])].flatMap(withSubpaths);
  const wing = wings.find((one) => folder === `${path}/${one}`);
  const indexes =
    wing === undefined ? wings.map((one) => `./${one}/index.js`) : wings.slice(0, wings.indexOf(wing)).map((one) => `../${one}/index.js`);
  const inside = folders.length === 0 ? indexes : [...(folder === path ? folders.map((one) => `./${one}/*`) : ['../*.js']), '**/*.css'];
  const taken = [...specifiersOf([...imports, ...typesFrom]), ...inside, ...packages];
  const onlyTypes = [...specifiersOf(typesFrom), ...types.flatMap(withSubpaths)];
  return [
    ...(onlyTypes.length === 0 ? [] : [{ group: onlyTypes, message: `Types only: ${why}`, allowTypeImports: true as const }]),
    {
      group: [...EVERYTHING, ...BESIDE, ...taken.map((one) => `!${one}`)],
      message: wing === undefined ? why : `${why} ${orderOf(layer, wing)}`,
    },
  ];
}

function orderOf({ name, wings = [] }: Layer, wing: string): string {
  const lower = wings.slice(0, wings.indexOf(wing));
  if (lower.length === 0) return `${wing} is the lowest wing of ${name}: it imports no other.`;
  return `In ${name}, ${wing} imports only the wings below it, by their indexes: ${lower.join(', ')}.`;
}

const EVERYTHING: readonly string[] = ['**'];

/** Modules of Node, and files of the same folder. */
const BESIDE: readonly string[] = ['!node:*', '!node:*/*', '!./*'];

function withSubpaths(name: string): readonly string[] {
  return [name, `${name}/**`];
}

function specifierOf(folder: string, file: string): string {
  const path = posix.relative(folder, file).replace(/\.ts$/, '.js');
  return path.startsWith('.') ? path : `./${path}`;
}
