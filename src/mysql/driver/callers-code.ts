/** Code of callers that mysql2 runs in the middle of a result: what it throws fails its own statement, and the connection lives on. */

import { ignore, setImmediate, throwLater } from '../../engine/waiting/index.js';
import { callersError } from '../errors/index.js';
import { type Command, type ConnectionConfig, createQuery, type DriverConnection, type Packet } from './driver.js';
import { endsRows, OK_PACKET, statusOfEof, statusOfOk } from './packets.js';

/** A Query or an Execute, as far as it runs code of callers. */
interface GuardedCommand extends Command {
  readonly _connection?: InterruptibleConnection | null;
  readonly _localStreamError?: unknown;
  /** The step that takes the next packet. */
  next: unknown;
  /** mysql2's step after a result without rows; called with `null` for a row that cannot be read. */
  doneInsert(header: unknown): unknown;
  emit: Command['emit'];
  rawListeners(event: string): ((...details: unknown[]) => unknown)[];
}

interface InterruptibleConnection extends DriverConnection {
  interrupt(command: Command): void;
}

const prototype = Object.getPrototypeOf(createQuery('', undefined, undefined, {})) as GuardedCommand;

/** MySQL internals manual, "Status Flags". */
const MORE_RESULTS = 0x0008;
/** The first byte of a request for a local file. */
const FILE_REQUEST = 0xfb;

/** Guards the code of a caller's that a command may run. Precondition: the command was not started. */
export function guardCallersCode(command: Command, config: ConnectionConfig): void {
  const guarded = command as GuardedCommand;
  const options = guarded._queryOptions ?? guarded._executeOptions;
  if (options === undefined) return;
  if (typeof options.typeCast === 'function' || typeof config.typeCast === 'function') guarded.doneInsert = doneOrUnread;
}

/** A caller listens to this command: what a listener throws is thrown when mysql2 has done its work. */
export function emitApart(command: Command): void {
  (command as GuardedCommand).emit = emitGuarded;
}

function emitGuarded(this: Command, event: string, ...details: unknown[]): boolean {
  if (event === 'end' || (event === 'error' && this.listenerCount(event) > 0)) return emitToAll(this, event, details);
  try {
    return prototype.emit.call(this, event, ...details);
  } catch (error) {
    // An error without a listener: the answer is on its way to no reader, and the connection is as it was.
    if (event !== 'error') throwLater(error);
    return false;
  }
}

/** The pool listens behind the caller: by the end of a statement its connection comes back, even when a listener of the caller's throws. */
function emitToAll(command: Command, event: string, details: readonly unknown[]): boolean {
  const listeners = (command as GuardedCommand).rawListeners(event);
  for (const listener of listeners) {
    try {
      Reflect.apply(listener, command, details);
    } catch (error) {
      throwLater(error);
    }
  }
  return listeners.length > 0;
}

/**
 * mysql2 ends a statement at once when a row of it cannot be read, and takes the rows that follow for the next one's answer. Here its caller
 * has the error at once, and the rest is read and thrown away.
 */
function doneOrUnread(this: GuardedCommand, header: unknown): unknown {
  if (header !== null) return prototype.doneInsert.call(this, header);
  const error = callersError(this._localStreamError, 'typeCast must throw errors only', 'something else');
  const { onResult, _connection: connection } = this;
  // A stream that is destroyed by its error resumes its connection at once, and what had arrived meanwhile comes in the middle of this step.
  this.next = restOfRows;
  if (onResult !== undefined) {
    this.onResult = ignore;
    onResult.call(this, error);
  } else if (this.listenerCount('error') > 0) {
    this.emit('error', error);
  }
  // A long rest would keep the connection from the others: it is stopped, as for a stream that is left.
  setImmediate(() => {
    if (connection?._command === this) connection.interrupt(this);
  });
  return restOfRows;
}

function restOfRows(packet: Packet): unknown {
  return endsRows(packet) ? restAfter(statusOfEof(packet)) : restOfRows;
}

function restAfter(status = 0): unknown {
  return (status & MORE_RESULTS) === 0 ? null : restOfResult;
}

function restOfResult(packet: Packet, connection: DriverConnection): unknown {
  const marker = packet.buffer[packet.offset];
  if (marker === OK_PACKET) return restAfter(statusOfOk(packet));
  if (marker !== FILE_REQUEST) return restOfColumns;
  connection.writePacket(emptyPacket());
  return restOfResult;
}

function restOfColumns(packet: Packet): unknown {
  return endsRows(packet) ? restOfRows : restOfColumns;
}

/** No content: what a server that has asked for a file takes for its end. */
function emptyPacket(): { readonly buffer: Buffer; length(): number; writeHeader(sequenceId: number): void } {
  const buffer = Buffer.alloc(4);
  return {
    buffer,
    length: () => buffer.length,
    writeHeader(sequenceId) {
      buffer[3] = sequenceId;
    },
  };
}
