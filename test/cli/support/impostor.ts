import { createServer } from 'node:net';
import { endsWithSockets, listen } from '../../support/network/listen.js';

/** What it does. */
export interface ImpostorManners {
  /** The version in its greeting. Default: the refusal comes in place of a greeting. */
  readonly greets?: string;
  /** Number and text of its error: in place of the greeting, or as the answer to a login. */
  readonly refuses?: readonly [errno: number, message: string];
  /** Asks for this way to log in. */
  readonly asksFor?: string;
}

/** A server that speaks MySQL's protocol as far as the login, and refuses every client. */
export interface Impostor extends AsyncDisposable {
  readonly port: number;
}

const CAPABILITIES_LOW = 0xf7ff;
const CAPABILITIES_HIGH = 0x81ff;
const UTF8MB4 = 45;
const SCRAMBLE = 'abcdefghijklmnopqrst';

function packet(number: number, ...parts: readonly (Buffer | string)[]): Buffer {
  const payload = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part)));
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = number;
  return Buffer.concat([header, payload]);
}

function numbers(...pairs: readonly (readonly [value: number, bytes: number])[]): Buffer {
  return Buffer.concat(
    pairs.map(([value, bytes]) => {
      const part = Buffer.alloc(bytes);
      part.writeUIntLE(value, 0, bytes);
      return part;
    }),
  );
}

/** https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html */
function greeting(version: string): Buffer {
  return packet(
    0,
    numbers([10, 1]),
    version,
    numbers([7, 4]),
    SCRAMBLE.slice(0, 8),
    // Without CLIENT_SSL.
    numbers([CAPABILITIES_LOW, 2], [UTF8MB4, 1], [2, 2], [CAPABILITIES_HIGH, 2], [SCRAMBLE.length + 1, 1]),
    Buffer.alloc(10),
    SCRAMBLE.slice(8),
    'mysql_native_password',
  );
}

function errorPacket(number: number, [errno, message]: readonly [number, string], withState: boolean): Buffer {
  return packet(number, numbers([0xff, 1], [errno, 2]), Buffer.from(`${withState ? '#HY000' : ''}${message}`));
}

/** Starts it on a free loopback port. */
export async function startImpostor({ greets, refuses, asksFor }: ImpostorManners): Promise<Impostor> {
  const server = createServer((socket) => {
    if (greets === undefined) {
      if (refuses !== undefined) socket.end(errorPacket(0, refuses, false));
      return;
    }
    socket.write(greeting(greets));
    socket.once('data', () => {
      if (asksFor !== undefined) socket.write(packet(2, numbers([0xfe, 1]), asksFor, SCRAMBLE));
      else if (refuses !== undefined) socket.end(errorPacket(2, refuses, true));
    });
  });
  const end = endsWithSockets(server);
  return { port: await listen(server), [Symbol.asyncDispose]: end };
}
