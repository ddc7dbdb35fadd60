/** The command COM_RESET_CONNECTION, for versions of mysql2 that do not have it. */

import { type Command, DriverCommand, type DriverConnection } from './driver.js';

/** MySQL internals manual, "COM_RESET_CONNECTION": one byte. */
const COM_RESET_CONNECTION = 0x1f;
/** Length of the payload in three bytes, and the number in the sequence. */
const HEADER_LENGTH = 4;

/** Resets a session as mysql2's `reset` does, which came with version 3.22. */
export class ResetSession extends DriverCommand {
  override onResult: Command['onResult'];
  override readonly resetConnectionResponse = true;

  constructor(callback: (error: Error | null) => void) {
    super();
    this.onResult = callback;
  }

  override start = (_packet: unknown, connection: DriverConnection): unknown => {
    connection.writePacket(packetOf(COM_RESET_CONNECTION));
    return (): null => {
      // The server has forgotten them.
      connection._statements.clear();
      process.nextTick(() => this.onResult?.(null));
      return null;
    };
  };
}

/** What mysql2's `writePacket` needs of a packet. */
function packetOf(command: number): { readonly buffer: Buffer; length(): number; writeHeader(sequenceId: number): void } {
  const buffer = Buffer.from([1, 0, 0, 0, command]);
  return {
    buffer,
    length: () => buffer.length,
    writeHeader(sequenceId) {
      buffer[HEADER_LENGTH - 1] = sequenceId;
    },
  };
}
