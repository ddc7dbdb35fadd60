/** The servers that a run may be on, and how each is started. */
import { startMariaDb } from '../../../dist/demo/mariadb-server.js';
import type { PrivateServer, PrivateServerOptions } from '../../../dist/demo/private-server.js';
import { SERVER_SETTINGS } from './server-settings.js';
import { fetchMySql, fromTestSupport } from './test-support.js';

type Start = (options: PrivateServerOptions) => Promise<PrivateServer>;

/** What stands after `--server`: the system's MariaDB, or the MySQL that the tests fetch. */
export const SERVERS = ['mariadb', 'mysql'] as const;

export type ServerName = (typeof SERVERS)[number];

export async function startServer(name: ServerName, settings: readonly string[] = SERVER_SETTINGS): Promise<PrivateServer> {
  const start = name === 'mariadb' ? startMariaDb : await mySqlStarter();
  return await start({ arguments: settings });
}

/** The starter of the test tree. */
async function mySqlStarter(): Promise<Start> {
  await fetchMySql();
  return (await fromTestSupport<{ readonly startMySql: Start }>('sql-servers/mysql-server.ts')).startMySql;
}
