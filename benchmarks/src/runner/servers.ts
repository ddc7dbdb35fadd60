/** The servers that a run may be on, and how each is started. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build as bundle, type Plugin } from 'esbuild';
import { startMariaDb } from '../../../dist/demo/mariadb-server.js';
import type { PrivateServer, PrivateServerOptions } from '../../../dist/demo/private-server.js';
import { SERVER_SETTINGS } from './server-settings.js';

type Start = (options: PrivateServerOptions) => Promise<PrivateServer>;

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const FETCH = pathToFileURL(join(ROOT, 'scripts/servers/fetch.mjs')).href;

/** What stands after `--server`: the system's MariaDB, or the MySQL that the tests fetch. */
export const SERVERS = ['mariadb', 'mysql'] as const;

export type ServerName = (typeof SERVERS)[number];

export async function startServer(name: ServerName): Promise<PrivateServer> {
  const start = name === 'mariadb' ? startMariaDb : await mySqlStarter();
  return await start({ arguments: SERVER_SETTINGS });
}

/** What was fetched is found from the place of the script that fetches, not from that of a copy in a bundle. */
const fetchingStays: Plugin = {
  name: 'fetching stays where it is',
  setup: (build) => build.onResolve({ filter: /servers\/fetch\.mjs$/ }, () => ({ path: FETCH, external: true })),
};

/** The starter of the test tree, compiled. */
async function mySqlStarter(): Promise<Start> {
  const fetching = (await import(FETCH)) as { fetchServers(servers: readonly string[]): Promise<string | undefined> };
  const reason = await fetching.fetchServers(['mysql']);
  if (reason !== undefined) throw new Error(`MySQL cannot be had: ${reason}`);
  const outfile = join(ROOT, '.cache/benchmarks/mysql-server.mjs');
  mkdirSync(dirname(outfile), { recursive: true });
  await bundle({
    entryPoints: [join(ROOT, 'test/support/sql-servers/mysql-server.ts')],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    plugins: [fetchingStays],
    logLevel: 'warning',
  });
  return ((await import(pathToFileURL(outfile).href)) as { readonly startMySql: Start }).startMySql;
}
