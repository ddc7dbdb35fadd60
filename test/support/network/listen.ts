import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { freePort } from './free-port.js';

export const LOOPBACK = '127.0.0.1';
/** Another address of the loopback interface, on which the clients' ports are free. */
export const OUTGOING_LOOPBACK = '127.0.0.2';
const ATTEMPTS = 5;

/** Listens on a free port of the loopback interface, and returns it. */
export async function listen(listener: Server): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    try {
      await new Promise<void>((resolve, reject) => {
        listener.once('error', reject);
        listener.listen(port, LOOPBACK, () => {
          listener.off('error', reject);
          resolve();
        });
      });
      return port;
    } catch (error) {
      if (attempt === ATTEMPTS || (error as { code?: string }).code !== 'EADDRINUSE') throw error;
    }
  }
}

/** Follows the connections that a listener accepts from now on. Returns what ends them, and the listener. */
export function endsWithSockets(listener: Server): () => Promise<void> {
  const sockets = new Set<Socket>();
  listener.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  return async () => {
    for (const socket of sockets) socket.destroy();
    listener.close();
    await once(listener, 'close');
  };
}
