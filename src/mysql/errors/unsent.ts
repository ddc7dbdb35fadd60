/** Errors of statements that a lost connection never ran: none of them took effect. */

/** `not sent`: the connection was lost before; `not run`: it was being prepared, or the server had left before it read the statement. */
export type Unrun = 'not sent' | 'not run';

/** By object, as the driver's fields must stay as its users know them. */
const unrun = new WeakMap<object, Unrun>();

/** Notes on an error that its statement was never run: callers read it in `effect`. Returns the error. */
export function markUnrun<E extends object>(error: E, how: Unrun): E {
  unrun.set(error, how);
  return Object.assign(error, { effect: 'none' });
}

/** Whether an error is known to be of a statement that was never run, and how far it came. */
export function unrunOf(error: unknown): Unrun | undefined {
  return typeof error === 'object' && error !== null ? unrun.get(error) : undefined;
}

/**
 * The error of a lost connection for a statement that had not been run when it was lost. One error ends all commands of a connection, and only the
 * running one's effect is in doubt: the others get a copy with the same fields.
 */
export function unrunCopyOf(error: Error, how: Unrun): Error {
  const copy = new Error(error.message, { cause: error.cause ?? error });
  return markUnrun(Object.assign(copy, error), how);
}
