/** Errors that a caller's own code has thrown: they say nothing about the server or the connection, whichever code they carry. */

import { types } from 'node:util';
import { messageOf } from '../../engine/index.js';

/** By object: a stream that reads from elsewhere fails with the same codes as a connection of ours, such as ECONNRESET. */
const callersErrors = new WeakSet<object>();

/**
 * Notes that an error is a caller's own.
 *
 * @param source what has thrown it, for the words around what is no error
 */
export function callersError(thrown: unknown, source: string): Error {
  const error =
    thrown instanceof Error || types.isNativeError(thrown)
      ? thrown
      : new Error(`${source} threw what is no error: ${messageOf(thrown)}`, { cause: thrown });
  callersErrors.add(error);
  return error;
}

/** Whether an error was noted as a caller's own. */
export function isCallersError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && callersErrors.has(error);
}
