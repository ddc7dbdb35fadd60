import { createServer, type Socket } from 'node:net';
import { freePort } from './free-port.js';

/**
 * What the server says to a client that connects:
 * `silent` nothing, forever · `http` an HTTP answer, then it closes · `garbage` bytes of no protocol, and stays · `close` nothing, it closes at once.
 */
export type Manners = 'silent' | 'http' | 'garbage' | 'close';

/** A TCP server that is not the one a client hopes for. */
export interface SilentTcpServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Connections accepted since the start. */
  readonly accepted: number;
  /** Connections that are open. */
  readonly live: number;
  /** All that clients have said. */
  readonly received: Buffer;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const HTTP_ANSWER = 'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 11\r\n\r\nBad Request';
/** A whole packet, by its header (60 bytes, number 0), but of no protocol: a client need not wait for more to refuse it. */
const GARBAGE = Buffer.concat([
  Buffer.from([60, 0, 0, 0]),
  Buffer.from(Array.from({ length: 60 }, (_, index) => (index * 37 + 127) % 256)),
]);

function greet(socket: Socket, manners: Manners): void {
  switch (manners) {
    case 'silent':
      return;
    case 'http':
      socket.end(HTTP_ANSWER);
      return;
    case 'garbage':
      socket.write(GARBAGE);
      return;
    case 'close':
      socket.end();
      return;
  }
}

/**
 * Starts such a server on a free loopback port.
 *
 * @param manners - Default `silent`.
 */
export async function startSilentTcpServer(manners: Manners = 'silent'): Promise<SilentTcpServer> {
  const sockets = new Set<Socket>();
  const chunks: Buffer[] = [];
  let accepted = 0;
  const server = createServer((socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('close', () => sockets.delete(socket));
    greet(socket, manners);
  });
  const port = await freePort();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, () => resolve());
  });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      // Called a second time, close() reports that it is closed; that is what was wanted.
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return {
    host: HOST,
    port,
    get accepted() {
      return accepted;
    },
    get live() {
      return sockets.size;
    },
    get received() {
      return Buffer.concat(chunks);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
