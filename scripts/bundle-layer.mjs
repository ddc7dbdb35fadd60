import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Makes `register/layer.cjs`: the mysql layer in one file, whose `require('mysql2')` is decided by whoever evaluates it.
 *
 * The usage: node scripts/bundle-layer.mjs [<folder of the build>]
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const output = argv[2] ?? join(ROOT, 'dist');

await build({
  entryPoints: [join(ROOT, 'src/mysql/drop-in.ts')],
  outfile: join(output, 'register/layer.cjs'),
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  external: ['mysql2', 'mysql2/promise'],
  logLevel: 'warning',
});
