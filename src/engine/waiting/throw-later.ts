/** Errors that no caller waits for: thrown after the running transition, or ignored. */

import { queueMicrotask } from '../contract/index.js';

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

/** Does nothing: for events and rejections that another path reports already. */
export function ignore(): void {}
