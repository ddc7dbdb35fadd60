/** Puts what tsc made into few files, and the mysql layer into one file of CommonJS. */
import { readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { argv, cwd } from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { keepLinesOfMaps } from './build/line-maps.mjs';

/**
 * Puts what tsc has made into few files: Node takes one to two milliseconds to load each module, and a pool has two hundred. What several entry
 * points share goes into `chunks`, so that there is one of each class, by any of them. Names stay readable.
 *
 * Also makes `register/layer.cjs`: the mysql layer in one file, whose `require('mysql2')` is answered by the code that evaluates it. And
 * `register/data-layers.cjs`: what the register hook does to data layers, which it loads with the first of them.
 *
 * Each file has a source map beside it, but for `register/layer.cjs`: Node applies no map to code that is evaluated as that is.
 *
 * The usage: node scripts/bundle.mjs [<folder of the build>]
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
// As esbuild names files, behind symbolic links.
const output = realpathSync(argv[2] ?? join(ROOT, 'dist'));

const shared = { bundle: true, platform: 'node', target: 'node20.19', logLevel: 'warning' };

await build({
  ...shared,
  entryPoints: [join(ROOT, 'src/mysql/drop-in.ts')],
  outfile: join(output, 'register/layer.cjs'),
  format: 'cjs',
  // From where it looks for a package that users install themselves, such as ioredis.
  define: { 'import.meta.url': '__filename' },
  external: ['mysql2', 'mysql2/promise'],
  // It is a second copy of the mysql layer: without its indentation, the package is 5 % smaller. Names stay, and short lines keep traces useful.
  minifyWhitespace: true,
  lineLimit: 160,
});

await build({
  ...shared,
  entryPoints: [join(ROOT, 'src/register/data-layers.ts')],
  outfile: join(output, 'register/data-layers.cjs'),
  format: 'cjs',
  sourcemap: 'external',
});

// The mirrors stay as they are: `export * from` another package is what they are made of, and it does not survive bundling.
const mirrors = filesOf('mirror');
const entryPoints = [...publicFiles().filter((file) => !mirrors.includes(file)), join(output, 'mysql/drop-in.js'), ...benchmarkFiles()];
const modules = filesOf('.').filter((file) => !mirrors.includes(file));
/** A description in JSON, as one text: as an object it would take twice the room. */
const compactJson = {
  name: 'compact-json',
  setup(builder) {
    builder.onLoad({ filter: /\.json$/ }, ({ path }) => {
      const text = JSON.stringify(JSON.parse(readFileSync(path, 'utf8')));
      return { contents: `export default JSON.parse(${JSON.stringify(text)});`, loader: 'js' };
    });
  },
};

const inChunks = {
  ...shared,
  entryPoints,
  outdir: output,
  outbase: output,
  allowOverwrite: true,
  format: 'esm',
  splitting: true,
  sourcemap: 'external',
  chunkNames: 'chunks/[name]-[hash]',
  packages: 'external',
  metafile: true,
  plugins: [compactJson],
};
const modulesNeeded = graphOf((await build({ ...inChunks, write: false })).metafile.inputs);
const { metafile } = await build({ ...inChunks, plugins: [compactJson, together(modulesNeeded)], ignoreAnnotations: true });

const written = new Set(Object.keys(metafile.outputs).map((path) => join(cwd(), path)));
for (const file of modules) if (!written.has(file)) rmSync(file);
leaveOut(Object.keys(metafile.outputs).filter((path) => metafile.outputs[path].bytes === 0));

/** Removes empty chunks, which esbuild writes for what has only types, and the imports of them. */
function leaveOut(empty) {
  for (const [path, { imports }] of Object.entries(metafile.outputs)) {
    const names = imports.filter((one) => empty.includes(one.path)).map((one) => basename(one.path));
    if (names.length === 0) continue;
    const lines = readFileSync(path, 'utf8').split('\n');
    // An empty line stays in place of each: the source map counts lines.
    const isLeftOut = (line) => line.startsWith('import "') && names.some((name) => line.includes(name));
    writeFileSync(path, lines.map((line) => (isLeftOut(line) ? '' : line)).join('\n'));
  }
  for (const path of empty) rmSync(path);
}

/**
 * What each module imports, and which modules are entered by `import()`.
 *
 * @param inputs the inputs of esbuild's metafile
 */
function graphOf(inputs) {
  const imported = new Map();
  const entries = new Set(entryPoints);
  for (const [path, { imports }] of Object.entries(inputs)) {
    const inside = imports.filter(({ external }) => external !== true);
    for (const { kind, path: target } of inside) if (kind === 'dynamic-import') entries.add(join(cwd(), target));
    const statically = inside.filter(({ kind }) => kind !== 'dynamic-import').map(({ path: target }) => join(cwd(), target));
    imported.set(join(cwd(), path), statically);
  }
  return { imported, entries };
}

/** All modules that are loaded with these ones, themselves included; a module comes after those that it imports. */
function closureOf({ imported }, files) {
  const found = new Set();
  const visited = new Set();
  const visit = (file) => {
    if (visited.has(file)) return;
    visited.add(file);
    for (const next of imported.get(file) ?? []) visit(next);
    found.add(file);
  };
  for (const file of files) visit(file);
  return found;
}

/**
 * Keeps what `poolwright` loads in three chunks, not in one for each set of entry points that share a module: what the subpaths without a driver
 * need too, what pools need, and clusters. esbuild puts modules into one chunk when the same entry points reach them. So each entry point
 * that reaches one module of a group is made to reach them all.
 */
function together(graph) {
  const loadedWith = (...names) =>
    closureOf(
      graph,
      names.map((name) => join(output, name)),
    );
  const light = loadedWith('engine/index.js', 'resilience/index.js', 'cache/index.js');
  const pool = loadedWith('mysql/index.js');
  const groups = {
    light: [...pool].filter((file) => light.has(file)),
    pool: [...pool].filter((file) => !light.has(file)),
    cluster: [...loadedWith('cluster/index.js')].filter((file) => !pool.has(file)),
  };
  return {
    name: 'together',
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /^group:/ }, ({ path }) => ({ path: path.slice('group:'.length), namespace: 'group' }));
      onLoad({ filter: /./, namespace: 'group' }, ({ path }) => ({
        contents: groups[path].map((file) => `import ${JSON.stringify(file)};`).join('\n'),
        resolveDir: output,
      }));
      onLoad({ filter: /\.js$/, namespace: 'file' }, ({ path }) => {
        if (!graph.entries.has(path)) return undefined;
        const needed = closureOf(graph, [path]);
        const wanted = Object.keys(groups).filter((name) => groups[name].some((file) => needed.has(file)));
        const imports = wanted.map((name) => `import 'group:${name}';`).join('\n');
        return { contents: `${readFileSync(path, 'utf8')}\n${imports}`, resolveDir: dirname(path) };
      });
    },
  };
}

/** What package.json lets others import and run. */
function publicFiles() {
  const { exports, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const paths = [...Object.values(exports).map((one) => one.default), ...Object.values(bin)].filter((path) => path !== undefined);
  return [...new Set(paths.map((path) => join(output, relative('dist', path))))];
}

/** Modules of the demo that the benchmarks use: how servers are started. */
function benchmarkFiles() {
  const names = ['certificates', 'find-executable', 'free-port', 'mariadb-server', 'private-server', 'server-process', 'temporary-folder'];
  return names.map((name) => join(output, `demo/${name}.js`));
}

/** JavaScript modules in a folder of the build. */
function filesOf(folder) {
  const names = readdirSync(join(output, folder), { recursive: true });
  return names.filter((name) => name.endsWith('.js') && !name.startsWith('dashboard')).map((name) => join(output, folder, name));
}

keepLinesOfMaps(output);
removeUnreachable(declarations());
// tsc has copied it, and a chunk holds it now.
rmSync(join(output, 'monitor/server/openapi.json'));

/** The declarations that an importer of the package can come to, from those of its entry points. */
function declarations() {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const types = Object.values(exports).map((one) => one.types);
  const reached = new Set();
  const left = [
    ...types.filter((path) => path !== undefined).map((path) => join(output, relative('dist', path))),
    ...benchmarkFiles().map((file) => file.replace(/\.js$/, '.d.ts')),
  ];
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)\.js['"]/g)) {
      left.push(join(dirname(file), `${path}.d.ts`));
    }
  }
  return reached;
}

/** TypeScript would not read the others, and they are a quarter of all. */
function removeUnreachable(reached) {
  for (const name of readdirSync(output, { recursive: true })) {
    if (name.endsWith('.d.ts') && !reached.has(join(output, name))) rmSync(join(output, name));
  }
}
