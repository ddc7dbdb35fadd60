/** The bytes of a cached value in Redis: an envelope with a checksum, its times, and the names that the value depends on. */
import { crc32 } from 'node:zlib';
import { nodeV8 } from '../../packages/index.js';
import { messageOf } from '../../engine/index.js';
import type { Encryption } from '../contract/index.js';

/** What Redis keeps under a key. */
export interface Envelope {
  /** The position of the ledger when the loading began. */
  readonly position: number;
  /** How long the value may be served, stale time included, in milliseconds since its loading began. */
  readonly lifeMs: number;
  /** How long of that it is fresh. */
  readonly freshMs: number;
  /** The tables, tags and keys that it depends on. */
  readonly names: readonly string[];
  /** The value must not be cached, because it is too large or of a class. A caller who finds this loads it without waiting for others. */
  readonly refused: boolean;
  readonly value: unknown;
}

/** The bytes are no envelope, or one of another key. */
export class Garbage extends Error {}

const MAGIC = 0x50574302;
/** Magic, checksum. */
const OUTER_LENGTH = 8;
/** Position, life, fresh (doubles). */
const TIMES_LENGTH = 24;
/** In base64url. */
const HASH_LENGTH = 43;

/** Changes with V8's format: processes of different versions of Node do not read each other's values. */
export const FORMAT = `${MAGIC.toString(36)}${nodeV8().serialize(null)[1]}`;

/** The bytes of a value, which are also the measure of its size. */
export function bytesOf(value: unknown): Buffer {
  return nodeV8().serialize(value);
}

/** The value of these bytes, sharing nothing with what they were made of. */
export function valueOf(bytes: Buffer): unknown {
  return nodeV8().deserialize(bytes);
}

/**
 * The envelope names its own key and has a checksum: a broken proxy or client may return damaged bytes, or the answer to another question.
 *
 * @param content `bytesOf([names, refused, value])`
 */
export async function sealEnvelope(
  key: string,
  { position, lifeMs, freshMs }: Pick<Envelope, 'position' | 'lifeMs' | 'freshMs'>,
  content: Buffer,
  encryption: Encryption | undefined,
): Promise<Buffer> {
  const times = Buffer.alloc(TIMES_LENGTH);
  times.writeDoubleBE(position, 0);
  times.writeDoubleBE(lifeMs, 8);
  times.writeDoubleBE(freshMs, 16);
  const plain = Buffer.concat([Buffer.from(key, 'latin1'), times, content]);
  const body = encryption === undefined ? plain : await encryption.encrypt(plain);
  const outer = Buffer.alloc(OUTER_LENGTH);
  outer.writeUInt32BE(MAGIC, 0);
  outer.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([outer, body]);
}

/** @throws Garbage */
export async function openEnvelope(key: string, sealed: Buffer, encryption: Encryption | undefined): Promise<Envelope> {
  if (sealed.length < OUTER_LENGTH || sealed.readUInt32BE(0) !== MAGIC) throw new Garbage('not an envelope');
  const body = sealed.subarray(OUTER_LENGTH);
  if (sealed.readUInt32BE(4) !== crc32(body)) throw new Garbage('the checksum is wrong');
  try {
    const plain = encryption === undefined ? body : await encryption.decrypt(body);
    if (plain.length < HASH_LENGTH + TIMES_LENGTH || plain.toString('latin1', 0, HASH_LENGTH) !== key)
      throw new Garbage('it belongs to another key');
    const [names, refused, value] = nodeV8().deserialize(plain.subarray(HASH_LENGTH + TIMES_LENGTH)) as [
      readonly string[],
      boolean,
      unknown,
    ];
    return {
      position: plain.readDoubleBE(HASH_LENGTH),
      lifeMs: plain.readDoubleBE(HASH_LENGTH + 8),
      freshMs: plain.readDoubleBE(HASH_LENGTH + 16),
      names,
      refused,
      value,
    };
  } catch (error) {
    throw error instanceof Garbage ? error : new Garbage(messageOf(error));
  }
}
