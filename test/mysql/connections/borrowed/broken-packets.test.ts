import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../../support/servers/database.js';
import { freePort } from '../../../support/network/free-port.js';
import { errorOf, poolOf } from '../../../support/pool-on-database.js';
import { captureUncaught } from '../../support/uncaught.js';

interface Talker extends AsyncDisposable {
  readonly port: number;
}

/** A server that greets everybody with these bytes. */
async function startTalker(greeting: readonly number[]): Promise<Talker> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write(Buffer.from(greeting));
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('I11: a server that sends a packet which ends too early', () => {
  it.each([
    ['an error without a number', [1, 0, 0, 0, 0xff]],
    ['half a number', [2, 0, 0, 0, 0xff, 0x15]],
    ['an end of nothing, which is also how old servers ask for another way to log in', [1, 0, 0, 0, 0xfe]],
    ['nothing at all', [0, 0, 0, 0]],
  ])('makes a failure to connect, not an uncaught exception: %s', async (_, greeting) => {
    using uncaught = captureUncaught();
    await using database = await createDatabase();
    await using talker = await startTalker(greeting);
    await using pool = poolOf(database, { port: talker.port, connectTimeout: 200 });
    expect((await errorOf(pool.query('SELECT 1'))).code).toBe('POOL_CONNECT_FAILED');
    expect(uncaught.errors).toEqual([]);
  });
});
