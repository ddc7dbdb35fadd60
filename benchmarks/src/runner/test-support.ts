/** What the test tree has and a benchmark needs, compiled when it is asked for. */
import { mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build as bundle, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const FETCH = pathToFileURL(join(ROOT, 'scripts/servers/fetch.mjs')).href;

/** What was fetched is found from the place of the script that fetches, not from that of a copy in a bundle. */
const fetchingStays: Plugin = {
  name: 'fetching stays where it is',
  setup: (build) => build.onResolve({ filter: /servers\/fetch\.mjs$/ }, () => ({ path: FETCH, external: true })),
};

/** Fetches MySQL, unless it is there. */
export async function fetchMySql(): Promise<void> {
  const fetching = (await import(FETCH)) as { fetchServers(servers: readonly string[]): Promise<string | undefined> };
  const reason = await fetching.fetchServers(['mysql']);
  if (reason !== undefined) throw new Error(`MySQL cannot be had: ${reason}`);
}

/** What a file of test/support exports. */
export async function fromTestSupport<T>(path: string): Promise<T> {
  const outfile = join(ROOT, '.cache/benchmarks', `${basename(path, '.ts')}.mjs`);
  mkdirSync(dirname(outfile), { recursive: true });
  await bundle({
    entryPoints: [join(ROOT, 'test/support', path)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    plugins: [fetchingStays],
    logLevel: 'warning',
  });
  return (await import(pathToFileURL(outfile).href)) as T;
}
