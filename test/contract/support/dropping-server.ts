import { createServer, type Socket } from 'node:net';

/** A server that closes each connection at once. */
export async function droppingServer(): Promise<{ readonly port: number; readonly attempts: () => number } & AsyncDisposable> {
  let attempts = 0;
  const server = createServer((socket: Socket) => {
    attempts += 1;
    socket.on('error', () => undefined);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    attempts: () => attempts,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
