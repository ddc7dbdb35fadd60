import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../../support/servers/database.js';
import { endsWithSockets, listen } from '../../../support/network/listen.js';
import { errorOf, poolOf } from '../../../support/pool-on-database.js';
import { captureUncaught } from '../../support/uncaught.js';

interface Talker extends AsyncDisposable {
  readonly port: number;
}

/** A server that greets every client with these bytes. */
async function startTalker(greeting: readonly number[]): Promise<Talker> {
  const server = createServer((socket) => void socket.write(Buffer.from(greeting)));
  const end = endsWithSockets(server);
  return { port: await listen(server), [Symbol.asyncDispose]: end };
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
