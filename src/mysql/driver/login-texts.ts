/** Reads the texts of a login without iconv-lite, whose tables mysql2 loads for them. */

import type { Packet } from './driver.js';

const FIRST_BEYOND_ASCII = 0x80;

/** mysql2's packet, which is read from its offset on. */
interface ReadPacket extends Omit<Packet, 'offset'> {
  offset: number;
  /** Moves the offset behind the text and its final zero. */
  readNullTerminatedString(encoding: string): string;
}

/** mysql2 decodes the server's version and the names of plugins as CESU-8. Where they are ASCII, Node itself reads the same. */
const readsAscii: PropertyDescriptorMap = {
  readNullTerminatedString: {
    value(this: ReadPacket, encoding: string): string {
      const { buffer, offset, end } = this;
      let to = offset;
      while (to < end && (buffer[to] as number) < FIRST_BEYOND_ASCII && buffer[to] !== 0) to += 1;
      if (to < end && buffer[to] !== 0) return (Object.getPrototypeOf(this) as ReadPacket).readNullTerminatedString.call(this, encoding);
      this.offset = to + 1;
      return buffer.toString('latin1', offset, to);
    },
  },
};

/**
 * A packet of the login, as mysql2 is to read it. iconv-lite's tables, loaded for one text, take 15 % of what a new process executes from
 * `createPool()` to its first row. The packet itself keeps its shape: mysql2 uses one object for all packets of a connection.
 */
export function loginPacket(packet: Packet): Packet {
  return Object.create(packet, readsAscii) as Packet;
}
