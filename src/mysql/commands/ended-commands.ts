/** Commands that end without having been sent, or whose connection is gone: their callers have the error once, and the end after it. */

import { type Command, createQuery, type DriverConnection, type Packet } from '../driver/index.js';
import { callersError, type ServerError } from '../errors/index.js';
import { endTurn, over } from './interruption.js';
import { stopWhenAbandoned } from './streams.js';

/** A command that ends with an error and never comes to a connection. Its caller has it before it ends. */
export function notSent(command: Command, error: Error): Command {
  if (command.onResult === undefined) stopWhenAbandoned(command);
  process.nextTick(() => {
    try {
      if (command.onResult !== undefined) command.onResult(error);
      else if (command.listenerCount('error') > 0) command.emit('error', error);
    } finally {
      command.emit('end');
    }
  });
  return command;
}

/** The same for what a caller gave as a statement, and is none. */
export function refusedStatement(callback: unknown, error: unknown): Command {
  return notSent(createQuery('', undefined, callback as Command['onResult'], {}), error as Error);
}

/** What mysql2 could not write of a statement's values, as an error. */
export function asValueError(thrown: unknown): Error {
  return callersError(thrown, "The statement's values must be readable", 'a value that throws when it is read');
}

/**
 * A statement that mysql2 may fail to write, for a value that throws or that JSON cannot hold. mysql2 reports such a failure and ends the
 * command before its caller can listen: a pool would never learn of the end. It ends in the next tick, and nothing of it is sent.
 */
export function failApart(command: Command): void {
  const { start } = command;
  if (start === undefined || !mayFailToStart(command)) return;
  command.start = (packet, connection) => startApart(command, start, packet, connection);
}

function startApart(
  command: Command,
  start: NonNullable<Command['start']>,
  packet: Packet | undefined,
  connection: DriverConnection,
): unknown {
  const { onResult } = command;
  const failures: unknown[] = [];
  command.onResult = (error) => void failures.push(error);
  let next: unknown;
  try {
    next = Reflect.apply(start, command, [packet, connection]);
  } catch (error) {
    failures.push(error);
  }
  command.onResult = onResult;
  if (failures.length === 0) return next;
  process.nextTick(() => {
    // Its connection was lost in between, and with it the command: its caller knows.
    if (connection._command !== command) return;
    const error = asValueError(failures[0]);
    if (command.onResult !== undefined) command.onResult(error);
    else if (command.listenerCount('error') > 0) command.emit('error', error);
    endTurn(connection, command);
  });
  return over;
}

function mayFailToStart({ parameters, _queryOptions, _executeOptions }: Command): boolean {
  if (_queryOptions?.attributes !== undefined || _executeOptions?.attributes !== undefined) return true;
  return Array.isArray(parameters) && parameters.some(mayBeUnwritable);
}

function mayBeUnwritable(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null);
}

export function failCommand(command: Command, error: Error): void {
  if (command.listenerCount('error') > 0) command.emit('error', error);
  command.emit('end');
}

/** An Execute whose Prepare is ahead of it, and reports the failure of both. */
export function isBeingPrepared(command: Command): boolean {
  return 'statement' in command && command.statement === undefined;
}

/** The same words and code as mysql2's. */
export function connectionLost(): Error {
  return Object.assign(new Error('Connection lost: The server closed the connection.'), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true });
}

/** The same code as mysql2's. */
export function connectionClosed(): Error {
  return Object.assign(new Error("Can't add new command when connection is in closed state"), {
    code: 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
    fatal: true,
  });
}

/** An error that the server has sent, as an object of its own. */
export function serverError({ message, errno, sqlState }: ServerError): Error {
  return Object.assign(new Error(message), { errno, sqlState });
}

/** A callback that does nothing when it is called again; anything else as it is. */
export function callOnce(parameter: unknown): unknown {
  if (typeof parameter !== 'function') return parameter;
  let called = false;
  return (...result: unknown[]): void => {
    if (called) return;
    called = true;
    Reflect.apply(parameter, undefined, result);
  };
}
