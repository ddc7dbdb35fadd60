/** A server to which connecting takes long, and talking does not. */

import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

/** Leads to a port of this machine; each connection waits for `delayMs` before it is let through. */
export async function slowDoor(port: number, delayMs: number): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer((inside) => {
    inside.on('error', () => undefined);
    void pause(delayMs).then(() => {
      const outside = connect(port, '127.0.0.1');
      const ended = (): void => undefined;
      pipeline(inside, outside, ended);
      pipeline(outside, inside, ended);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { readonly port: number }).port,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
