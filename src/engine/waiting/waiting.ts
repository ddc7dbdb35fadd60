/** How anything waits: bounds, pauses, and what becomes of errors that no caller hears. */

/**
 * What somebody else's code has thrown is the process's problem, as with any event emitter, but not in the middle of a transition:
 * it is thrown when that is over, and everybody else has been told.
 */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
