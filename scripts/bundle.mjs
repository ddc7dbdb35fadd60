/** Puts what tsc made into few files, and the mysql layer into one file of CommonJS. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { argv, cwd } from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Puts what tsc has made into few files: Node takes about half a millisecond to load each module, and the pool has eighty. What several entry
 * points share goes into `chunks`, so that there is one of each class, by any of them. Names stay readable.
 *
 * Also makes `register/layer.cjs`: the mysql layer in one file, whose `require('mysql2')` is answered by the code that evaluates it. And
 * `register/data-layers.cjs`: what the register hook does to data layers, which it loads with the first of them.
 *
 * The usage: node scripts/bundle.mjs [<folder of the build>]
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const output = argv[2] ?? join(ROOT, 'dist');

const shared = { bundle: true, platform: 'node', target: 'node20.19', logLevel: 'warning' };

await build({
  ...shared,
  entryPoints: [join(ROOT, 'src/mysql/drop-in.ts')],
  outfile: join(output, 'register/layer.cjs'),
  format: 'cjs',
  // From where it looks for a package that users install themselves, such as ioredis.
  define: { 'import.meta.url': '__filename' },
  external: ['mysql2', 'mysql2/promise'],
});

await build({
  ...shared,
  entryPoints: [join(ROOT, 'src/register/data-layers.ts')],
  outfile: join(output, 'register/data-layers.cjs'),
  format: 'cjs',
});

// The mirrors stay as they are: `export * from` another package is what they are made of, and it does not survive bundling.
const mirrors = filesOf('mirror');
const entryPoints = [...publicFiles().filter((file) => !mirrors.includes(file)), join(output, 'mysql/drop-in.js'), ...filesOf('demo')];
const modules = filesOf('.').filter((file) => !mirrors.includes(file));
const { metafile } = await build({
  ...shared,
  entryPoints,
  outdir: output,
  outbase: output,
  allowOverwrite: true,
  format: 'esm',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  packages: 'external',
  metafile: true,
});

const written = new Set(Object.keys(metafile.outputs).map((path) => join(cwd(), path)));
for (const file of modules) if (!written.has(file)) rmSync(file);

/** What package.json lets others import and run. */
function publicFiles() {
  const { exports, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const paths = [...Object.values(exports).map((one) => one.default), ...Object.values(bin)].filter((path) => path !== undefined);
  return [...new Set(paths.map((path) => join(output, relative('dist', path))))];
}

/** JavaScript modules in a folder of the build. The benchmarks use those of the demo. */
function filesOf(folder) {
  const names = readdirSync(join(output, folder), { recursive: true });
  return names.filter((name) => name.endsWith('.js') && !name.startsWith('dashboard')).map((name) => join(output, folder, name));
}

removeUnreachable(declarations());

/** The declarations that an importer of the package can come to, from those of its entry points. */
function declarations() {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const types = Object.values(exports).map((one) => one.types);
  const reached = new Set();
  const left = [
    ...types.filter((path) => path !== undefined).map((path) => join(output, relative('dist', path))),
    // The benchmarks use them.
    ...filesOf('demo').map((file) => file.replace(/\.js$/, '.d.ts')),
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
