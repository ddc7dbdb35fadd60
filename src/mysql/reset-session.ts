import { type Command, DriverCommand } from './driver.js';

/** MySQL internals manual, "COM_RESET_CONNECTION": one byte. */
const COM_RESET_CONNECTION = 0x1f;
/** The length of the payload in three bytes, and the number in the sequence. */
const HEADER_LENGTH = 4;

/** What mysql2 writes. */
interface OutgoingPacket {
  readonly buffer: Buffer;
  length(): number;
  writeHeader(sequenceId: number): void;
}

/** What is needed of the connection that the command runs on. */
interface ResettableConnection {
  /** Prepared statements that the server holds for it. */
  readonly _statements: { clear(): void };
  writePacket(packet: OutgoingPacket): void;
}

/** Resets a session as mysql2's `reset` does, which came with version 3.22. */
export class ResetSession extends DriverCommand {
  override onResult: Command['onResult'];
  override readonly resetConnectionResponse = true;

  constructor(callback: (error: Error | null) => void) {
    super();
    this.onResult = callback;
  }

  override start = (_packet?: unknown, connection?: unknown): unknown => {
    const { _statements: statements } = connection as ResettableConnection;
    (connection as ResettableConnection).writePacket(packetOf(COM_RESET_CONNECTION));
    return (): null => {
      // The server has forgotten them.
      statements.clear();
      process.nextTick(() => this.onResult?.(null));
      return null;
    };
  };
}

function packetOf(command: number): OutgoingPacket {
  const buffer = Buffer.from([1, 0, 0, 0, command]);
  return {
    buffer,
    length: () => buffer.length,
    writeHeader(sequenceId) {
      buffer[HEADER_LENGTH - 1] = sequenceId;
    },
  };
}
