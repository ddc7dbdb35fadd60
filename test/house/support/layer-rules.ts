/** What the table of layers says about one import. */
import { LAYERS, type Layer } from '../../../layers.mjs';
import { folderOf } from './sources.js';
import type { Import } from './imports.js';

/** The layer that a file is in. */
export function layerOf(path: string): Layer {
  const layer = LAYERS.find((one) => path === one.path || path.startsWith(`${one.path}/`));
  if (layer === undefined) throw new Error(`${path} is in no layer: give its folder a row in layers.mjs.`);
  return layer;
}

/** The folder of its layer that a file is in; undefined for the files that stand above the wings. */
export function wingOf(path: string): string | undefined {
  const [first, ...others] = path.slice(layerOf(path).path.length + 1).split('/');
  return others.length > 0 ? first : undefined;
}

/** The file that an entrance of the table stands for. */
export function fileOfEntrance(entrance: string): string {
  const [name, ...path] = entrance.split('/');
  const layer = LAYERS.find((one) => one.name === name);
  if (layer === undefined) throw new Error(`layers.mjs has no layer ${name}.`);
  if (path.length === 0) return layer.path.endsWith('.ts') ? layer.path : `${layer.path}/index.ts`;
  return `${layer.path}/${path.join('/')}${layer.wings?.includes(path.join('/')) === true ? '/index' : ''}.ts`;
}

/** Why an import is refused, with what to do instead; undefined when it is allowed. */
export function refusalOf(one: Import): string | undefined {
  const refused = one.packageName === undefined ? refusalOfFile(one) : refusalOfPackage(one, one.packageName);
  return refused === undefined ? undefined : `${one.from}:${one.line} imports ${one.specifier}: ${refused}`;
}

function refusalOfFile({ from, to, specifier, typeOnly }: Import): string | undefined {
  if (to === undefined) return specifier.startsWith('.') && !/\.(?:css|json)$/.test(specifier) ? 'it is not there.' : undefined;
  return layerOf(from) === layerOf(to) ? refusalInside(from, to) : refusalOfEntrance(from, to, typeOnly);
}

function refusalOfEntrance(from: string, to: string, typeOnly: boolean): string | undefined {
  const { imports, typesFrom = [], why } = layerOf(from);
  const allowed = (typeOnly ? [...imports, ...typesFrom] : imports).map(fileOfEntrance);
  if (allowed.includes(to)) return undefined;
  const ofThatLayer = allowed.filter((file) => layerOf(file) === layerOf(to));
  const fix =
    ofThatLayer.length > 0 ? `Enter ${layerOf(to).name} by ${ofThatLayer.join(' or ')}.` : 'Move what both need to a lower layer.';
  return `${why} ${fix}`;
}

function refusalInside(from: string, to: string): string | undefined {
  if (folderOf(from) === folderOf(to)) return undefined;
  const { name, path, wings = [], folders = [] } = layerOf(from);
  if (folders.length > 0) return undefined;
  const [mine, its] = [wingOf(from), wingOf(to)];
  if (mine !== undefined && its === undefined) return `the files beside the wings of ${name} stand on them. Move what is needed to a wing.`;
  if (mine !== undefined && wings.indexOf(its ?? '') > wings.indexOf(mine)) {
    return `in ${name}, ${its} is above ${mine} (layers.mjs). Move what both need to a lower wing, or hand it in.`;
  }
  const index = `${path}/${its}/index.ts`;
  return to === index ? undefined : `a folder is entered by its index. Import from ${index}.`;
}

function refusalOfPackage({ from, typeOnly }: Import, packageName: string): string | undefined {
  const { path, why, loads = [], types = [], only = {} } = layerOf(from);
  const places = only[packageName]?.map((file) => `${path}/${file}`);
  if (places !== undefined) return places.includes(from) ? undefined : `${why} Only ${places.join(', ')} imports it.`;
  if (loads.includes(packageName)) return undefined;
  if (!types.includes(packageName)) return why;
  return typeOnly ? undefined : `users may not have it installed. Import its types, and load it by requirePeer of src/packages.`;
}
