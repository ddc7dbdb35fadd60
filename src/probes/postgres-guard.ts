/** A guard between a socket and pg that passes on PostgreSQL's protocol and nothing else. */
import type { Duplex } from 'node:stream';

/** A server answered, but not in PostgreSQL's protocol. The message describes it, with 'it' as the subject. */
export class ForeignAnswer extends Error {}

const TYPE_LENGTH = 1;
const HEADER_LENGTH = 5;
/** Far above what PgBouncer's console sends: a row of SHOW POOLS has about 300 bytes. */
const LONGEST_MESSAGE = 1 << 20;
const MOST_BYTES = 1 << 24;

const AUTHENTICATION = 0x52;
const ERROR_RESPONSE = 0x45;
const NOTICE_RESPONSE = 0x4e;

/** The lengths that libpq accepts of a server's first message (fe-connect.c, PQconnectPoll). */
const FIRST_MESSAGES: ReadonlyMap<number, { readonly shortest: number; readonly longest: number }> = new Map([
  [AUTHENTICATION, { shortest: 8, longest: 2_000 }],
  [ERROR_RESPONSE, { shortest: 8, longest: 30_000 }],
]);

/**
 * Stands between a socket and pg, and passes on only what is PostgreSQL's protocol. pg trusts the other side: a message of an unknown kind
 * makes it throw where no caller can catch, an unterminated error message makes it loop without end (pg-protocol 1.16), and the greeting of a
 * MySQL server can be both. A probe is pointed at the wrong port sooner or later.
 *
 * @param stream what pg reads from; it is destroyed with a {@link ForeignAnswer} when something else arrives
 * @param expected 'messages', or first the one letter with which a server answers the request for TLS
 */
export function guardAgainstForeigners(stream: Duplex, expected: 'messages' | 'tls-answer'): void {
  const inspect = expected === 'messages' ? messageInspector() : tlsAnswer;
  const emit = stream.emit.bind(stream) as (event: string | symbol, ...details: unknown[]) => boolean;
  let opening: Buffer = Buffer.alloc(0);
  stream.emit = (event: string | symbol, ...details: unknown[]): boolean => {
    if (event !== 'data') return emit(event, ...details);
    if (stream.destroyed) return false;
    const chunk = details[0] as Buffer;
    opening = Buffer.concat([opening, chunk.subarray(0, HEADER_LENGTH - opening.length)]);
    try {
      return inspect(chunk).every((message) => emit('data', message));
    } catch (error) {
      stream.destroy(new ForeignAnswer(resemblance(opening), { cause: error }));
      return false;
    }
  };
}

/** Only one letter may come before TLS begins: more would be plaintext taken for ciphertext (CVE-2021-23222). */
function tlsAnswer(chunk: Buffer): Buffer[] {
  if (chunk.length === 1 && /^[SN]$/.test(chunk.toString('latin1'))) return [chunk];
  throw new Error('an invalid answer to the request for TLS');
}

/** Returns a function that takes what arrives and returns the whole messages in it. */
function messageInspector(): (chunk: Buffer) => Buffer[] {
  let pending: Buffer = Buffer.alloc(0);
  let received = 0;
  let isFirst = true;
  return (chunk) => {
    received += chunk.length;
    if (received > MOST_BYTES) throw new Error('an answer without end');
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const messages: Buffer[] = [];
    while (pending.length > 0) {
      if (isFirst && !isLikelyFirst(pending)) throw new Error("a first message that is not PostgreSQL's");
      if (pending.length < HEADER_LENGTH) break;
      const end = TYPE_LENGTH + lengthOf(pending);
      if (end < HEADER_LENGTH || end > LONGEST_MESSAGE) throw new Error('a message of impossible length');
      if (pending.length < end) break;
      messages.push(checked(pending.subarray(0, end)));
      pending = pending.subarray(end);
      isFirst = false;
    }
    return messages;
  };
}

function isLikelyFirst(bytes: Buffer): boolean {
  const limits = FIRST_MESSAGES.get(bytes[0] as number);
  if (limits === undefined) return false;
  return bytes.length < HEADER_LENGTH || (lengthOf(bytes) >= limits.shortest && lengthOf(bytes) <= limits.longest);
}

/** Precondition: the whole header is there. */
function lengthOf(bytes: Buffer): number {
  return bytes.readUInt32BE(TYPE_LENGTH);
}

function checked(message: Buffer): Buffer {
  const isReport = message[0] === ERROR_RESPONSE || message[0] === NOTICE_RESPONSE;
  if (isReport && !hasFields(message.subarray(HEADER_LENGTH))) throw new Error('an error message without an end');
  return message;
}

/** The body of an ErrorResponse: fields of a letter and a text that ends with a zero, and a zero after the last. */
function hasFields(body: Buffer): boolean {
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at + 1);
    if (end < 0) return false;
    at = end + 1;
  }
  return at === body.length - 1;
}

const MYSQL_PROTOCOL_VERSION = 0x0a;
const MYSQL_ERROR = 0xff;

/** What kind of server begins with these bytes. */
function resemblance(bytes: Buffer): string {
  if (bytes.subarray(0, 5).toString('latin1') === 'HTTP/') return 'it answers like an HTTP server';
  const [, , , packetNumber, payload] = bytes;
  if (packetNumber === 0 && (payload === MYSQL_PROTOCOL_VERSION || payload === MYSQL_ERROR)) return 'it answers like a MySQL server';
  return "it does not speak PostgreSQL's protocol";
}
