/** Commands that end without having been sent, or whose connection is gone: their callers have the error once, and the end after it. */

import { PoolError } from '../../engine/index.js';
import { type Command, createQuery, type DriverConnection, type Packet } from '../driver/index.js';
import { callersError, markUnrun, type ServerError, unrunCopyOf } from '../errors/index.js';
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
 * command before its caller can listen: a pool would never learn of the end. It ends in the next tick, and none of it is sent.
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

/** A command that prepares a statement, for one that is run later or by itself. */
export function isPrepare(command: Command): boolean {
  return 'parameterDefinitions' in command;
}

/** The same words and code as mysql2's; other words where this side has closed it for a reason. */
export function connectionLost(why = 'Connection lost: The server closed the connection.'): Error {
  return Object.assign(new Error(why), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true });
}

/**
 * For a command that was given to a closed connection; the same code as mysql2's.
 *
 * @param reason why it is closed, if that is known
 */
export function connectionClosed(reason: Error | null): Error {
  const error = new Error("Can't add new command when connection is in closed state", reason === null ? {} : { cause: reason });
  return markUnrun(Object.assign(error, { code: 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR', fatal: true }), 'not sent');
}

/**
 * The server's last word, which is no answer to a statement: MySQL says so that it closes a connection that was idle (4031). It was written before the server had read
 * what was sent meanwhile, if anything was.
 */
export function lastWord(error: ServerError): Error {
  const code = error.errno === IDLE_CUT ? 'ER_CLIENT_INTERACTION_TIMEOUT' : 'PROTOCOL_CONNECTION_LOST';
  return markUnrun(Object.assign(serverError(error), { code, fatal: true }), 'not run');
}

const IDLE_CUT = 4031;

/** What ends the commands that wait behind the running one, and one that only prepares a statement, when their connection is lost. */
export function failureOfUnrun(command: Command, isRunning: boolean, error: Error): Error | undefined {
  if (PoolError.is(error)) return undefined;
  if (!isRunning) return unrunCopyOf(error, 'not sent');
  return isPrepare(command) ? unrunCopyOf(error, 'not run') : undefined;
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
