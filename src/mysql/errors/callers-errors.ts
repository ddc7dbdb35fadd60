/** Errors that a caller's own code has thrown: they say nothing about the server or the connection, even where they carry the code of a lost connection. */

import { thrownAsError } from './thrown.js';

/** By object: a stream that reads from elsewhere fails with the same codes as a connection of ours, such as ECONNRESET. */
const callersErrors = new WeakSet<object>();

/** What a caller's own code has thrown, as an error, and noted as such. The parameters are those of `thrownAsError`. */
export function callersError(thrown: unknown, what: string, given: string): Error {
  return notedAsCallers(thrownAsError(thrown, what, given));
}

/** Notes an error of the pool's that stands for one of a caller's own code. */
export function notedAsCallers<E extends Error>(error: E): E {
  callersErrors.add(error);
  return error;
}

/** Whether an error was noted as a caller's own. */
export function isCallersError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && callersErrors.has(error);
}
