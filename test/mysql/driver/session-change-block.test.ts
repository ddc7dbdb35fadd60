/** The block of an OK packet that reports what changed in the session, by the bytes that servers send. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportsSessionChange, SESSION_STATE_CHANGED, statusOfOk } from '../../../src/mysql/driver/packets.js';
import type { Packet } from '../../../src/mysql/driver/driver.js';

/** An OK packet's payload in the middle of a larger buffer, as mysql2 hands it over. */
function packetOf(payload: Buffer): Packet {
  const around = Buffer.alloc(7, 0x02);
  return { buffer: Buffer.concat([around, payload, around]), offset: around.length, end: around.length + payload.length, sequenceId: 1 };
}

/** 0x00, no rows, no insert id, autocommit and a changed session, no warnings; then what is given. */
function okWith(...rest: (number | string)[]): Packet {
  return packetOf(Buffer.concat([Buffer.from([0, 0, 0, 0x02, 0x40, 0, 0]), ...rest.map(bytesOf)]));
}

function bytesOf(part: number | string): Buffer {
  return typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part, 'latin1');
}

describe('an OK packet reports a change of the session', () => {
  it.each([
    ['a variable, and that the state changed (SET time_zone)', okWith(0, 0x16, '\x00\x11\x09time_zone\x06+03:00', '\x02\x011')],
    ['that the state changed (SET @x = 1)', okWith(0, 3, '\x02\x011')],
    ['that the state changed, behind a text (PREPARE)', okWith('\x12Statement prepared', 3, '\x02\x011')],
    ['the default database (USE)', okWith(0, 9, '\x01\x07\x06w_sess')],
    ['a variable behind GTIDs', okWith(0, 10, '\x03\x03\x00\x01a', '\x02\x011')],
    ['a variable behind the state of the transaction', okWith(0, 14, '\x05\x09\x08T_______', '\x02\x011')],
    ['a type that is not known', okWith(0, 3, '\x06\x01x')],
    ['a flag without a block', okWith()],
    ['a text only', okWith(0)],
    ['a block that is longer than its packet', okWith(0, 12, '\x05\x09\x08T_______')],
    ['an item that is longer than its block', okWith(0, 11, '\x05\x0a\x08T_______')],
    ['an item without a length', okWith(0, 1, '\x05')],
    ['a length that says that there is no text', okWith(0xfb)],
    ['a length of eight bytes', okWith(0, '\xfe\x02\x00\x00\x00\x00\x00\x00\x00', '\x05\x00')],
    ['a length that is cut off', okWith(0, '\xfd\x01')],
  ])('%s', (_, packet) => {
    expect(statusOfOk(packet)).toBe(SESSION_STATE_CHANGED | 2);
    expect(reportsSessionChange(packet)).toBe(true);
  });

  it.each([
    ['BEGIN on MySQL', okWith(0, 11, '\x05\x09\x08T_______')],
    ['COMMIT on MySQL', okWith(0, 11, '\x05\x09\x08________')],
    ['COMMIT with characteristics', okWith(0, 14, '\x05\x09\x08________\x04\x01\x00')],
    ['START TRANSACTION READ ONLY with characteristics', okWith(0, 42, '\x05\x09\x08T_______\x04\x1d\x1cSTART TRANSACTION READ ONLY;')],
    ['a write with its GTID', okWith('\x28Rows matched: 1  Changed: 1  Warnings: 0', 5, '\x03\x03\x00\x01a')],
    ['long lists of GTIDs', okWith(0, `\xfc\x34\x01\x03\xfc\x30\x01${'g'.repeat(0x130)}`)],
    ['an empty block', okWith(0, 0)],
  ])('and not: %s', (_, packet) => {
    expect(reportsSessionChange(packet)).toBe(false);
  });

  it('finds the block behind counts of any length', () => {
    const counts = ['\x00', '\xfc\xff\xff', '\xfd\xff\xff\xff', '\xfe\xff\xff\xff\xff\xff\xff\xff\xff'];
    for (const rows of counts) {
      for (const insertId of counts) {
        const head = `\x00${rows}${insertId}\x02\x40\x00\x00\x00`;
        const packet = (block: string): Packet => packetOf(bytesOf(head + block));
        expect(reportsSessionChange(packet('\x0b\x05\x09\x08T_______'))).toBe(false);
        expect(reportsSessionChange(packet('\x03\x02\x011'))).toBe(true);
      }
    }
  });

  it('in any bytes, without a throw; a block that is cut off counts as one', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.array(fc.constantFrom(0, 1, 2, 3, 4, 5, 0xfb, 0xfc, 0xfd, 0xfe, 0xff)));
    fc.assert(
      fc.property(bytes, (payload) => {
        expect(typeof reportsSessionChange(packetOf(Buffer.from([0, ...payload])))).toBe('boolean');
      }),
      { numRuns: 2_000 },
    );
    const whole = bytesOf('\x00\x00\x00\x02\x40\x00\x00\x00\x0e\x05\x09\x08T_______\x04\x01\x00');
    for (let length = 7; length < whole.length; length += 1) expect(reportsSessionChange(packetOf(whole.subarray(0, length)))).toBe(true);
  });
});
