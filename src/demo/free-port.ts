/** Finds a free TCP port that no outgoing connection can take accidentally. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ephemeral ranges (32768 on Linux, 49152 by IANA). A port from an ephemeral range may be taken by any outgoing
 * connection while its server is down, and a client that retries a loopback port in that range can even connect to itself.
 */
const LOWEST_PORT = 15_000;
const HIGHEST_PORT = 32_000;
const ATTEMPTS = 200;

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * Finds a TCP port without a listener, which no outgoing connection takes accidentally.
 * Another process can still take it first, so a caller that binds it must be ready to ask again.
 *
 * @param host - The address it will be bound to. Default `127.0.0.1`.
 * @throws Error when no free port was found.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (await isFree(port, host)) return port;
  }
  throw new Error(`No free port between ${LOWEST_PORT} and ${HIGHEST_PORT} on ${host} after ${ATTEMPTS} attempts.`);
}
