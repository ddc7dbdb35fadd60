import type { DividedCores } from '../conditions/cores.js';
import type { ServerName } from './servers.js';

/** Everything that is not the server's own default, beside what its starter (src/demo/mariadb-server.ts, or that of the tests) sets; printed with the results. */
export const SERVER_SETTINGS: readonly string[] = ['--max-connections=4000', '--back-log=4000'];

/**
 * Of a server with cores of its own: MariaDB serves all connections with one group of threads for each of these cores, and not with a thread for each
 * connection. With its default, the server was at times the slower side: 65 µs for a statement on its core, where it had needed 39. A client that
 * waits sleeps, each answer wakes it, and that is work of the server, which so stays the slower side. Then all pools have the same rate.
 *
 * MySQL has no such option in its free edition.
 */
export function settingsOnOwnCores(server: ServerName, divided: DividedCores | undefined): readonly string[] {
  if (server !== 'mariadb' || divided === undefined) return SERVER_SETTINGS;
  return [...SERVER_SETTINGS, '--thread-handling=pool-of-threads', `--thread-pool-size=${divided.server.split(',').length}`];
}
