import { requireExecutable } from '../../../src/demo/find-executable.js';
import { type Destination, type ProxyProcess, startProxyProcess } from './proxy-process.js';

/** How to start an HAProxy. */
export interface HaProxyOptions {
  /** More lines of its section `defaults`, such as `timeout client 1s`; they win over the ones made here. */
  readonly defaults?: readonly string[];
  /** More lines of the frontend, such as another `bind`. */
  readonly frontend?: readonly string[];
  /** More lines of the backend, such as `option mysql-check`. */
  readonly backend?: readonly string[];
  /** Follows each server of the backend, such as `check inter 200`; where they differ, by its place. */
  readonly server?: string | ((index: number) => string);
}

/**
 * Starts an HAProxy in front of servers, which takes them in turn.
 *
 * @throws Error when it is not installed (naming the package) or does not start (with the end of its log).
 */
export async function startHaProxy(destinations: readonly Destination[], options: HaProxyOptions = {}): Promise<ProxyProcess> {
  const { server: follows = '' } = options;
  const command = await requireExecutable('haproxy', ['haproxy']);
  return await startProxyProcess({
    name: 'HAProxy',
    command: [command],
    arguments: (path) => ['-db', '-f', path],
    configuration: (port) =>
      [
        'global',
        '  maxconn 1000',
        'defaults',
        '  mode tcp',
        '  timeout connect 5s',
        '  timeout client 1h',
        '  timeout server 1h',
        ...(options.defaults ?? []).map((line) => `  ${line}`),
        'frontend clients',
        `  bind 127.0.0.1:${port}`,
        '  default_backend servers',
        ...(options.frontend ?? []).map((line) => `  ${line}`),
        'backend servers',
        '  balance roundrobin',
        ...(options.backend ?? []).map((line) => `  ${line}`),
        ...destinations.map(
          ({ host, port: to }, index) => `  server s${index + 1} ${host}:${to} ${typeof follows === 'string' ? follows : follows(index)}`,
        ),
        '',
      ].join('\n'),
  });
}
