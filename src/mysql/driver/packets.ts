/** What a connection reads of the server's packets beside what mysql2 does. */

import type { Packet } from './driver.js';
import type { ServerError } from '../errors/index.js';

/** What a connection reads of the server's packets beside what mysql2 does (MySQL internals manual, "Generic Response Packets"). */

/** First bytes of a packet's payload. */
export const OK_PACKET = 0x00;
/** The server asks for a file of the client's; the first byte of a result. */
export const LOCAL_FILE_PACKET = 0xfb;
export const EOF_PACKET = 0xfe;
export const ERROR_PACKET = 0xff;

/** Status flag: something of the session changed, and an OK packet ends with a block that says what. */
export const SESSION_STATE_CHANGED = 0x4000;

/** Types in that block (MySQL reference manual, `enum_session_state_type`; MariaDB knowledge base, "OK_Packet"). */
const SYSTEM_VARIABLE = 0;
const GTIDS = 3;
const TRANSACTION_CHARACTERISTICS = 4;
const TRANSACTION_STATE = 5;

const SQL_STATE_MARKER = 0x23;
/** An EOF packet's payload is shorter than this; a row that begins with the same byte is longer. */
const EOF_PACKET_LIMIT = 9;
/** 0xfe, number of warnings, status flags. */
const EOF_PACKET_LENGTH = 5;
/** 0xff, number. */
const SHORTEST_ERROR_PACKET = 3;

/** The session's status flags. OK packet: 0x00, affected rows and insert id (length-encoded), status flags. */
export function statusOfOk({ buffer, offset, end }: Packet): number | undefined {
  const afterRows = offset + 1 + lengthEncodedSize(buffer, offset + 1);
  const afterInsertId = afterRows + lengthEncodedSize(buffer, afterRows);
  return afterInsertId + 2 <= end ? buffer.readUInt16LE(afterInsertId) : undefined;
}

/**
 * Whether the block of an OK packet with {@link SESSION_STATE_CHANGED} reports more than GTIDs and the state of the transaction, which MySQL reports
 * with each BEGIN and COMMIT. A block that cannot be read counts as a change.
 */
export function reportsSessionChange(packet: Packet): boolean {
  return findReport(packet, isSessionChange) !== NOT_THERE;
}

/**
 * The GTID of what the statement has committed, from the same block: MySQL's of type 3, as `uuid:number`, and MariaDB's `last_gtid`, as
 * `domain-server-number`. undefined: none is reported.
 */
export function reportedGtid(packet: Packet): string | undefined {
  const at = findReport(packet, isGtid);
  if (at < 0) return undefined;
  const { buffer, end } = packet;
  const start = at + 1 + lengthEncodedSize(buffer, at + 1);
  // Before MySQL's stands one byte for how it is written, before MariaDB's the variable's name.
  return textAt(buffer, buffer[at] === GTIDS ? start + 1 : endOfText(buffer, start, end), end);
}

const NOT_THERE = -1;
const UNREADABLE = -2;

/** Where the first report is that is asked for. */
function findReport({ buffer, offset, end }: Packet, isAskedFor: (buffer: Buffer, at: number, end: number) => boolean): number {
  const afterRows = offset + 1 + lengthEncodedSize(buffer, offset + 1);
  // Behind the insert id come the status flags and the number of warnings, two bytes each; then a text, then the block.
  const afterText = endOfText(buffer, afterRows + lengthEncodedSize(buffer, afterRows) + 4, end);
  const afterBlock = endOfText(buffer, afterText, end);
  if (afterBlock > end) return UNREADABLE;
  for (let at = afterText + lengthEncodedSize(buffer, afterText); at < afterBlock; ) {
    if (isAskedFor(buffer, at, afterBlock)) return at;
    at = endOfText(buffer, at + 1, afterBlock);
    if (at > afterBlock) return UNREADABLE;
  }
  return NOT_THERE;
}

function isSessionChange(buffer: Buffer, at: number, end: number): boolean {
  const type = buffer[at];
  return type !== GTIDS && type !== TRANSACTION_CHARACTERISTICS && type !== TRANSACTION_STATE && !isLastGtid(buffer, at, end);
}

function isGtid(buffer: Buffer, at: number, end: number): boolean {
  return buffer[at] === GTIDS || isLastGtid(buffer, at, end);
}

function isLastGtid(buffer: Buffer, at: number, end: number): boolean {
  if (buffer[at] !== SYSTEM_VARIABLE) return false;
  return textAt(buffer, at + 1 + lengthEncodedSize(buffer, at + 1), end) === 'last_gtid';
}

/** A length-encoded text, if it ends before `end`. */
function textAt(buffer: Buffer, offset: number, end: number): string | undefined {
  const after = endOfText(buffer, offset, end);
  return after > end ? undefined : buffer.toString('latin1', offset + lengthEncodedSize(buffer, offset), after);
}

/** The same of a packet that begins as an EOF packet does, if it is one. */
export function statusOfEof({ buffer, offset, end }: Packet): number | undefined {
  const length = end - offset;
  return length >= EOF_PACKET_LENGTH && length < EOF_PACKET_LIMIT ? buffer.readUInt16LE(offset + 3) : undefined;
}

/** ERR packet: 0xff, number, '#' and SQLSTATE (five letters), message. */
export function errorIn({ buffer, offset, end }: Packet): ServerError | undefined {
  if (end - offset < SHORTEST_ERROR_PACKET) return undefined;
  const hasState = buffer[offset + 3] === SQL_STATE_MARKER;
  return {
    errno: buffer.readUInt16LE(offset + 1),
    sqlState: hasState ? buffer.toString('latin1', offset + 4, offset + 9) : '',
    message: buffer.toString('utf8', offset + (hasState ? 9 : 3), end),
  };
}

/** Whether a packet in the place of a row is the end of the rows, or an error. */
export function endsRows({ buffer, offset, end }: Packet): boolean {
  const marker = buffer[offset];
  return marker === ERROR_PACKET || (marker === EOF_PACKET && end - offset < EOF_PACKET_LIMIT);
}

/** Where a length-encoded text ends that begins at `offset`; beyond `end` when it does not end before that. */
function endOfText(buffer: Buffer, offset: number, end: number): number {
  const start = offset + lengthEncodedSize(buffer, offset);
  if (start > end) return end + 1;
  const first = buffer[offset] as number;
  if (first < 0xfb) return start + first;
  // The form of eight bytes is for texts that are longer than any packet.
  return first === 0xfc || first === 0xfd ? start + buffer.readUIntLE(offset + 1, start - offset - 1) : end + 1;
}

/** MySQL internals manual, "Length-Encoded Integer". */
function lengthEncodedSize(buffer: Buffer, offset: number): number {
  switch (buffer[offset]) {
    case 0xfc:
      return 3;
    case 0xfd:
      return 4;
    case 0xfe:
      return 9;
    default:
      return 1;
  }
}
