/** Packets of MySQL's protocol, as an imitated server sends them (MySQL source documentation, "Client/Server Protocol"). */

import { HEADER_LENGTH } from '../network/packet-reader.js';

/** Capabilities that an imitation may leave out; each changes no more than its own part of the protocol. */
export const SESSION_TRACK = 1 << 23;
export const QUERY_ATTRIBUTES = 1 << 27;

const AUTOCOMMIT = 0x0002;
const UTF8 = 45;
const VAR_STRING = 0xfd;

/** An error of the server. */
export interface ServerFault {
  readonly errno: number;
  readonly state: string;
  readonly message: string;
}

export function packetOf(payload: Buffer, sequence: number): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence;
  return Buffer.concat([header, payload]);
}

export function errorPacket({ errno, state, message }: ServerFault, sequence: number): Buffer {
  const head = Buffer.alloc(3);
  head[0] = 0xff;
  head.writeUInt16LE(errno, 1);
  return packetOf(Buffer.concat([head, Buffer.from(`#${state}${message}`)]), sequence);
}

export function okPacket(sequence: number): Buffer {
  return packetOf(Buffer.from([0, 0, 0, AUTOCOMMIT, 0, 0, 0]), sequence);
}

/** Rows of texts, as COM_QUERY is answered. */
export function resultPackets(rows: readonly Readonly<Record<string, string>>[]): Buffer {
  const names = Object.keys(rows[0] ?? {});
  const payloads = [
    Buffer.from([names.length]),
    ...names.map(columnOf),
    eof(),
    ...rows.map((row) => Buffer.concat(names.map((name) => text(row[name] ?? '')))),
    eof(),
  ];
  return Buffer.concat(payloads.map((payload, index) => packetOf(payload, index + 1)));
}

function columnOf(name: string): Buffer {
  const tail = Buffer.alloc(13);
  tail[0] = 0x0c;
  tail.writeUInt16LE(UTF8, 1);
  tail.writeUInt32LE(1024, 3);
  tail[7] = VAR_STRING;
  return Buffer.concat([text('def'), text(''), text(''), text(''), text(name), text(name), tail]);
}

function eof(): Buffer {
  return Buffer.from([0xfe, 0, 0, AUTOCOMMIT, 0]);
}

/** Of less than 251 bytes. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** The server's greeting, read and written. */
export interface Greeting {
  readonly version: string;
  readonly number: number;
}

/** Where the parts of a greeting lie: protocol, version and a zero, number, 8 bytes, a zero, capabilities, character set, status, more of them. */
export function greetingIn(packet: Buffer): Greeting {
  const end = packet.indexOf(0, HEADER_LENGTH + 1);
  return { version: packet.toString('latin1', HEADER_LENGTH + 1, end), number: packet.readUInt32LE(end + 1) };
}

/** The same greeting with another version and number, and without some capabilities. */
export function greetingAs(packet: Buffer, { version, number }: Greeting, without: number): Buffer {
  const end = packet.indexOf(0, HEADER_LENGTH + 1);
  const rest = Buffer.from(packet.subarray(end + 1));
  rest.writeUInt32LE(number, 0);
  const upper = 4 + 8 + 1 + 2 + 1 + 2;
  rest.writeUInt16LE(rest.readUInt16LE(upper) & ~(without >>> 16), upper);
  const head = Buffer.from(`${String.fromCharCode(packet[HEADER_LENGTH] as number)}${version}\0`, 'latin1');
  return packetOf(Buffer.concat([head, rest]), packet[3] as number);
}

/** A client's login without some of the capabilities that it asks for. */
export function loginWithout(packet: Buffer, without: number): Buffer {
  const copy = Buffer.from(packet);
  copy.writeUInt32LE((copy.readUInt32LE(HEADER_LENGTH) & ~without) >>> 0, HEADER_LENGTH);
  return copy;
}
