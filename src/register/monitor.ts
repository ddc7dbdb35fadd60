/** The monitoring server beside an application, where `POOLWRIGHT_MONITOR` asks for one. */
import { messageOf, PoolError } from '../engine/index.js';
import { pools } from '../mysql/index.js';
import { failure, notice } from './notice.js';

/** `9464`, `:9464`, `localhost:9464`, `127.0.0.1:9464`, `[::1]:9464`. */
const ADDRESS = /^(?:(?:\[([^\]]+)\]|([^:[\]]*)):)?(\d{1,5})$/;

/**
 * Starts the monitoring server, which shows all pools of the process. It does not keep the process alive. When it cannot start, it writes one
 * line and the application runs on.
 *
 * @param address the value of `POOLWRIGHT_MONITOR`
 */
export function startMonitor(address: string): void {
  serve(address).then(notice, (error: unknown) => failure(`the monitoring server did not start: ${messageOf(error)}`));
}

/** Returns where it listens, in words. */
async function serve(address: string): Promise<string> {
  const [, inBrackets, plain, port] = ADDRESS.exec(address) ?? [];
  if (port === undefined) throw new PoolError('POOL_OPTION_INVALID', 'POOLWRIGHT_MONITOR must be host:port, for example 127.0.0.1:9464.');
  const name = inBrackets ?? plain ?? '';
  // Fastify would listen on both addresses of localhost, and the second listener would keep the process alive.
  const host = name === '' || name === 'localhost' ? '127.0.0.1' : name;
  const { createMonitoringServer } = await import('../monitor/server/index.js');
  const app = createMonitoringServer({ pools, host, port: Number(port) });
  app.server.unref();
  app.server.on('connection', (socket) => socket.unref());
  // Processes of a cluster would share a port that is not exclusive, and each has pools of its own.
  return `monitoring on ${await app.listen({ host, port: Number(port), exclusive: true })}`;
}
