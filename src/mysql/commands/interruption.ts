/** Stops a statement that runs on a connection, so that the kill never hits a later statement. */

import { codeOf, messageOf } from '../../engine/index.js';
import { ignore, setTimeout } from '../../engine/waiting/index.js';
import { type Command, createQuery, type DriverConnection, DriverCommand, endLocalFile } from '../driver/index.js';

/** What is needed of a connection whose statement is stopped. */
export interface Interruptible extends DriverConnection {
  pause(): void;
  resume(): void;
  /** Cuts the connection off. */
  terminate(reason: Error): void;
}

/** How often a connection that its borrower has paused is looked at. */
const PAUSED_POLL_MS = 10;

/** Takes its turn on a connection and holds up what comes behind it until it is lifted. */
class Barrier extends DriverCommand {
  // The statements on the connection report its errors.
  override onResult = ignore;
  #lifted = false;

  override start = (): unknown => this.#wait();

  lift(connection: DriverConnection): void {
    this.#lifted = true;
    if (connection._command === this) connection.handlePacket();
  }

  #wait(): unknown {
    return this.#lifted ? null : () => this.#wait();
  }
}

/** Statements whose kill is under way. */
const beingKilled = new WeakSet<Command>();

/** Whether a statement is being killed: its connection is read again when the server has acknowledged that. */
export function isBeingKilled(command: Command | null | undefined): boolean {
  return command != null && beingKilled.has(command);
}

/**
 * Stops a statement of a connection. One that has not been sent yet is never sent. One that is running is killed on the server. A barrier
 * blocks what follows on this connection until the server has acknowledged the kill. A `DO 0` runs next, so a late KILL hits that no-op and
 * never the caller's next statement.
 *
 * @param kill asks the server to kill what `connection` runs; rejects when it cannot be known to have done so
 */
export function interrupt<C extends Interruptible>(connection: C, command: Command, kill: (connection: C) => Promise<void>): void {
  if (connection._command !== command) {
    neverSend(command);
    return;
  }
  // A stream that fails because its statement is stopped asks for the same.
  if (beingKilled.has(command)) return;
  beingKilled.add(command);
  // The server's answer to the kill has no reader. mysql2 throws an error without a listener, and gives the connection up.
  command.once('error', ignore);
  const barrier = new Barrier();
  connection._commands.unshift(createQuery('DO 0', undefined, ignore, {}));
  connection._commands.unshift(barrier);
  // Rows that no caller reads would keep this process and the server busy, and the kill waiting.
  connection.pause();
  kill(connection).then(
    () => {
      beingKilled.delete(command);
      barrier.lift(connection);
      endLocalFile(command);
      // What had been sent is read and thrown away.
      connection.resume();
    },
    (error: unknown) => connection.terminate(new Error(`A statement could not be stopped: ${messageOf(error)} (${codeOf(error)}).`)),
  );
}

/**
 * A command that was not sent is not sent when its turn comes. It ends a tick after that: it may be its turn at once, and its caller listens for its
 * end when it has been queued. One that was sent, or has ended, stays as it was.
 */
export function neverSend(command: Command): void {
  command.start = (_packet, connection) => {
    process.nextTick(endTurn, connection, command);
    return over;
  };
}

/** Ends the turn of a command that answers the next call with nothing. */
export function endTurn(connection: DriverConnection, command: Command): void {
  if (connection._command !== command) return;
  // mysql2 would keep the turn for later, and take it for the end of what was kept.
  if (connection._paused) setTimeout(endTurn, PAUSED_POLL_MS, connection, command).unref();
  else connection.handlePacket();
}

export function over(): null {
  return null;
}
