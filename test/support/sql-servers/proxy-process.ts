import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitForGreeting } from '../../../src/demo/mysql-greeting.js';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { freePort } from '../network/free-port.js';
import { type RestartableServer, startRestartableServer } from '../servers/restartable-server.js';

/** A server that a proxy may lead to. */
export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** A proxy of another maker in front of servers. */
export interface ProxyProcess extends RestartableServer {
  readonly host: string;
  readonly port: number;
}

/** What differs between proxies. */
export interface ProxyProgram {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** Its configuration, for a port to listen on and a folder of its own. */
  configuration(port: number, folder: string): string;
  /** What follows on the command line, given the path of the configuration. */
  arguments(path: string): readonly string[];
}

const HOST = '127.0.0.1';
const GREETING_TIMEOUT_MS = 1_000;

/** Starts a proxy on a free loopback port, and waits until a server behind it greets. */
export async function startProxyProcess({ name, command, configuration, ...program }: ProxyProgram): Promise<ProxyProcess> {
  const [loader, ...first] = command;
  const folder = createTemporaryFolder(`poolwright-${name.toLowerCase().replaceAll(' ', '-')}`);
  const port = await freePort(HOST);
  const path = join(folder.path, 'proxy.conf');
  writeFileSync(path, configuration(port, folder.path), { mode: 0o600 });
  const server = await startRestartableServer({
    name,
    folder,
    process: { command: loader, arguments: [...first, ...program.arguments(path)], logPath: join(folder.path, 'proxy.log'), cwd: folder.path },
    stopSignal: 'SIGTERM',
    isReady: () => waitForGreeting({ host: HOST, port }, GREETING_TIMEOUT_MS, () => undefined).then(() => true),
  });
  return Object.assign(server, { host: HOST, port });
}
