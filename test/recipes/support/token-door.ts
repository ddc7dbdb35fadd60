/** A door before a real server, as RDS and Cloud SQL have one for IAM: TLS only, the token itself for a password; then the connection is passed on. */

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { createConnection } from 'mysql2';
import { listen } from '../../support/network/listen.js';
import { HEADER_LENGTH } from '../../support/network/packet-reader.js';
import { errorPacket, okPacket, packetOf } from '../../support/imitations/packets.js';
import type { TestDatabase } from '../../support/servers/database.js';

const CLIENT_SSL = 0x0800;
/** The part of a login before the user's name: capabilities, longest packet, character set, zeros. */
const LOGIN_HEAD = 32;

/** mysql2's connection to the real server, as far as the door uses it. */
interface RealConnection {
  readonly stream: Socket;
  readonly threadId: number;
  readonly _handshakePacket: {
    readonly capabilityFlags: number;
    readonly serverVersion: string;
    readonly mariadbExtendedCapabilityFlags?: number;
  };
}

/** What a login has shown. */
export interface ShownToken {
  readonly user: string;
  readonly token: string;
}

export interface TokenDoor extends AsyncDisposable {
  readonly port: number;
  /** Each login that came over TLS, in order. */
  readonly shown: readonly ShownToken[];
  /** Logins that asked for no TLS: nothing of theirs was read. */
  readonly plaintext: number;
}

/** @param accepts whether a token is right for a user */
export async function openTokenDoor(
  database: TestDatabase,
  { cert, key }: { readonly cert: Buffer; readonly key: Buffer },
  accepts: (shown: ShownToken) => boolean,
): Promise<TokenDoor> {
  const shown: ShownToken[] = [];
  const sockets = new Set<Socket>();
  let plaintext = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    void serve(socket).catch(() => socket.destroy());
  });

  async function serve(socket: Socket): Promise<void> {
    const real = await realConnection(database);
    sockets.add(real.stream);
    socket.write(greetingOf(real));
    const request = await nextPacket(socket);
    if ((request.readUInt32LE(HEADER_LENGTH) & CLIENT_SSL) === 0) {
      plaintext += 1;
      socket.end(errorPacket({ errno: 3159, state: 'HY000', message: 'Connections using insecure transport are prohibited.' }, 2));
      return;
    }
    const secure = new TLSSocket(socket, { isServer: true, cert, key });
    secure.on('error', () => socket.destroy());
    const login = await nextPacket(secure);
    const user = textAt(login, HEADER_LENGTH + LOGIN_HEAD);
    secure.write(packetOf(Buffer.from('\u00femysql_clear_password\0', 'latin1'), 3));
    const token = textAt(await nextPacket(secure), HEADER_LENGTH);
    shown.push({ user, token });
    if (!accepts({ user, token })) {
      secure.end(errorPacket({ errno: 1045, state: '28000', message: `Access denied for user '${user}'` }, 5));
      return;
    }
    secure.write(okPacket(5));
    // From here on both sides begin each command at zero: it is the real server that answers.
    real.stream.removeAllListeners('data');
    real.stream.on('error', () => secure.destroy());
    real.stream.on('close', () => secure.destroy());
    secure.on('close', () => real.stream.destroy());
    secure.pipe(real.stream);
    real.stream.pipe(secure);
  }

  const port = await listen(server);
  return {
    port,
    shown,
    get plaintext() {
      return plaintext;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function realConnection({ connection }: TestDatabase): Promise<RealConnection> {
  const real = createConnection(connection);
  real.on('error', () => undefined);
  await once(real, 'connect');
  return real as unknown as RealConnection;
}

/** As the real server's, with TLS and the number that the server knows the connection by. */
function greetingOf({ threadId, _handshakePacket }: RealConnection): Buffer {
  const { capabilityFlags, serverVersion, mariadbExtendedCapabilityFlags = 0 } = _handshakePacket;
  const flags = (capabilityFlags | CLIENT_SSL) >>> 0;
  const tail = Buffer.alloc(8 + 1 + 2 + 1 + 2 + 2 + 1 + 10, 1);
  tail[8] = 0;
  tail.writeUInt16LE(flags & 0xff_ff, 9);
  tail[11] = 45;
  tail.writeUInt16LE(2, 12);
  tail.writeUInt16LE(flags >>> 16, 14);
  tail[16] = 21;
  tail.fill(0, 17);
  tail.writeUInt32LE(mariadbExtendedCapabilityFlags, 23);
  const number = Buffer.alloc(4);
  number.writeUInt32LE(threadId);
  const head = Buffer.from(`\n${serverVersion}\0`, 'latin1');
  return packetOf(Buffer.concat([head, number, tail, Buffer.alloc(12, 1), Buffer.from('\0mysql_native_password\0')]), 0);
}

/** What comes behind the packet stays in the socket: the client's first words of TLS follow its wish for TLS at once. */
function nextPacket(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let read = Buffer.alloc(0);
    const add = (chunk: Buffer): void => {
      read = Buffer.concat([read, chunk]);
      const length = read.length < HEADER_LENGTH ? Number.POSITIVE_INFINITY : HEADER_LENGTH + read.readUIntLE(0, 3);
      if (read.length < length) return;
      socket.off('data', add);
      socket.pause();
      if (read.length > length) socket.unshift(read.subarray(length));
      resolve(read.subarray(0, length));
    };
    socket.on('data', add);
    socket.resume();
    socket.once('close', () => reject(new Error('The client has gone.')));
  });
}

function textAt(packet: Buffer, start: number): string {
  const end = packet.indexOf(0, start);
  return packet.toString('utf8', start, end < 0 ? undefined : end);
}
