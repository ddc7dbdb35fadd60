import { join } from 'node:path';
import { fetchedCommand, rootOf } from './fetched-program.js';
import { type Destination, type ProxyProcess, startProxyProcess } from './proxy-process.js';

/** How to start a MySQL Router. */
export interface MySqlRouterOptions {
  /** More lines of the route's section, such as `{ connection_sharing: '1' }`; they win over the ones made here. */
  readonly route?: Readonly<Record<string, string>>;
  /** More sections, such as `{ connection_pool: { max_idle_server_connections: '32' } }`. */
  readonly sections?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

function iniFile(sections: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  return Object.entries(sections)
    .flatMap(([section, lines]) => [`[${section}]`, ...Object.entries(lines).map(([name, value]) => `${name}=${value}`), ''])
    .join('\n');
}

/**
 * Starts a MySQL Router in front of servers, which takes them in turn and passes everything through.
 *
 * @throws Error when it was not fetched (saying how) or does not start (with the end of its log).
 */
export async function startMySqlRouter(destinations: readonly Destination[], options: MySqlRouterOptions = {}): Promise<ProxyProcess> {
  const command = await fetchedCommand('mysql', 'usr/bin/mysqlrouter', ['usr/lib/mysql-router']);
  return await startProxyProcess({
    name: 'MySQL Router',
    command,
    arguments: (path) => ['--config', path],
    configuration: (port, folder) =>
      iniFile({
        DEFAULT: {
          logging_folder: '',
          runtime_folder: folder,
          data_folder: folder,
          plugin_folder: join(rootOf('mysql'), 'usr/lib/mysqlrouter/plugin'),
        },
        logger: { level: 'INFO' },
        'routing:servers': {
          bind_address: '127.0.0.1',
          bind_port: String(port),
          destinations: destinations.map(({ host, port: to }) => `${host}:${to}`).join(','),
          routing_strategy: 'round-robin',
          protocol: 'classic',
          client_ssl_mode: 'PASSTHROUGH',
          server_ssl_mode: 'AS_CLIENT',
          ...options.route,
        },
        ...options.sections,
      }),
  });
}
