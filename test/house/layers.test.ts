/** The layers of layers.mjs, held against the imports of the sources. */
import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LAYERS } from '../../layers.mjs';
import { read, root } from '../docs/table-in.js';
import { circlesOf } from './support/circles.js';
import { importsOf } from './support/imports.js';
import { fileOfEntrance, layerOf, refusalOf } from './support/layer-rules.js';
import { filesIn, folderOf } from './support/sources.js';

const files = [...filesIn('src'), ...filesIn('dashboard/src')];
const imports = importsOf(files);
const arrows = imports.flatMap(({ from, to }) => (to === undefined ? [] : [{ from, to }]));

describe('the table of layers', () => {
  it('has a row for every folder and file of src, and no other', () => {
    const there = readdirSync(`${root}src`).map((name) => `src/${name}`);
    expect(
      LAYERS.map(({ path }) => path)
        .filter((path) => path.startsWith('src/'))
        .toSorted(),
    ).toEqual(there.toSorted());
  });

  it.each(LAYERS)('says of $name what it is and why, each in sentences', ({ is, why }) => {
    expect(is).toMatch(/^[A-Z`m].+\.$/);
    expect(why).toMatch(/^\w.+\.$/);
  });

  it.each(LAYERS)('names the wings of $name, each once', ({ path, wings = [], folders = [] }) => {
    const there = path.endsWith('.ts') ? [] : readdirSync(`${root}${path}`, { withFileTypes: true }).filter((one) => one.isDirectory());
    expect([...wings, ...folders].toSorted()).toEqual(there.map(({ name }) => name).toSorted());
  });

  it.each(LAYERS)('lets $name import lower layers only, by entrances that are there', ({ name, imports: entrances, typesFrom = [] }) => {
    const lower = LAYERS.slice(
      0,
      LAYERS.findIndex((one) => one.name === name),
    ).map((one) => one.name);
    const all = [...entrances, ...typesFrom];
    expect(all.filter((entrance) => !lower.includes(entrance.split('/')[0] ?? ''))).toEqual([]);
    expect(all.filter((entrance) => !existsSync(`${root}${fileOfEntrance(entrance)}`))).toEqual([]);
    expect(all.filter((entrance) => isDeep(entrance))).toEqual([]);
  });

  it('names no entrance that nothing enters', () => {
    const entered = new Set(arrows.map(({ from, to }) => `${layerOf(from).name} > ${to}`));
    const unused = LAYERS.flatMap(({ name, imports: entrances, typesFrom = [] }) =>
      [...entrances, ...typesFrom]
        .filter((entrance) => !entered.has(`${name} > ${fileOfEntrance(entrance)}`))
        .map((entrance) => `${name}: ${entrance}`),
    );
    expect(unused).toEqual([]);
  });

  it('names no door that leads nowhere: each is imported from another layer, exported by package.json, or a command', () => {
    const { exports, bin } = JSON.parse(read('package.json')) as Manifest;
    const published = [...Object.values(exports), ...Object.values(bin)].map((one) => (typeof one === 'string' ? one : one.default));
    const unused = LAYERS.flatMap(({ name, path, doors = [] }) => doors.map((door) => ({ name, file: `${path}/${door}.ts` }))).filter(
      ({ name, file }) =>
        !published.includes(file.replace('src/', './dist/').replace('.ts', '.js')) &&
        !arrows.some(({ from, to }) => to === file && layerOf(from).name !== name),
    );
    expect(unused).toEqual([]);
  });

  /** Neither a layer, nor a wing, nor a door. */
  function isDeep(entrance: string): boolean {
    const [first, ...others] = entrance.split('/');
    const layer = LAYERS.find(({ name }) => name === first);
    return others.length > 0 && ![...(layer?.wings ?? []), ...(layer?.doors ?? [])].includes(others.join('/'));
  }
});

describe('imports', () => {
  it('go down only, through an index or a door, and to the packages that the layer may import', () => {
    expect(imports.map(refusalOf).filter((refusal) => refusal !== undefined)).toEqual([]);
  });

  it('form no circle of files, types counted: move what both need to a file below both', () => {
    expect(circlesOf(arrows.map(({ from, to }) => [from, to]))).toEqual([]);
  });

  it('form no circle of folders, types counted: move what both need to a folder below both', () => {
    const inWings = arrows.filter(({ from }) => layerOf(from).folders === undefined);
    expect(circlesOf(inWings.map(({ from, to }) => [folderOf(from), folderOf(to)]))).toEqual([]);
  });

  it('reach a server of HTTP in monitor and above only', () => {
    const below = LAYERS.slice(
      0,
      LAYERS.findIndex(({ name }) => name === 'monitor'),
    ).map(({ name }) => name);
    const serving = imports.filter(
      ({ from, specifier }) => /^(?:node:http|node:http2|node:https|fastify)$/.test(specifier) && below.includes(layerOf(from).name),
    );
    expect(serving.map(({ from, line }) => `${from}:${line}: nothing below monitor opens an HTTP port. Serve it in src/monitor`)).toEqual(
      [],
    );
  });

  it('reach mysql2 in the file of the driver and in the mirrors only, types counted', () => {
    const outside = imports.filter(
      ({ packageName, from }) => packageName === 'mysql2' && from !== 'src/mysql/driver/driver.ts' && layerOf(from).name !== 'mirror',
    );
    expect(outside.map(({ from, line }) => `${from}:${line}: import it from src/mysql/driver/index.ts`)).toEqual([]);
    expect(imports.some(({ packageName, from }) => packageName === 'mysql2' && from === 'src/mysql/driver/driver.ts')).toBe(true);
  });
});

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  readonly bin: Readonly<Record<string, string>>;
}
