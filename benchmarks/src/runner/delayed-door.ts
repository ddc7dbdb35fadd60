import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Door extends AsyncDisposable {
  readonly port: number;
}

/** A port that leads to the server's, but each connection through it comes up `delayMs` late. What flows then is not delayed. */
export async function openDelayedDoor(host: string, port: number, delayMs: number): Promise<Door> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer({ noDelay: true }, (client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    client.once('close', () => sockets.delete(client));
    void sleep(delayMs).then(() => {
      if (client.destroyed) return;
      const upstream = connect({ host, port, noDelay: true });
      upstream.on('error', () => client.destroy());
      upstream.once('close', () => client.destroy());
      client.once('close', () => upstream.destroy());
      client.pipe(upstream).pipe(client);
    });
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
