/** An address that leads to the server in charge: connections to the last one end when it moves. */

import { connect, createServer, type Socket } from 'node:net';
import { listen } from '../../support/network/listen.js';

export interface MovingDoor {
  readonly port: number;
  /** Ends all connections; the next ones lead to where the door leads then. */
  cut(): void;
  stop(): void;
}

export async function startMovingDoor(port: () => number): Promise<MovingDoor> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const behind = connect({ host: '127.0.0.1', port: port() });
    for (const [one, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  const ownPort = await listen(server);
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: ownPort,
    cut,
    stop() {
      server.close();
      cut();
    },
  };
}
