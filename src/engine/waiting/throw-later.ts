/** Errors that no caller waits for: thrown after the running transition, or ignored. */

/**
 * Throws what foreign code has thrown, as any event emitter would, but only after the running transition: a transition that stopped half-way
 * would leave callers waiting without end.
 */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** Calls a listener in the middle of a transition: what it throws is thrown later. */
export function callListener<T>(listener: (detail: T) => void, detail: T): void {
  try {
    listener(detail);
  } catch (error) {
    throwLater(error);
  }
}

/**
 * What a caller's function returns may be a promise where none is awaited, as that of an `async` one: its rejection would end the process.
 * Returns whether it is a promise.
 */
export function ignoreRejection(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null || !('then' in answer) || typeof answer.then !== 'function') return false;
  Promise.resolve(answer).catch(ignore);
  return true;
}

/** Does nothing: for events and rejections that another path reports already. */
export function ignore(): void {}
