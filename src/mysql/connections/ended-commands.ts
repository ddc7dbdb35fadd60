/** Commands that end without having been sent, or whose connection is gone: their callers have the error once, and the end after it. */

import { type Command, createQuery } from '../driver/index.js';
import type { ServerError } from '../errors/index.js';

/** A command that ends with an error and never comes to a connection. Its caller has it before it ends. */
export function notSent(command: Command, error: Error): Command {
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
